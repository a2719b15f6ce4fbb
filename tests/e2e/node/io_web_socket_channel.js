// What Dart's web_socket_channel does, over ws: `connect` returns at once, what is added to the sink waits for the
// connection, and a stream that fails gives its error and is done.
import WebSocket from "ws";

export class IOWebSocketChannel {
  static connect(url) {
    return new IOWebSocketChannel(url);
  }

  constructor(url) {
    this._waiting = [];
    this._socket = new WebSocket(url);
    this._socket.on("open", () => {
      for (const data of this._waiting.splice(0)) this._socket.send(data);
    });
    this.sink = {
      add: (data) => {
        if (this._socket.readyState === WebSocket.CONNECTING) this._waiting.push(data);
        else this._socket.send(data, () => {}); // what is added to a closed sink is dropped
      },
      close: () => this._socket.close(),
    };
    this.stream = {
      listen: (onData, { onError, onDone }) => {
        this._socket.on("message", (data, isBinary) => onData(isBinary ? [...data] : data.toString()));
        this._socket.on("error", onError);
        this._socket.on("close", onDone);
      },
    };
  }

  /// For tests: the network is gone.
  drop() {
    this._socket.terminate();
  }
}
