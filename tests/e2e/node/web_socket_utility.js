// The WebSocketUtility of a Flutter app, line by line: one WebSocket, a heartbeat, and a reconnection.
import { IOWebSocketChannel } from "./io_web_socket_channel.js";

const print = console.error; // standard output is for what the test reads

export const SocketStatus = {
  SocketStatusConnected: "connected",
  SocketStatusFailed: "failed",
  SocketStatusClosed: "closed",
};

export class WebSocketUtility {
  static _socket = null;

  static instance() {
    if (WebSocketUtility._socket == null) {
      WebSocketUtility._socket = new WebSocketUtility();
    }
    return WebSocketUtility._socket;
  }

  _SOCKET_URL = null; // a constant in the app
  _webSocket = null;
  _socketStatus = null;
  _heartBeat = null;
  _heartTimes = 3000; // milliseconds
  _reconnectCount = 60;
  _reconnectTimes = 0;
  _reconnectTimer = null;
  onError = null;
  onOpen = null;
  onMessage = null;

  initWebSocket({ onOpen, onMessage, onError }) {
    this.onOpen = onOpen;
    this.onMessage = onMessage;
    this.onError = onError;
    this.openSocket();
  }

  openSocket() {
    this.closeSocket();
    this._webSocket = IOWebSocketChannel.connect(this._SOCKET_URL);
    print("connected");
    this._socketStatus = SocketStatus.SocketStatusConnected;
    this._reconnectTimes = 0;
    if (this._reconnectTimer != null) {
      clearInterval(this._reconnectTimer);
      this._reconnectTimer = null;
    }
    this.onOpen();
    this._webSocket.stream.listen((data) => this.webSocketOnMessage(data), {
      onError: (e) => this.webSocketOnError(e),
      onDone: () => this.webSocketOnDone(),
    });
  }

  webSocketOnMessage(data) {
    this.onMessage(data);
  }

  webSocketOnDone() {
    print("closed");
    this.reconnect();
  }

  webSocketOnError(e) {
    this._socketStatus = SocketStatus.SocketStatusFailed;
    this.onError(e.message);
    this.closeSocket();
  }

  initHeartBeat() {
    this.destroyHeartBeat();
    this._heartBeat = setInterval(() => {
      this.sentHeart();
    }, this._heartTimes);
  }

  sentHeart() {
    this.sendMessage('{"module": "HEART_CHECK", "message": "请求心跳"}');
  }

  destroyHeartBeat() {
    if (this._heartBeat != null) {
      clearInterval(this._heartBeat);
      this._heartBeat = null;
    }
  }

  closeSocket() {
    if (this._webSocket != null) {
      print("closing");
      this._webSocket.sink.close();
      this.destroyHeartBeat();
      this._socketStatus = SocketStatus.SocketStatusClosed;
    }
  }

  sendMessage(message) {
    if (this._webSocket != null) {
      switch (this._socketStatus) {
        case SocketStatus.SocketStatusConnected:
          print("sending:" + message);
          this._webSocket.sink.add(message);
          break;
        case SocketStatus.SocketStatusClosed:
          print("the connection is closed");
          break;
        case SocketStatus.SocketStatusFailed:
          print("sending failed");
          break;
        default:
          break;
      }
    }
  }

  reconnect() {
    if (this._reconnectTimes < this._reconnectCount) {
      this._reconnectTimes++;
      this._reconnectTimer = setInterval(() => {
        this.openSocket();
      }, this._heartTimes);
    } else {
      if (this._reconnectTimer != null) {
        print("too many attempts");
        clearInterval(this._reconnectTimer);
        this._reconnectTimer = null;
      }
      return;
    }
  }
}
