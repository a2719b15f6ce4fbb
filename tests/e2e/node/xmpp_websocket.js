// Somebody with @xmpp/client over a WebSocket (RFC 7395) logs in, asks for the contacts, pings the server, says
// something and waits for an answer; then the socket is lost, and the same again with a new one. Reads a stage from
// standard input, writes what happened.
import { client, xml } from "@xmpp/client";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { patience } from "./waits.js";

const stage = JSON.parse(await text(process.stdin));
const { limit: PATIENCE, within } = patience(stage.patience);
const told = { roster: [], pong: [], heard: [] };

async function enter() {
  const { service, domain, username, password } = stage;
  const person = client({ service, domain, username, password });
  person.timeout = PATIENCE;
  person.on("error", (error) => console.error(error.message));
  const online = once(person, "online");
  person.start().catch((error) => console.error(error.message)); // scene.js says why it is not waited for
  told.address = (await within(online, "a login"))[0].toString();
  return person;
}

async function converse(person) {
  const request = (to, child) => person.iqCaller.request(xml("iq", { type: "get", to }, child), PATIENCE);
  const roster = await request(undefined, xml("query", "jabber:iq:roster"));
  told.roster.push(roster.getChild("query").getChildren("item").length);
  told.pong.push((await request(stage.domain, xml("ping", "urn:xmpp:ping"))).attrs.type);
  await person.send(xml("presence"));
  const answer = new Promise((resolve) => {
    person.on("stanza", (stanza) => stanza.is("message") && stanza.getChild("body") && resolve(stanza));
  });
  await person.send(xml("message", { type: "chat", to: stage.to }, xml("body", {}, stage.words)));
  told.heard.push((await within(answer, "an answer")).getChildText("body"));
}

const lost = await enter();
await converse(lost);
lost.reconnect.stop();
lost.socket.socket.close(); // no goodbye to the stream; ejabberd takes its time to answer

const person = await enter();
await converse(person);
await within(person.stop(), "a goodbye");

console.log(JSON.stringify(told));
process.exit(0); // timers of the library would go on for half a minute
