// What the tests of the wire sent and received, once more through Prism: a server gives the replies that were
// recorded, and Prism compares each request and reply with the contract. A reply must always be as the contract says,
// a request where it was accepted.
// Usage: node replay.mjs EXCHANGES CONTRACT
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { Agent, createServer, request } from "node:http";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

const [, , file, contract] = process.argv;
const PARALLEL = 16;
// Fields of one connection: this replay has its own.
const FRAMING = ["connection", "content-length", "transfer-encoding", "host", "expect", "upgrade", "keep-alive"];
// Methods that the gateway answers wherever it has a GET, or anything.
const BESIDE = ["HEAD", "OPTIONS"];
const NUMBER = "x-replay-number";

const exchanges = [];
for await (const line of createInterface({ input: createReadStream(file) })) {
  exchanges.push(JSON.parse(line));
}

function listen(server) {
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
}

/** Raw header lines without those of the connection. */
function lines(fields) {
  return fields.filter(([name]) => !FRAMING.includes(name.toLowerCase()));
}

const recorded = createServer((asked, reply) => {
  const { status, replyHeaders, replyBody, method } = exchanges[Number(asked.headers[NUMBER])] ?? { status: 404 };
  asked.resume();
  const body = Buffer.from(replyBody ?? "", "base64");
  const headers = [...lines(replyHeaders ?? []), [NUMBER, asked.headers[NUMBER] ?? ""]];
  if (body.length > 0 || method === "POST") {
    headers.push(["Content-Length", String(body.length)]);
  }
  reply.writeHead(status, headers.flat());
  reply.end(method === "HEAD" ? undefined : body);
});
const upstream = await listen(recorded);
const free = createServer();
const port = await listen(free);
await new Promise((done) => free.close(done));
const prism = spawn(
  "node_modules/.bin/prism",
  ["proxy", contract, `http://127.0.0.1:${upstream}`, "--host", "127.0.0.1", "--port", String(port), "-v", "fatal"],
  { stdio: "ignore" },
);
process.on("exit", () => prism.kill());

const agent = new Agent({ keepAlive: true, maxSockets: PARALLEL });
/** Prism's verdict: what it finds, or why it could not be asked. */
function verdict(at) {
  const { method, target, headers, body } = exchanges[at];
  return new Promise((done) => {
    try {
      const bytes = Buffer.from(body, "base64");
      const sent = [...lines(headers), ["Host", "gateway.test"], [NUMBER, String(at)]];
      if (bytes.length > 0) {
        sent.push(["Content-Length", String(bytes.length)]);
      }
      const call = request({ agent, port, method, path: target, headers: sent.flat(), timeout: 1000 }, (reply) => {
        reply.resume();
        const own = reply.headers[NUMBER] === String(at);
        const said = reply.headers["sl-violations"] ?? "[]";
        reply.on("end", () => done(own ? { said } : { unsent: `answered ${reply.statusCode} itself` }));
      });
      call.on("timeout", () => call.destroy(new Error("no answer")));
      call.on("error", (failed) => done({ unsent: failed.code ?? failed.message }));
      call.end(bytes);
    } catch (refused) {
      done({ unsent: refused.code ?? refused.message });
    }
  });
}

for (let tries = 0; (await verdict(0)).unsent === "ECONNREFUSED"; tries++) {
  if (tries > 300) {
    throw new Error("Prism did not start within 60 s");
  }
  await setTimeout(200);
}

const unsent = new Map();
const violations = new Map();
let compared = 0;
let next = 0;
function count(map, name) {
  map.set(name, (map.get(name) ?? 0) + 1);
}
async function worker() {
  while (next < exchanges.length) {
    const at = next++;
    const { method, target, status } = exchanges[at];
    const answer = await verdict(at);
    if (answer.unsent) {
      // Node or Prism refuses the request itself: malformed, or of no operation.
      count(unsent, `${status}: ${answer.unsent}`);
      continue;
    }
    compared++;
    for (const { location, message } of JSON.parse(answer.said)) {
      if (location[0] === "response" || (status < 400 && !BESIDE.includes(method))) {
        count(violations, `${method} ${target.split("?")[0].slice(0, 80)} ${status}: ${location.join(".")} ${message}`);
      }
    }
  }
}
await Promise.all(Array.from({ length: PARALLEL }, worker));
console.log(`${exchanges.length} exchanges, ${compared} compared, ${violations.size} kinds of violations`);
for (const [name, times] of [...unsent].sort()) console.log(`not comparable, ${times} times: ${name}`);
for (const [name, times] of [...violations].sort()) console.log(`VIOLATION, ${times} times: ${name}`);
process.exit(violations.size === 0 && compared > exchanges.length * 0.8 ? 0 : 1);
