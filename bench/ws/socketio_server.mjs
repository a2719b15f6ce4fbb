// The smallest server that Socket.IO 4 makes: "beat" goes back, "say" to everybody.
//   node socketio_server.mjs PORT [CERTIFICATE KEY]
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { readFileSync } from "node:fs";
import { Server } from "socket.io";

const [port, certificate, key] = process.argv.slice(2);
const server = certificate
  ? createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) })
  : createServer();
const everybody = new Server(server, { transports: ["websocket"], serveClient: false });
everybody.on("connection", (socket) => {
  socket.on("beat", (heartbeat) => socket.emit("beat", heartbeat));
  socket.on("say", (body) => everybody.emit("say", body));
});
server.listen(Number(port), "127.0.0.1", 4096);
