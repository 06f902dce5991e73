"use strict";

// A credential is written into the headers editor, and sent to this gateway only.
const HEADERS = '{\n  "Authorization": "Bearer "\n}';

function post(path, request, options, accept) {
  return fetch(path, {
    method: "POST",
    headers: { ...options.headers, "Content-Type": "application/json", Accept: accept },
    body: JSON.stringify(request),
  });
}

async function once(request, options) {
  const reply = await post("/graphql", request, options, "application/graphql-response+json");
  const body = await reply.json();
  return body.error ? { errors: [body.error] } : body;
}

async function* events(request, options) {
  const reply = await post("/graphql/stream", request, options, "text/event-stream");
  if (!reply.ok) {
    const body = await reply.json();
    yield body.error ? { errors: [body.error] } : body;
    return;
  }
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      text += chunk.value;
      const complete = text.split("\n\n");
      text = complete.pop();
      for (const event of complete) {
        if (event.startsWith("event: next\ndata: ")) {
          yield JSON.parse(event.slice("event: next\ndata: ".length));
        }
      }
    }
  } finally {
    reader.cancel();
  }
}

function isSubscription(request) {
  return /^\s*subscription\b/m.test(request.query);
}

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher: (request, options = {}) =>
      isSubscription(request) ? events(request, options) : once(request, options),
    defaultHeaders: HEADERS,
    defaultEditorToolsVisibility: "headers",
    shouldPersistHeaders: false,
  }),
);
