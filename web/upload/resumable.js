// One file to the server by tus 1.0 (docs/wire/upload.md), in pieces, until it is there. Whatever happens on the way,
// the server is asked how much it has (HEAD), and the rest is sent. Waits between attempts grow and are drawn at random
// between nothing and their limit ("full jitter"), so that a thousand browsers do not come back at once.

const version = {"Tus-Resumable": "1.0.0"};
const firstWait = 500, longestWait = 30_000, longestAsked = 300_000;  // milliseconds
const silence = 60_000;       // nothing moved for so long: the connection is dead
const mostAttempts = 20;      // without a byte of progress between them
const largestPiece = 16 << 20, smallestPiece = 64 << 10;

// What the server says, in words and numbers.
export class Refusal extends Error {
  constructor(status, {detail, title, code, permitted, actual} = {}) {
    super(detail || title || `HTTP ${status}`);
    Object.assign(this, {status, code, permitted, actual});
  }
}

function json(text) {
  try {
    return JSON.parse(text) || {};
  } catch {
    return {};
  }
}

// Without the browser's own sign-in and its dialogue: who it is, is in `headers`.
export async function ask(method, address, headers = {}, signal) {
  const answer = await fetch(address, {method, signal, credentials: "omit", cache: "no-store",
                                       headers: {Accept: "application/json, application/problem+json", ...headers}});
  if (answer.ok) return answer;
  const refusal = new Refusal(answer.status, json(await answer.text()));
  refusal.retryAfter = answer.headers.get("Retry-After");
  throw refusal;
}

export function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

const wait = (milliseconds, signal) => new Promise((resolve) => {
  const done = () => {
    clearTimeout(timer);
    window.removeEventListener("online", done);
    signal.removeEventListener("abort", done);
    resolve();
  };
  const timer = setTimeout(done, milliseconds);
  window.addEventListener("online", done);  // the network is back: no reason to wait
  signal.addEventListener("abort", done);
});

// States: waiting, sending, retrying (`detail`: seconds), paused, failed (`detail`: an Error), done, gone.
export class Upload {
  // `headers()` says who; `on.change()` after every change; `on.address()` when `address` (null: there is none any more)
  // and `removal`, which deletes what somebody without an account has sent, are to be remembered. `sent` is for people;
  // `confirmed` is what the server has said that it has.
  constructor(file, {address = null, removal = null, headers, on}) {
    Object.assign(this, {file, address, removal, headers, on, state: "waiting", sent: 0, confirmed: 0, detail: null,
                         piece: largestPiece});
  }

  get ended() { return this.state === "done" || this.state === "gone"; }
  get active() { return this.state === "sending" || this.state === "retrying"; }

  become(state, detail = null) {
    this.state = state;
    this.detail = detail;
    this.on.change(this);
  }

  pause() {
    if (this.ended) return;
    this.stop?.abort();
    this.become("paused");
  }

  queue() { this.become("waiting"); }

  // Returns when it is done, has failed, or was paused.
  async run() {
    const stop = this.stop = new AbortController();
    let attempts = 0;
    this.become("sending");
    while (!stop.signal.aborted) {
      const before = this.confirmed;
      try {
        await this.attempt(stop.signal);
        if (!stop.signal.aborted) this.become("done");
        return;
      } catch (error) {
        if (stop.signal.aborted) return;
        if (this.confirmed > before) attempts = 0;
        const delay = await this.delayAfter(error, attempts++);
        if (stop.signal.aborted) return;
        if (delay === null) return this.become("failed", error);
        if (attempts > mostAttempts) return this.become("failed", error);
        if (delay > 0) {
          this.become("retrying", Math.ceil(delay / 1000));
          await wait(delay, stop.signal);
        }
      }
    }
  }

  // Milliseconds until the next attempt; null: there is none.
  async delayAfter(error, attempts) {
    const jittered = Math.random() * Math.min(longestWait, firstWait * 2 ** attempts);
    if (!(error instanceof Refusal)) return await this.readable(error) ? jittered : null;
    switch (error.status) {
      case 404: case 410:  // the server has forgotten it: from the beginning
        if (!this.address) return null;
        this.remember(null);
        this.has(0);
        return jittered;
      case 409: case 423: case 460:  // not that offset, or the older request still has it: HEAD will tell
        return jittered;
      case 413:  // a proxy on the way, with a limit of its own
        if (error.code || this.piece <= smallestPiece) return null;
        this.piece = Math.max(smallestPiece, this.piece >> 2);
        return 0;
      case 408: case 429: case 500: case 502: case 503: case 504: {
        const asked = Number(error.retryAfter) * 1000;
        return asked > 0 ? Math.min(asked, longestAsked) + jittered : jittered;
      }
    }
    return null;
  }

