// Uploads with tus-js-client, by the protocol that the stage names. Reads a stage from standard input as JSON, and tells
// what has come of it as one JSON object.
//   {endpoint, authorization, protocol, bytes, name, chunk, options, cut}   cut: abort after so many bytes, then go on
import { text } from "node:stream/consumers";
import * as tus from "tus-js-client";

const stage = JSON.parse(await text(process.stdin));
const body = Buffer.alloc(stage.bytes, "0123456789");
const told = { progress: 0, chunks: 0, cut: false };

function upload(options) {
  return new Promise((resolve, reject) => {
    const one = new tus.Upload(body, {
      endpoint: stage.endpoint,
      headers: { Authorization: stage.authorization },
      metadata: { filename: stage.name, filetype: "text/plain" },
      protocol: stage.protocol,
      retryDelays: [0, 100, 1000],
      chunkSize: stage.chunk ?? Infinity,
      ...stage.options,
      ...options,
      onProgress: (sent) => (told.progress = sent),
      onChunkComplete: (size, accepted) => {
        told.chunks += 1;
        if (stage.cut && !told.cut && accepted >= stage.cut) {
          told.cut = true;
          told.url = one.url;
          one.abort().then(resolve, reject);
        }
      },
      onSuccess: ({ lastResponse }) => {
        told.location = lastResponse.getHeader("Content-Location");
        told.url = one.url;
        resolve();
      },
      onError: reject,
    });
    one.start();
  });
}

await upload({});
if (told.cut) await upload({ uploadUrl: told.url });
console.log(JSON.stringify(told));
