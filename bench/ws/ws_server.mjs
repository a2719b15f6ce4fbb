// The smallest server that ws (npm) makes: text goes back as it came, a binary message to everybody.
//   node ws_server.mjs PORT [CERTIFICATE KEY]
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { readFileSync } from "node:fs";
import { WebSocketServer } from "ws";

const [port, certificate, key] = process.argv.slice(2);
const server = certificate
  ? createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) })
  : createServer();
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket) => {
  socket.on("message", (message, binary) => {
    if (!binary) return socket.send(message, { binary });
    for (const other of sockets.clients) other.send(message, { binary });
  });
});
server.listen(Number(port), "127.0.0.1", 4096);
