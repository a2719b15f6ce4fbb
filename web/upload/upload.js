// The page at /upload, for browsers with scripts: sends several files at once, goes on where it stopped (resumable.js),
// also after a reload, and lists what the account has. Name and password stay in this page's memory. What is remembered
// between visits is where unfinished uploads are, by the file's name, size and date.
import {Refusal, Upload, ask, base64, here} from "./resumable.js";

const atOnce = 2, mostWaiting = 500, mostRemembered = 50;
const remembered = "anser.uploads";

const known = (navigator.languages || [navigator.language]).find((language) => /^(zh|en)/i.test(language));
const zh = /^zh/i.test(known || "");
const words = zh ? {
  waiting: "等待中", sending: "发送中", paused: "已暂停", done: "已完成", pause: "暂停", resume: "继续", cancel: "取消",
  retry: "重试", copy: "复制链接", copied: "已复制", remove: "删除", forget: "不再继续", clear: "移出列表",
  retrying: (s) => `连接中断，${s} 秒后继续`, again: (p) => `尚未完成（${p}）：请再次选择此文件以继续`,
  limit: (n) => `每个文件最大 ${n}`, tooLarge: (n, has) => `文件过大：${has}，最大允许 ${n}`,
  permitted: (n) => `允许：${n}`, folder: "不能发送文件夹", many: (n) => `最多同时等待 ${n} 个文件`,
  changed: "文件已更改或无法读取，请重新选择", lost: "无法连接到服务器", signIn: "请先登录", used: (a, b) => `已用 ${a} / ${b}`,
  usedOnly: (a) => `已用 ${a}`, none: "无", until: (t) => `保留到 ${t}`, sure: (n) => `删除“${n}”？`, wrong: "用户名或密码错误",
} : {
  waiting: "waiting", sending: "sending", paused: "paused", done: "done", pause: "Pause", resume: "Resume",
  cancel: "Cancel", retry: "Try again", copy: "Copy link", copied: "Copied", remove: "Delete", forget: "Forget",
  clear: "Clear", retrying: (s) => `connection lost, going on in ${s} s`,
  again: (p) => `not finished (${p}): pick this file again to go on`, limit: (n) => `At most ${n} a file`,
  tooLarge: (n, has) => `too large: ${has}, and at most ${n} are permitted`, permitted: (n) => `permitted: ${n}`,
  folder: "folders cannot be sent", many: (n) => `at most ${n} files may wait`,
  changed: "the file has changed or cannot be read: pick it again", lost: "the server cannot be reached",
  signIn: "sign in first", used: (a, b) => `${a} of ${b} used`, usedOnly: (a) => `${a} used`, none: "none",
  until: (t) => `kept until ${t}`, sure: (n) => `Delete “${n}”?`, wrong: "wrong name or password",
};

const $ = (id) => document.getElementById(id);
const uploads = [];  // what is shown: {upload, item, …}, oldest first
let account = null;  // {user, authorization}
let largest = null;  // bytes, as the server said
let refused = false;  // nobody has signed in, and the server wants that

const headers = () => account ? {Authorization: account.authorization} : {};

function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit++;
  }
  return `${count.toLocaleString(undefined, {maximumFractionDigits: count < 10 && unit ? 1 : 0})} ${units[unit]}`;
}

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const button = (text, act, label) => {
  const made = make("button", {type: "button", className: "quiet", textContent: text, onclick: act});
  if (label) made.setAttribute("aria-label", `${text}: ${label}`);
  return made;
};

// As people read it, unless that has characters which do not show or turn others around.
function readable(link) {
  try {
    const text = decodeURI(link);
    return /^[\p{L}\p{M}\p{N}\p{P}\p{S}]*$/u.test(text) ? text : link;
  } catch {
    return link;
  }
}

function say(text) { $("said").textContent = text; }

function wordsOf(error) {
  if (!(error instanceof Refusal)) return error?.changed ? words.changed : words.lost;
  if (error.permitted === undefined) return error.message;
  const number = error.code === "too-many-files" ? String(error.permitted) : bytes(error.permitted);
  return error.message.includes(String(error.permitted)) && error.permitted < 1024
      ? error.message : `${error.message} (${words.permitted(number)})`;
}

// What is remembered: key of the file → {address, removal, at}. Storage may be forbidden; then nothing is.
const keyOf = (file) => JSON.stringify([file.name, file.size, file.lastModified]);
function recall() {
  try {
    const found = JSON.parse(localStorage.getItem(remembered));
    return found && typeof found === "object" ? found : {};
  } catch {
    return {};
  }
}
function remember(key, address, removal) {
  const all = recall();
  if (address) all[key] = {address, removal, at: Date.now()};
  else delete all[key];
  const kept = Object.entries(all).sort((a, b) => b[1].at - a[1].at).slice(0, mostRemembered);
  try {
    localStorage.setItem(remembered, JSON.stringify(Object.fromEntries(kept)));
  } catch { /* the upload goes on; only a reload would begin it anew */ }
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // not a secure place
    const area = make("textarea", {value: text, className: "unseen"});
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = words.copied;
  say(words.copied);
  setTimeout(() => button.textContent = words.copy, 2000);
}

