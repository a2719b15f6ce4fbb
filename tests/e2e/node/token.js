// Somebody logs in with @xmpp/client and a password, comes back with the token that came of it, loses the connection and
// comes back again: with the token, into the same session. Reads a stage from standard input, writes what happened.
import { client, xml } from "@xmpp/client";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { patience } from "./waits.js";

const stage = JSON.parse(await text(process.stdin));
const { limit: PATIENCE, within } = patience(stage.patience);
const told = { mechanisms: [], addresses: [], resumed: false };
let token;

async function enter(credentials) {
  const person = client({
    service: stage.service,
    domain: stage.domain,
    username: stage.username,
    credentials: { username: stage.username, ...credentials },
    resource: "orchard",
    userAgent: xml("user-agent", { id: stage.agent }, xml("software", {}, "scene")),
  });
  person.timeout = PATIENCE;
  person.reconnect.delay = 1;
  person.fast.saveToken = async (given) => {
    token = given;
  };
  person.fast.fetchToken = async () => token;
  person.on("error", (error) => console.error(error.message));
  person.on("send", (element) => {
    if (element.is("authenticate")) told.mechanisms.push(element.attrs.mechanism);
  });
  const online = once(person, "online");
  person.start().catch((error) => console.error(error.message)); // scene.js says why it is not waited for
  told.addresses.push((await within(online, "a login"))[0].toString());
  return person;
}

async function leave(person) {
  person.reconnect.stop(); // or it comes back, if a millisecond passes between the end of its connection and its own
  await within(person.stop(), "a goodbye");
}

const first = await enter({ password: stage.password });
await leave(first);

const second = await enter({ token });
const resumed = once(second.streamManagement, "resumed");
second.socket.socket.destroy();
await within(resumed, "the session");
told.resumed = true;
await second.iqCaller.request(xml("iq", { type: "get" }, xml("ping", "urn:xmpp:ping")), PATIENCE);
await leave(second);

console.log(JSON.stringify(told));
process.exit(0); // timers of the library would go on for half a minute
