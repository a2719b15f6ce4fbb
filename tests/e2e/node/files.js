// Sends the same form with form-data over node:http and with undici, and a file as the body of a request with undici.
// Reads a stage from standard input as JSON, and writes the answers as one JSON object.
import FormData from "form-data";
import http from "node:http";
import { createReadStream, openAsBlob } from "node:fs";
import { json, text } from "node:stream/consumers";
import * as undici from "undici";

const stage = JSON.parse(await text(process.stdin));
const headers = { authorization: stage.authorization, accept: "application/json" };

async function byFormData() {
  const form = new FormData();
  form.append("author", stage.author);
  form.append("file1", createReadStream(stage.path), { filename: stage.name });
  form.append("file2", Buffer.from("a buffer"), { filename: "buffer.txt", contentType: "text/plain" });
  return new Promise((resolve, reject) => {
    const request = http.request(`${stage.base}/upload`, { method: "POST", headers: { ...headers, ...form.getHeaders() } });
    request.on("error", reject);
    request.on("response", async (answer) => resolve({ status: answer.statusCode, body: await json(answer) }));
    form.pipe(request);  // without a length: in chunks
  });
}

async function byUndici() {
  const form = new undici.FormData();
  form.set("author", stage.author);
  form.set("file1", await openAsBlob(stage.path), stage.name);
  form.set("file2", new File(["a buffer"], "buffer.txt", { type: "text/plain" }));
  const answer = await undici.fetch(`${stage.base}/upload`, { method: "POST", headers, body: form });
  return { status: answer.status, body: await answer.json() };
}

async function asABody() {
  const answer = await undici.request(`${stage.base}/uploads?name=${encodeURIComponent(stage.name)}`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/x-thing" },
    body: createReadStream(stage.path),
  });
  return { status: answer.statusCode, body: await answer.body.json() };
}

console.log(JSON.stringify({ formData: await byFormData(), undici: await byUndici(), body: await asABody() }));
