// A client by the types that openapi-typescript makes with its defaults; what it leaves out must be optional there.
import assert from "node:assert/strict";
import test from "node:test";
import type { components, paths } from "./contract.js";

type Schemas = components["schemas"];
type ConsentReply =
  paths["/v1/users/{user_id}/consent"]["put"]["responses"][200]["content"]["application/json"];

const url = process.env["GATEWAY_URL"] ?? "";
const headers = {
  Authorization: `Bearer ${process.env["GATEWAY_KEY"] ?? ""}`,
  "Content-Type": "application/json",
};

async function send<Body, Reply>(method: string, path: keyof paths, body: Body): Promise<Reply> {
  const reply = await fetch(url + path.replace("{user_id}", "maria_k"), {
    method,
    headers,
    body: JSON.stringify(body),
  });
  assert.ok(reply.ok, `${path}: ${reply.status}`);
  return (await reply.json()) as Reply;
}

test("typed: a chat", async () => {
  const request: Schemas["ChatRequest"] = { user_id: "maria_k", message: "Hello" };
  const reply = await send<typeof request, Schemas["ChatReply"]>("POST", "/v1/chat", request);
  assert.match(reply.text, /Hello/);
  const memory: "used" | "none" | "denied" | "unavailable" = reply.meta.memory;
  assert.ok(memory);
});

test("typed: a stream", async () => {
  const request: Schemas["ChatRequest"] = { user_id: "maria_k", message: "Hello" };
  const path: keyof paths = "/v1/chat/stream";
  const reply = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(request) });
  assert.equal(reply.status, 200);
  const events = (await reply.text()).trimEnd().split("\n\n");
  assert.match(events[0] ?? "", /^id: 1\ndata: \{"token":/);
  assert.match(events.at(-1) ?? "", /^event: done\n/);
});

test("typed: an ingest with a search", async () => {
  const memory: Schemas["IngestRequest"] = { user_id: "maria_k", text: "I paint in oils" };
  const kept = await send<typeof memory, Schemas["Item"]>("POST", "/v1/elr/ingest_text", memory);
  const search: Schemas["SearchRequest"] = { user_id: "maria_k", query: "paint oils" };
  const found = await send<typeof search, Schemas["SearchReply"]>("POST", "/v1/elr/search", search);
  assert.ok(found.items.some((item) => item.id === kept.id));
});

test("typed: bodies with the required fields alone, and a change of consent", async () => {
  const report: Schemas["ReportRequest"] = { user_id: "maria_k" };
  await send<typeof report, Schemas["ReportReply"]>("POST", "/v1/reports/generate", report);
  const replace: Schemas["ReplaceRequest"] = { user_id: "maria_k", text: "I paint in watercolours" };
  assert.ok(replace);
  const change: Schemas["ConsentChange"] = {
    grants: [{ scope: "elr_memories", purpose: "chat" }],
  };
  const path = "/v1/users/{user_id}/consent";
  const consent = await send<typeof change, ConsentReply>("PUT", path, change);
  assert.ok(consent.valid_scopes.includes("elr_memories"));
});

test("typed: an error", async () => {
  const reply = await fetch(`${url}/v1/chat`, { method: "POST", headers, body: "{}" });
  const failure = (await reply.json()) as Schemas["Error"];
  const code: Schemas["Error"]["error"]["code"] = "INVALID_REQUEST";
  assert.equal(reply.status, 400);
  assert.equal(failure.error.code, code);
});