// An upload on the page. Its parts are made once and changed in place: nobody loses the focus.
class Shown {
  constructor(file, known = {}) {
    this.key = keyOf(file);
    this.upload = new Upload(file, {...known, headers, on: {
      change: () => this.draw(), address: ({address, removal}) => remember(this.key, address, removal)}});
    this.facts = make("span", {className: "facts"});
    this.progress = make("progress", {max: file.size || 1, value: 0});
    this.progress.setAttribute("aria-label", file.name);
    this.state = make("p", {className: "state"});
    this.act = button("", () => this.pressed());
    this.end = button(words.cancel, () => this.cancel(), file.name);
    this.buttons = make("div", {className: "buttons"}, this.act, this.end);
    const name = make("span", {className: "name", textContent: file.name});
    const line = make("div", {className: "line"}, name, this.facts);
    this.item = make("li", {}, line, this.progress, this.state, this.buttons);
    $("uploads").append(this.item);
    this.draw();
  }

  get name() { return this.upload.file.name; }

  draw() {
    const {state, sent, file, detail} = this.upload;
    this.progress.value = file.size ? sent : Number(state === "done");
    const percent = file.size ? Math.floor(100 * sent / file.size) : 100;
    this.facts.textContent = `${bytes(sent)} / ${bytes(file.size)} · ${percent} %`;
    if (state === this.drawn && state !== "retrying" && state !== "failed") return;
    this.drawn = state;
    this.state.dataset.state = state;
    this.state.textContent = state === "failed" ? wordsOf(detail)
        : state === "retrying" ? words.retrying(detail) : words[state];
    const label = {waiting: words.pause, sending: words.pause, retrying: words.pause, paused: words.resume,
                   failed: words.retry}[state];
    this.act.textContent = label || "";
    this.act.setAttribute("aria-label", `${label}: ${this.name}`);
    if (["done", "failed", "paused"].includes(state)) say(`${this.name}: ${this.state.textContent}`);
    if (state === "done") this.finished();
    if (state === "failed" && detail instanceof Refusal && detail.status === 401) askToSignIn(this);
    if (state === "gone") {
      this.item.remove();
      uploads.splice(uploads.indexOf(this), 1);
    }
  }

  finished() {
    remember(this.key, null);
    this.progress.hidden = true;
    this.facts.textContent = bytes(this.upload.file.size);
    const {link} = this.upload;
    this.state.append(" ", make("a", {href: link, textContent: readable(link), target: "_blank", rel: "noopener"}));
    const copying = button(words.copy, () => copy(link, copying), this.name);
    this.act.replaceWith(copying);
    this.end.textContent = words.clear;
    this.end.setAttribute("aria-label", `${words.clear}: ${this.name}`);
    const {removal} = this.upload;
    if (account || removal)
      copying.after(button(words.remove, () => remove(removal || link, this.name, () => this.cancel()), this.name));
    if (account) list();
  }

  pressed() {
    if (["paused", "failed"].includes(this.upload.state)) this.upload.queue();
    else this.upload.pause();
    schedule();
  }

  cancel() {
    if (this.upload.state === "done") {
      this.item.remove();
      uploads.splice(uploads.indexOf(this), 1);
    } else {
      this.upload.drop();
    }
    $("pick").focus({preventScroll: true});
    schedule();
  }
}

function schedule() {
  if (refused) return;
  let free = atOnce - uploads.filter(({upload}) => upload.active).length;
  for (const {upload} of uploads) {
    if (free <= 0) break;
    if (upload.state !== "waiting") continue;
    free--;
    upload.run().then(schedule);
  }
}

function refuse(name, text) {
  const item = make("li", {}, make("span", {className: "name", textContent: name}),
                    make("p", {className: "state", textContent: text}));
  item.lastChild.dataset.state = "failed";
  item.append(make("div", {className: "buttons"}, button(words.clear, () => item.remove(), name)));
  $("uploads").append(item);
  say(`${name}: ${text}`);
}

function add(files) {
  const known = recall();
  for (const file of files) {
    const key = keyOf(file);
    if (uploads.some((shown) => shown.key === key && !shown.upload.ended)) continue;  // it is on its way
    if (uploads.length >= mostWaiting) {
      refuse(file.name, words.many(mostWaiting));
      break;
    }
    if (largest !== null && file.size > largest) {
      refuse(file.name, words.tooLarge(bytes(largest), bytes(file.size)));
      continue;
    }
    [...$("uploads").children].find((item) => item.dataset.key === key)?.remove();
    uploads.push(new Shown(file, known[key]));
  }
  schedule();
}