  async readable(error) {
    try {
      await this.file.slice(0, 1).arrayBuffer();
      return true;
    } catch {
      error.changed = true;  // on the disk, since it was picked
      return false;
    }
  }

  remember(address, removal = null) {
    Object.assign(this, {address, removal});
    this.on.address(this);
  }

  async attempt(signal) {
    if (this.address) await this.askOffset(signal);
    else await this.create(signal);
    while (this.confirmed < this.file.size || !this.link) {
      if (signal.aborted) return;
      if (this.confirmed >= this.file.size) {  // whole, but the answer that said where it is was lost
        this.link ||= this.guess();
        break;
      }
      await this.append(signal);
    }
    this.has(this.file.size);
  }

  async create(signal) {
    const metadata = [`filename ${base64(this.file.name)}`];
    if (this.file.type) metadata.push(`filetype ${base64(this.file.type)}`);
    const answer = await ask("POST", "/uploads", {...version, ...this.headers(), "Upload-Length": this.file.size,
                                                  "Upload-Metadata": metadata.join(",")}, signal);
    const {delete_url: removal} = json(await answer.text());
    this.has(0);
    this.remember(here(answer.headers.get("Location")), removal && here(removal));
    this.take((name) => answer.headers.get(name));
  }

  async askOffset(signal) {
    const answer = await ask("HEAD", this.address, {...version, ...this.headers()}, signal);
    this.has(Number(answer.headers.get("Upload-Offset")));
    this.take((name) => answer.headers.get(name));
    this.on.change(this);
  }

  has(bytes) { this.sent = this.confirmed = bytes; }

  take(field) {
    const address = field("Content-Location");
    if (address) this.link = new URL(address, location.href).href;
  }

  // The file's address begins with what the upload's ends with, and its name may be anything.
  guess() {
    const id = this.address.split("/").pop();
    return new URL(`/files/${id}/${encodeURIComponent(this.file.name)}`, location.href).href;
  }

  append(signal) {
    const start = this.confirmed, piece = this.file.slice(start, Math.min(start + this.piece, this.file.size));
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();  // fetch cannot tell how much it has sent
      let timer;
      const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(() => request.abort(), silence);
      };
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
      };
      const stop = () => request.abort();
      signal.addEventListener("abort", stop);
      request.open("PATCH", this.address);
      const fields = {...version, ...this.headers(), "Content-Type": "application/offset+octet-stream",
                      "Upload-Offset": start, Accept: "application/problem+json"};
      for (const [name, value] of Object.entries(fields)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => {
        alive();
        this.sent = start + Math.min(event.loaded, piece.size);
        if (this.state !== "sending" && !signal.aborted) return this.become("sending");
        this.on.change(this);
      };
      request.onload = () => {
        end();
        this.has(start);
        if (request.status >= 200 && request.status < 300) {
          this.has(Number(request.getResponseHeader("Upload-Offset")));
          this.take((name) => request.getResponseHeader(name));
          if (this.state !== "sending") this.become("sending");
          return resolve();
        }
        const refusal = new Refusal(request.status, json(request.responseText));
        refusal.retryAfter = request.getResponseHeader("Retry-After");
        reject(refusal);
      };
      request.onerror = request.onabort = () => {  // what of it has come, the server will say
        end();
        reject(new Error("connection lost"));
      };
      alive();
      request.send(piece);
    });
  }

  // It is no longer wanted.
  async drop() {
    this.stop?.abort();
    this.become("gone");
    const address = this.address;
    if (!address) return;
    this.remember(null);
    await ask("DELETE", address, {...version, ...this.headers()}).catch(() => {});  // else it expires there
  }
}

// Addresses of this server are asked for under the name that the page has: the policy of the page allows no other.
export function here(address) {
  const {pathname, search} = new URL(address, location.href);
  return pathname + search;
}
