// The examples of every operation through Prism, a proxy that compares requests and replies with the contract,
// and requests that are wrong on purpose, of which only the replies are compared.
// Usage: node prism.mjs PROXY
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

const proxy = process.argv[2];
const contract = JSON.parse(readFileSync("openapi.json", "utf8"));
const authorization = `Bearer ${process.env.GATEWAY_KEY}`;
// A ticket and a cursor are made by the gateway and by a service: they have no example that works.
const MADE = ["ticket", "cursor"];

function resolved(value) {
  if (!value?.$ref) {
    return value;
  }
  const names = value.$ref.slice(2).split("/").map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  return resolved(names.reduce((at, name) => at[name], contract));
}

/** The example of an operation: its target, headers and body. */
function example(path, operation) {
  let target = path;
  const query = new URLSearchParams();
  const headers = {};
  for (const parameter of (operation.parameters ?? []).map(resolved)) {
    const value = String(parameter.example);
    if (parameter.in === "path") {
      target = target.replace(`{${parameter.name}}`, encodeURIComponent(value));
    } else if (parameter.in === "query" && !MADE.includes(parameter.name)) {
      query.set(parameter.name, value);
    } else if (parameter.in === "header" && parameter.required) {
      headers[parameter.name] = value;
    }
  }
  const json = resolved(operation.requestBody)?.content["application/json"];
  if (json) {
    headers["Content-Type"] = "application/json";
  }
  return { target: query.size ? `${target}?${query}` : target, headers, body: json && JSON.stringify(json.example) };
}

/** What Prism finds; `of` is "request" or "response". */
async function violations(method, { target, headers, body }, of) {
  const reply = await fetch(proxy + target, { method, headers, body });
  await reply.arrayBuffer();
  const said = reply.headers.get("sl-violations") ?? "[]";
  assert.ok(said.startsWith("["), `${method} ${target}: ${said}`);
  const found = JSON.parse(said);
  return { status: reply.status, found: found.filter(({ location }) => of.includes(location[0])) };
}

/** Waits until Prism listens. */
async function ready() {
  for (let tries = 0; ; tries++) {
    try {
      return await fetch(`${proxy}/healthz`);
    } catch (refused) {
      assert.ok(tries < 300, "Prism did not start within 60 s");
      await setTimeout(200);
    }
  }
}

await ready();
const operations = Object.entries(contract.paths).flatMap(([path, item]) =>
  ["get", "post", "put", "patch", "delete"]
    .filter((method) => item[method] && !item[method].responses["101"])
    .map((method) => ({ path, method, operation: item[method] })));
// What is replaced or deleted is needed by the others.
const last = ["put", "delete"];
operations.sort((one, other) => last.indexOf(one.method) - last.indexOf(other.method));

const problems = [];
/** Every operation declares `default` for errors, so that Prism finds no status wrong: this does. */
function note(method, path, kind, expected, { status, found }) {
  if (!expected.includes(Math.floor(status / 100)) && !expected.includes(status)) {
    problems.push(`${method} ${path}, ${kind}: ${status}, expected ${expected.join(" or ")}`);
  }
  for (const { location, message } of found) {
    problems.push(`${method} ${path}, ${kind}, ${status}: ${location.join(".")} ${message}`);
  }
}
for (const { path, method, operation } of operations) {
  const name = method.toUpperCase();
  const good = example(path, operation);
  const known = { ...good, headers: { ...good.headers, Authorization: authorization } };
  // Both versions delete the one session of the examples; the metrics are open in development.
  const gone = path.startsWith("/api/") && path.includes("/sessions/") && method === "delete" ? [404] : [];
  // The gateway makes these ids: there is none that is known before. Replies with one are among those of the tests.
  const made = /\{(webhook|job)_id\}/.test(path) ? [404] : [];
  const open = path === "/metrics" || operation.security.length === 0;
  note(name, path, "its example", [2, ...gone, ...made], await violations(name, known, ["request", "response"]));
  note(name, path, "without a credential", open ? [2] : [401], await violations(name, good, ["response"]));
  if (good.body) {
    const bad = { ...known, body: "[]" };
    note(name, path, "with an array as its body", [400], await violations(name, bad, ["response"]));
  }
}
console.log(`${operations.length} operations through Prism, ${problems.length} violations`);
assert.deepEqual(problems, []);
