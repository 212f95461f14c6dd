// The rival on Node: `Promise.all` over axios, as a good engineer would write it by hand.
//
// Standard input, a line of JSON each: first `{ urls, payload }`, then for each batch `{ broadcasts, atOnce }`.
// Standard output, a line for each of them: the versions, then `{ cpuMicros, delivered }` of the batch.

import http from "node:http";
import readline from "node:readline";

import axios from "axios";

const client = axios.create({ httpAgent: new http.Agent({ keepAlive: true }), timeout: 10_000 });

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { urls, payload } = JSON.parse((await lines.next()).value);
say({ node: process.version, axios: axios.VERSION });

for await (const line of lines) {
  const { broadcasts, atOnce } = JSON.parse(line);
  const before = process.cpuUsage();
  const delivered = await sendAll(broadcasts, atOnce);
  const { user, system } = process.cpuUsage(before);
  say({ cpuMicros: user + system, delivered });
}

/** The deliveries that were answered with a 2xx; any other ends the process. */
async function broadcast() {
  const replies = await Promise.all(urls.map((url) => client.post(url, payload)));
  return replies.length;
}

async function sendAll(broadcasts, atOnce) {
  let [left, delivered] = [broadcasts, 0];
  async function sender() {
    while (left > 0) {
      left -= 1;
      // Not `+= await`: that reads the sum before the others have added to it.
      const count = await broadcast();
      delivered += count;
    }
  }
  await Promise.all(Array.from({ length: atOnce }, sender));
  return delivered;
}

function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
