// The Flutter app itself. The first line of standard input is its address; each further line is something to do:
//   {"type": 11, "content": {…}}   sends a message, {"drop": true} loses the network, {"close": true} closes the socket
// It tells what happens on standard output, a line of JSON each.
import { createInterface } from "node:readline";
import { AckMessage, Message, ProtobufUtil } from "./protobuf_util.js";
import { WebSocketUtility } from "./web_socket_utility.js";

const TYPES = { 10: AckMessage, 11: Message };

const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");

function sendSocket(type, content) {
  const msg = ProtobufUtil.encode(type, content);
  WebSocketUtility.instance()._webSocket.sink.add(Buffer.from(msg));
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
WebSocketUtility.instance()._SOCKET_URL = JSON.parse((await lines.next()).value).url;

WebSocketUtility.instance().initWebSocket({
  onOpen: () => {
    tell({ event: "open" });
    WebSocketUtility.instance().initHeartBeat();
  },
  onMessage: (data) => {
    if (typeof data === "string") {
      tell({ event: "text", text: data });
      return;
    }
    const msg = ProtobufUtil.decode(data);
    if (msg == null) tell({ event: "unknown", bytes: data });
    else tell({ event: "message", frame: msg.contentType, ...msg.content.toJSON() });
  },
  onError: (e) => {
    tell({ event: "error", text: String(e) });
  },
});

for await (const line of lines) {
  const said = JSON.parse(line);
  if (said.drop) WebSocketUtility.instance()._webSocket.drop();
  else if (said.close) WebSocketUtility.instance().closeSocket();
  else sendSocket(said.type, TYPES[said.type].create(said.content));
}
process.exit(0);
