// The same four exchanges by each of three libraries for event streams, and chats over a WebSocket.
import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { EventSource } from "eventsource";
import { createParser } from "eventsource-parser";
import { fetch as undiciFetch } from "undici";
import { WebSocket } from "ws";

const url = process.env.GATEWAY_URL;
const authorization = `Bearer ${process.env.GATEWAY_KEY}`;
const message = "Was hörst du gern, Käthe?";

function post(fetcher, path, body) {
  return fetcher(url + path, {
    method: "POST",
    headers: { Authorization: authorization, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** What a stream was: its tokens in one text, its ids, and the event that ended it. */
function collector() {
  const seen = { text: "", ids: [], end: null };
  seen.add = (event, id, data) => {
    const json = JSON.parse(data);
    if (json.token !== undefined) {
      seen.text += json.token;
      seen.ids.push(Number(id));
    } else {
      seen.end = event;
    }
  };
  return seen;
}

/** By an EventSource, which ends on `done` or on a status that is not 200. */
function byEventSource(user) {
  const seen = collector();
  const query = new URLSearchParams({ user_id: user, message });
  const source = new EventSource(`${url}/v1/chat/stream?${query}`, {
    fetch: (input, init) =>
      fetch(input, { ...init, headers: { ...init.headers, Authorization: authorization } }),
  });
  return new Promise((resolve) => {
    const end = (status) => {
      source.close();
      resolve({ status, ...seen });
    };
    source.addEventListener("message", (event) => seen.add("message", event.lastEventId, event.data));
    source.addEventListener("done", (event) => {
      seen.add("done", event.lastEventId, event.data);
      end(200);
    });
    source.addEventListener("error", (event) => end(event.code));
  });
}

/** By a POST whose body goes through eventsource-parser. */
async function byParser(fetcher, user) {
  const seen = collector();
  const reply = await post(fetcher, "/v1/chat/stream", { user_id: user, message });
  if (reply.status === 200) {
    const parser = createParser({ onEvent: ({ event, id, data }) => seen.add(event, id, data) });
    for await (const text of reply.body.pipeThrough(new TextDecoderStream())) {
      parser.feed(text);
    }
  }
  return { status: reply.status, type: reply.headers.get("content-type"), ...seen };
}

/** By undici's fetch alone: the whole text, split at the blank lines. */
async function byText(user) {
  const seen = collector();
  const reply = await post(undiciFetch, "/v1/chat/stream", { user_id: user, message });
  const text = await reply.text();
  if (reply.status === 200) {
    for (const block of text.split("\n\n").filter((one) => one.includes("data: "))) {
      const field = (name) => block.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
      seen.add(field("event"), field("id"), field("data"));
    }
  }
  return { status: reply.status, type: reply.headers.get("content-type"), ...seen };
}

const clients = [
  { name: "eventsource", fetcher: fetch, stream: byEventSource },
  { name: "eventsource-parser", fetcher: fetch, stream: (user) => byParser(fetch, user) },
  { name: "undici", fetcher: undiciFetch, stream: byText },
];

for (const { name, fetcher, stream } of clients) {
  test(`${name}: a chat`, async () => {
    const reply = await post(fetcher, "/v1/chat", { user_id: "maria_k", message });
    assert.equal(reply.status, 200);
    assert.ok((await reply.json()).text.includes("Käthe"));
  });

  test(`${name}: a stream`, async () => {
    const seen = await stream("maria_k");
    assert.equal(seen.status, 200);
    assert.ok(seen.text.includes("hörst du gern, Käthe"), seen.text);
    assert.deepEqual(seen.ids, seen.ids.map((_, i) => i + 1));
    assert.ok(seen.ids.length > 5);
    assert.equal(seen.end, "done");
    assert.equal(seen.type ?? "text/event-stream; charset=utf-8", "text/event-stream; charset=utf-8");
  });

  test(`${name}: an ingest with a search`, async () => {
    const text = `I learnt of ${name} in Kalamata`;
    const kept = await post(fetcher, "/v1/elr/ingest_text", { user_id: "maria_k", text });
    assert.equal(kept.status, 201);
    const { id } = await kept.json();
    const query = `${name} Kalamata`;
    const found = await post(fetcher, "/v1/elr/search", { user_id: "maria_k", query });
    assert.ok((await found.json()).items.some((item) => item.id === id && item.text === text));
  });

  test(`${name}: an error`, async () => {
    assert.equal((await stream("of_another")).status, 403);
    const refused = await post(fetcher, "/v1/chat", { user_id: "of_another", message });
    assert.equal(refused.status, 403);
    assert.equal((await refused.json()).error.code, "NOT_OWNER");
  });
}

test("eventsource: a connection that is made again after the end is stopped", async () => {
  const query = new URLSearchParams({ user_id: "maria_k", message });
  let connections = 0;
  const source = new EventSource(`${url}/v1/chat/stream?${query}`, {
    fetch: (input, init) => {
      connections++;
      return fetch(input, { ...init, headers: { ...init.headers, Authorization: authorization } });
    },
  });
  // It is not closed on `done`, so it connects again by itself.
  await new Promise((resolve) => {
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) {
        resolve();
      }
    });
  });
  assert.equal(connections, 2);
});

test("eventsource: a ticket opens the stream once, without a header", async () => {
  const wanted = { path: "/v1/chat/stream", parameters: { user_id: "maria_k", message } };
  const issued = await post(fetch, "/v1/stream-tickets", wanted);
  assert.equal(issued.status, 201);
  const ticket = await issued.json();
  const source = new EventSource(url + ticket.url);
  const tokens = [];
  await new Promise((resolve, reject) => {
    source.addEventListener("message", (event) => tokens.push(JSON.parse(event.data).token));
    source.addEventListener("done", resolve);
    source.addEventListener("error", reject);
  });
  source.close();
  assert.ok(tokens.join("").includes("hörst du gern, Käthe"), tokens.join(""));
  assert.equal((await fetch(url + ticket.url)).status, 401);
});

test("ws: two chats at once, a ping and a close", async () => {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/chat/ws`, {
    headers: { Authorization: authorization },
  });
  await once(socket, "open");
  assert.equal(socket.extensions, "");
  const texts = { a: "", b: "" };
  const ends = {};
  const both = new Promise((resolve) => {
    socket.on("message", (data) => {
      const { type, id, ...rest } = JSON.parse(data);
      if (type === "token") {
        texts[id] += rest.token;
      } else {
        ends[id] = type;
      }
      if (ends.a && ends.b) {
        resolve();
      }
    });
  });
  for (const id of ["a", "b"]) {
    socket.send(JSON.stringify({ type: "chat", id, user_id: "maria_k", message }));
  }
  await both;
  assert.deepEqual(ends, { a: "done", b: "done" });
  assert.ok(texts.a.includes("hörst du gern, Käthe"), texts.a);
  assert.equal(texts.b, texts.a);
  socket.ping("still there?");
  const [payload] = await once(socket, "pong");
  assert.equal(payload.toString(), "still there?");
  socket.close(1000);
  const [code] = await once(socket, "close");
  assert.equal(code, 1000);
});

test("ws: a token as a subprotocol, and a refused one", async () => {
  const key = authorization.slice("Bearer ".length);
  const target = `${url.replace("http", "ws")}/v1/chat/ws`;
  const socket = new WebSocket(target, ["luki.chat.v1", `bearer.${key}`]);
  await once(socket, "open");
  assert.equal(socket.protocol, "luki.chat.v1");
  socket.terminate();
  const refused = new WebSocket(target, ["luki.chat.v1", "bearer.wrong"]);
  const [error] = await once(refused, "error");
  assert.match(error.message, /401/);
});
