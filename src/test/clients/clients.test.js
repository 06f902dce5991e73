// The same four exchanges by each of three libraries for event streams.
import assert from "node:assert/strict";
import test from "node:test";
import { EventSource } from "eventsource";
import { createParser } from "eventsource-parser";
import { fetch as undiciFetch } from "undici";

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
