// A small chat over Anser's WebSocket door, in the JSON form (subprotocol anser.json, docs/wire/websocket.md). It shows
// what an app has to do: sign in with the first frame, acknowledge, send again what was not acknowledged, beat, and come
// back after a loss with a delay that grows and is drawn at random.
"use strict";

const Type = {ack: 10, message: 11, auth: 12, authResult: 13, error: 14, presence: 15, typing: 18,
              historyRequest: 20, historyPage: 21};
const heartbeatEvery = 30000, answerWithin = 10000, firstDelay = 500, longestDelay = 30000, holds = 5000;
const noReturn = new Set([1000, 1002, 1003, 1007, 1009, 4401, 4409]);

const $ = (id) => document.getElementById(id);
const bare = (address) => (address || "").split("/")[0];

class Chat {
  constructor(user, password, peer) {
    Object.assign(this, {user, password, peer});
    this.pending = new Map();  // eventId -> Message: sent, not acknowledged
    this.seen = new Set();     // archive ids that are shown
    this.attempt = 0;
    this.connect();
  }

  connect() {
    status("connecting", "connecting…");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = this.socket = new WebSocket(`${scheme}//${location.host}/ws?acknowledges=1`, ["anser.json"]);
    socket.onopen = () => this.send(Type.auth, {user: this.user, password: this.password, acknowledges: true});
    socket.onmessage = (event) => this.take(JSON.parse(event.data));
    socket.onclose = (event) => this.lost(event);
  }

  close() {
    this.closed = true;
    clearTimeout(this.again);
    this.stopBeating();
    this.socket.close(1000);
  }

  send(type, message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({type, message}));
  }

  say(body) {
    const message = {eventId: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2), to: this.peer,
                     type: "text", body};
    this.pending.set(message.eventId, message);
    show(message, {own: true, mark: "…"});
    if (this.ready) this.send(Type.message, message);
  }

  take({type, message, module}) {
    clearTimeout(this.answerDue);
    if (module) return;
    switch (type) {
      case Type.authResult:
        return message.ok ? this.opened(message) : fail(message.text);
      case Type.ack:
        this.pending.delete(message.eventId);
        return mark(message.eventId, "✓");
      case Type.message:
        this.show(message);
        if (message.eventId) this.send(Type.ack, {eventId: message.eventId});
        return;
      case Type.presence:
        if (bare(message.from) === this.peer && !message.type) return presence(message.show || "available");
        if (bare(message.from) === this.peer && message.type === "unavailable") return presence("unavailable");
        if (message.type === "subscribe" && bare(message.from) === this.peer)
          this.send(Type.presence, {to: message.from, type: "subscribed"});
        return;
      case Type.typing:
        if (bare(message.from) === this.peer) $("typing").hidden = message.state !== "composing";
        return;
      case Type.historyPage:
        (message.messages || []).forEach((old) => this.show(old));
        if (!message.complete && message.after) this.ask(message.after);
        return;
      case Type.error:
        if (message.eventId) {
          this.pending.delete(message.eventId);
          mark(message.eventId, "✗ " + message.text, true);
        } else {
          show({body: message.text, type: "system"}, {});
        }
    }
  }

  opened({address}) {
    this.address = bare(address);
    if (!this.peer.includes("@")) this.peer += "@" + this.address.split("@")[1];
    $("name").textContent = this.peer;
    this.ready = true;
    this.held = setTimeout(() => this.attempt = 0, holds);
    status("connected", "connected as " + this.address);
    $("sign-in").hidden = true;
    $("chat").hidden = false;
    this.beat = setInterval(() => {
      this.socket.send(JSON.stringify({module: "HEART_CHECK", message: "beat"}));
      clearTimeout(this.answerDue);
      this.answerDue = setTimeout(() => this.socket.close(4000, "no answer"), answerWithin);
    }, heartbeatEvery);
    this.send(Type.presence, {to: this.peer, type: "subscribe"});
    this.send(Type.historyRequest,
              this.last ? {with: this.peer, after: this.last} : {with: this.peer, latest: true, limit: 50});
    for (const message of this.pending.values()) this.send(Type.message, message);
    $("text").focus();
  }

  ask(after) {
    this.send(Type.historyRequest, {with: this.peer, after});
  }

  show(message) {
    const from = bare(message.from), other = from === this.address ? bare(message.to) : from;
    if (other !== this.peer && message.type !== "system")  // acknowledged, so it must be seen
      return show({...message, body: `${from} to ${bare(message.to)}: ${message.body}`, type: "system"}, {});
    if (message.archiveId) {
      if (this.seen.has(message.archiveId)) return;
      this.seen.add(message.archiveId);
      this.last = message.archiveId;
    }
    if (from === this.address && mark(message.eventId, "✓")) return;  // shown when it was sent
    $("typing").hidden = true;
    show(message, {own: from === this.address});
  }

  stopBeating() {
    clearInterval(this.beat);
    clearTimeout(this.answerDue);
    clearTimeout(this.held);
  }

  lost({code, reason}) {
    this.ready = false;
    this.stopBeating();
    presence("unavailable");
    if (this.failed) return;
    if (this.closed) return status("closed", "signed out");
    if (noReturn.has(code)) return fail(reason || `the server closed the connection (${code})`);
    const delay = Math.random() * Math.min(longestDelay, firstDelay * 2 ** this.attempt++);
    status("failed", "connection lost, coming back…");
    this.again = setTimeout(() => this.connect(), delay);
  }
}

let chat = null;

function status(state, text) {
  $("status").dataset.state = state;
  $("status").textContent = text;
}

function presence(show) {
  $("presence").dataset.show = show;
  $("presence").title = show === "unavailable" ? "not there" : show;
}

function fail(text) {
  if (chat) chat.closed = chat.failed = true;
  chat = null;
  status("failed", "not connected");
  $("error").textContent = text;
  $("chat").hidden = true;
  $("sign-in").hidden = false;
}

function show(message, {own, mark}) {
  const item = document.createElement("li");
  if (own) item.classList.add("own");
  if (message.type === "system") item.classList.add("system");
  item.append(message.body || "");
  const time = document.createElement("time");
  const at = message.createAt ? new Date(message.createAt) : new Date();
  time.textContent = at.toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"});
  item.append(time);
  if (own) {
    item.dataset.event = message.eventId || "";
    const sign = document.createElement("span");
    sign.className = "mark";
    sign.textContent = mark || "✓";
    item.append(sign);
  }
  $("log").append(item);
  item.scrollIntoView({block: "end"});
}

function mark(eventId, text, failed) {
  const item = eventId && document.querySelector(`#log li[data-event="${CSS.escape(eventId)}"]`);
  if (!item) return false;
  const sign = item.querySelector(".mark");
  sign.textContent = text;
  sign.classList.toggle("failed", Boolean(failed));
  return true;
}

$("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  $("error").textContent = "";
  $("log").replaceChildren();
  chat = new Chat($("user").value.trim(), $("password").value, $("peer").value.trim());
});
$("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  const body = $("text").value;
  if (!body.trim() || !chat) return;
  chat.say(body);
  $("text").value = "";
});
let wrote = 0;
$("text").addEventListener("input", () => {
  if (!chat || Date.now() - wrote < 3000) return;
  wrote = Date.now();
  chat.send(Type.typing, {to: chat.peer, state: "composing"});
});
$("sign-out").addEventListener("click", () => {
  chat.close();
  chat = null;
  $("chat").hidden = true;
  $("sign-in").hidden = false;
});
