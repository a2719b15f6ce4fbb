// Two people with @xmpp/client on Node. Reads a stage from standard input as JSON, plays the scene, and writes what
// happened as one JSON object.
import { client, xml } from "@xmpp/client";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { patience } from "./waits.js";

const stage = JSON.parse(await text(process.stdin));
const { limit: PATIENCE, within } = patience(stage.patience);

async function enter({ username, password, resource }) {
  const person = client({ service: stage.service, domain: stage.domain, username, password, resource });
  person.timeout = PATIENCE;
  person.heard = [];
  person.waiting = [];
  person.on("error", (error) => console.error(username, error.message));
  person.on("stanza", (stanza) => {
    person.heard.push(stanza);
    for (const look of person.waiting.splice(0)) look();
  });
  person.hears = (wanted, what) =>
    within(
      new Promise((resolve) => {
        const look = () => {
          const index = person.heard.findIndex(wanted);
          if (index < 0) person.waiting.push(look);
          else resolve(person.heard.splice(index, 1)[0]);
        };
        look();
      }),
      what,
    );
  const online = once(person, "online");
  // start() also waits to see the stream opened, and misses it when the server answers before its own write returns. A
  // login by SASL2 opens no second one, so what counts is that we are online.
  person.start().catch((error) => console.error(username, error.message));
  person.address = (await within(online, `${username} to log in`))[0];
  return person;
}

const told = {};
const romeo = await enter(stage.romeo);
const juliet = await enter(stage.juliet);
told.addresses = [romeo.address.toString(), juliet.address.toString()];

const roster = await romeo.iqCaller.request(
  xml("iq", { type: "get" }, xml("query", "jabber:iq:roster")),
  PATIENCE,
);
told.roster = roster.getChild("query").getChildren("item").length;

await romeo.send(xml("presence"));
await juliet.send(xml("presence"));
await romeo.send(xml("presence", { type: "subscribe", to: juliet.address.bare().toString() }));
const asked = await juliet.hears((s) => s.is("presence") && s.attrs.type === "subscribe", "a request");
await juliet.send(xml("presence", { type: "subscribed", to: asked.attrs.from }));
const seen = await romeo.hears(
  (s) => s.is("presence") && !s.attrs.type && s.attrs.from === juliet.address.toString(),
  "Juliet's presence",
);
told.seen = seen.attrs.from;

await romeo.send(xml("message", { type: "chat", to: juliet.address.toString() }, xml("body", {}, stage.words)));
const message = await juliet.hears((s) => s.is("message"), "a message");
told.heard = message.getChildText("body");

await juliet.stop();
const gone = await romeo.hears(
  (s) => s.is("presence") && s.attrs.type === "unavailable" && s.attrs.from === juliet.address.toString(),
  "a goodbye",
);
told.gone = gone.attrs.from;
await romeo.stop();

console.log(JSON.stringify(told));
