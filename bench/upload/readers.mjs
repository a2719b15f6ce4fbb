// Reads a form's body with busboy or formidable (npm), from memory in pieces of 64 KiB, and prints what one read takes:
// microseconds of CPU, the least of several rounds after some to warm up.
//   node readers.mjs busboy|formidable FILE BOUNDARY ROUNDS
import busboy from "busboy";
import { readFileSync } from "node:fs";
import { MultipartParser } from "formidable";

const [name, file, boundary, rounds] = process.argv.slice(2);
const body = readFileSync(file);
const pieces = [];
for (let at = 0; at < body.length; at += 65536) pieces.push(body.subarray(at, at + 65536));

function withBusboy() {
  return new Promise((resolve, reject) => {
    const reader = busboy({ headers: { "content-type": `multipart/form-data; boundary=${boundary}` } });
    let parts = 0;
    reader.on("file", (_, stream) => {
      ++parts;
      stream.resume();
    });
    reader.on("field", () => ++parts);
    reader.on("close", () => resolve(parts));
    reader.on("error", reject);
    for (const piece of pieces) reader.write(piece);
    reader.end();
  });
}

// Its parser alone; the rest of it writes files.
function withFormidable() {
  return new Promise((resolve, reject) => {
    const parser = new MultipartParser();
    let parts = 0;
    parser.on("data", ({ name }) => {
      if (name === "partBegin") ++parts;
    });
    parser.on("end", () => resolve(parts));
    parser.on("error", reject);
    parser.initWithBoundary(boundary);
    for (const piece of pieces) parser.write(piece);
    parser.end();
  });
}

const read = { busboy: withBusboy, formidable: withFormidable }[name];
let least = Infinity;
for (let round = -Math.ceil(rounds / 2); round < rounds; ++round) {
  const from = process.cpuUsage();
  let times = 0;
  let took = 0;
  while (took < 20_000) {
    if ((await read()) === 0) throw new Error("no part was found");
    ++times;
    const used = process.cpuUsage(from);
    took = used.user + used.system;
  }
  if (round >= 0) least = Math.min(least, took / times);
}
console.log(least);
