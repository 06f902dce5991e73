// The chat pane: one streamed answer at a time, with its events as they came.

const MAX_EVENTS = 500;
const byId = (id) => document.getElementById(id);

/** Calls handle for each event or comment of a stream (WHATWG HTML, server-sent events). */
async function readEvents(body, handle) {
  let rest = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const blocks = (rest + part.value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { event: "message", id: "", data: "", comment: "" };
      for (const line of block.split("\n")) {
        const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
        const field = name || "comment";
        event[field] = field === "data" && event.data ? `${event.data}\n${value}` : value;
      }
      handle(event);
    }
  }
}

function say(who, text) {
  const line = document.createElement("p");
  const name = document.createElement("strong");
  name.textContent = `${who}: `;
  const words = document.createElement("span");
  words.textContent = text;
  line.append(name, words);
  byId("log").append(line);
  byId("log").scrollTop = byId("log").scrollHeight;
  return words;
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(3)} s`;
}

export class Chat {
  #credential;
  #session = null;
  #ending = null;

  /** @param credential gives the header fields of the key that is in use, null without one */
  constructor(credential) {
    this.#credential = credential;
    byId("chat-form").addEventListener("submit", (submit) => {
      submit.preventDefault();
      this.#send();
    });
    byId("message").addEventListener("keydown", (key) => {
      if (key.key === "Enter" && !key.shiftKey && !key.isComposing) {
        key.preventDefault();
        byId("chat-form").requestSubmit(byId("send"));
      }
    });
    byId("stop").addEventListener("click", () => this.stop());
    byId("fresh").addEventListener("click", () => this.clear());
  }

  stop() {
    this.#ending?.abort();
  }

  clear() {
    this.stop();
    this.#session = null;
    byId("log").replaceChildren();
    byId("events").replaceChildren();
    for (const fact of ["trace", "first", "total", "outcome", "memory"]) {
      byId(fact).textContent = "–";
    }
  }

  async #send() {
    const credential = this.#credential();
    if (!credential || this.#ending) {
      if (!credential) {
        say("Console", "Paste an API key first.");
      }
      return;
    }
    const message = byId("message").value;
    byId("message").value = "";
    this.#busy(new AbortController());
    const log = byId("log");
    say("You", message);
    // Read out when it is complete, not word by word.
    log.setAttribute("aria-busy", "true");
    const words = say("LUKi", "");
    const began = performance.now();
    try {
      await this.#stream(credential, message, words, began);
    } catch (failure) {
      const stopped = failure.name === "AbortError";
      this.#outcome(stopped ? "stopped" : "connection lost", !stopped);
    } finally {
      byId("total").textContent = seconds(began);
      log.removeAttribute("aria-busy");
      this.#busy(null);
    }
  }

  async #stream(credential, message, words, began) {
    for (const fact of ["trace", "first", "total", "memory"]) {
      byId(fact).textContent = "–";
    }
    byId("events").replaceChildren();
    this.#outcome("waiting", false);
    const body = { user_id: byId("user").value, message };
    if (this.#session) {
      body.session_id = this.#session;
    }
    const reply = await fetch("/v1/chat/stream", {
      method: "POST",
      headers: { ...credential, "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify(body),
      signal: this.#ending.signal,
    });
    byId("trace").textContent = reply.headers.get("X-Trace-Id") ?? "–";
    if (!reply.ok) {
      const { error } = await reply.json();
      this.#failed(`${reply.status} ${error.code}`, error.message, words);
      return;
    }
    this.#outcome("streaming", false);
    let ended = false;
    await readEvents(reply.body, (event) => {
      this.#show(event, began);
      ended ||= event.event === "done" || event.event === "error";
      this.#take(event, words, began);
    });
    if (!ended) {
      this.#outcome("ended without done", true);
    }
  }

  #take(event, words, began) {
    const data = event.data ? JSON.parse(event.data) : {};
    if (event.event === "done") {
      this.#session = data.meta.session_id;
      byId("memory").textContent = data.meta.memory;
      this.#outcome("done", false);
    } else if (event.event === "error") {
      this.#failed(data.error.code, data.error.message, words);
    } else if (data.token !== undefined) {
      if (byId("first").textContent === "–") {
        byId("first").textContent = seconds(began);
      }
      words.textContent += data.token;
      byId("log").scrollTop = byId("log").scrollHeight;
    }
  }

  #show(event, began) {
    const item = document.createElement("li");
    const at = document.createElement("time");
    at.textContent = seconds(began);
    item.append(at, event.comment ? `: ${event.comment}` : `${event.id} ${event.event} ${event.data}`);
    const list = byId("events");
    list.append(item);
    if (list.childElementCount > MAX_EVENTS) {
      list.firstElementChild.remove();
    }
    list.scrollTop = list.scrollHeight;
  }

  #failed(code, message, words) {
    words.textContent += ` [${message}]`;
    this.#outcome(code, true);
  }

  #outcome(text, bad) {
    byId("outcome").textContent = text;
    byId("outcome").classList.toggle("bad", bad);
  }

  #busy(ending) {
    this.#ending = ending;
    byId("send").disabled = ending !== null;
    byId("stop").disabled = ending === null;
  }
}