// What an earlier visit has begun: it goes on when the file is picked again.
function showUnfinished() {
  for (const [key, {address}] of Object.entries(recall())) {
    let name, size;
    try {
      [name, size] = JSON.parse(key);
    } catch {
      continue;
    }
    const state = make("p", {className: "state", textContent: words.again(bytes(size))});
    const item = make("li", {}, make("span", {className: "name", textContent: name}), state);
    item.dataset.key = key;
    item.append(make("div", {className: "buttons"}, button(words.forget, () => {
      remember(key, null);
      item.remove();
      ask("DELETE", address, {"Tus-Resumable": "1.0.0", ...headers()}).catch(() => {});
    }, name)));
    $("uploads").append(item);
  }
}

// Who

const waitingForSignIn = new Set();

function askToSignIn(shown) {
  refused = true;
  waitingForSignIn.add(shown);
  if (account) signOut();
  $("sign-in").hidden = false;
  $("refusal").textContent = words.signIn;
  $("user").focus();
}

async function signIn(user, password) {
  const tried = {user, authorization: `Basic ${base64(`${user}:${password}`)}`};
  try {
    const answer = await ask("GET", "/files", {Authorization: tried.authorization});
    account = tried;
    $("files").replaceChildren();
    show(await answer.json());
  } catch (error) {
    $("refusal").textContent = error instanceof Refusal && error.status === 401 ? words.wrong : wordsOf(error);
    $("password").select();
    return;
  }
  refused = false;
  $("refusal").textContent = "";
  $("password").value = "";
  $("who").textContent = user;
  $("account").hidden = $("own").hidden = false;
  $("sign-in").hidden = true;
  for (const {upload} of waitingForSignIn) if (upload.state === "failed") upload.queue();
  waitingForSignIn.clear();
  $("pick").focus({preventScroll: true});
  schedule();
}

function signOut() {
  account = null;
  $("account").hidden = $("own").hidden = true;
  $("files").replaceChildren();
  $("sign-in").hidden = false;
}

// One's own files

async function list() {
  try {
    const answer = await ask("GET", "/files", headers());
    $("files").replaceChildren();
    show(await answer.json());
  } catch (error) {
    $("used").textContent = wordsOf(error);
  }
}

function show({files = [], used = 0, quota = 0}) {
  $("used").textContent = quota ? words.used(bytes(used), bytes(quota)) : words.usedOnly(bytes(used));
  for (const file of files) {
    const facts = [bytes(file.size), new Date(file.created).toLocaleString()];
    if (file.expires) facts.push(words.until(new Date(file.expires).toLocaleDateString()));
    const copying = button(words.copy, () => copy(file.url, copying), file.name);
    const item = make("li", {}, make("a", {className: "name", href: file.url, textContent: file.name, target: "_blank",
                                           rel: "noopener"}),
                      make("span", {className: "facts", textContent: facts.join(" · ")}),
                      make("div", {className: "buttons"}, copying,
                           button(words.remove, () => remove(file.url, file.name, list), file.name)));
    item.dataset.url = file.url;
    $("files").append(item);
  }
  if (!$("files").children.length) $("files").append(make("li", {textContent: words.none}));
  $("more").hidden = files.length < 1000;
}

async function more() {
  const last = $("files").lastElementChild?.dataset.url;
  if (!last) return;
  try {
    show(await (await ask("GET", `/files?before=${here(last).split("/")[2]}`, headers())).json());
  } catch (error) {
    $("used").textContent = wordsOf(error);
  }
}

async function remove(url, name, then) {
  if (!confirm(words.sure(name))) return;
  try {
    await ask("DELETE", here(url), headers());
  } catch (error) {
    if (!(error instanceof Refusal && error.status === 404)) {
      say(wordsOf(error));
      alert(wordsOf(error));
      return;
    }
  }
  then();
  if (account) list();
}

// The page

function lookFor(what) {
  const items = [...(what.items || [])].filter((item) => item.kind === "file");
  const folders = items.map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry?.isDirectory);
  for (const folder of folders) refuse(folder.name, words.folder);
  const names = new Set(folders.map((folder) => folder.name));
  return [...what.files].filter((file) => !names.has(file.name));
}

$("pick").addEventListener("change", () => {
  add([...$("pick").files]);
  $("pick").value = "";
});
for (const kind of ["dragenter", "dragover"])
  $("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
$("drop").addEventListener("dragleave", () => $("drop").classList.remove("over"));
$("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  add(lookFor(event.dataTransfer));
});
// A file that misses the place must not replace the page, and what is under way with it.
for (const kind of ["dragover", "drop"])
  window.addEventListener(kind, (event) => { if (event.target.type !== "file") event.preventDefault(); });
$("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn($("user").value.trim(), $("password").value);
});
$("sign-out").addEventListener("click", signOut);
$("more").addEventListener("click", more);

async function begin() {
  $("plain").open = false;
  $("sending").hidden = $("sign-in").hidden = false;
  showUnfinished();
  try {
    const answer = await ask("OPTIONS", "/uploads", {"Tus-Resumable": "1.0.0"});
    const said = answer.headers.get("Tus-Max-Size");
    if (said) largest = Number(said);
    if (largest !== null) $("limits").textContent = words.limit(bytes(largest));
  } catch (error) {
    $("limits").textContent = wordsOf(error);
  }
}
begin();
