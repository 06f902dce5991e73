// The key, and the tiles of the gateway. The key is kept in this module's memory and nowhere else.
import { Chat } from "/console/chat.js";
import { Interval, Reading, parse } from "/console/metrics.js";

const PERIOD_MS = 5000;
const KEPT = 60;
const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

let key = null;
let timer = null;
let first = null;
let last = null;
let history = [];
let left = "";
let used = "";

const credential = () => (key ? { Authorization: `Bearer ${key}` } : null);
const chat = new Chat(credential);

const fixed = (value) => value.toFixed(1);
const within = (seconds) =>
  seconds === undefined ? "–" : seconds === Infinity ? "> 10 s" : `≤ ${seconds * 1000} ms`;

/** Title, value of a summary as text, a line below it, what the curve shows, its unit. */
const TILES = [
  ["Traffic", (s) => `${fixed(s.traffic)} /s`, (s) => `${s.active} in flight`, (s) => s.traffic, "requests a second"],
  ["Latency", (s) => within(s.latency), (s) => `95 % of calls; half ${within(s.median)}`, (s) => finite(s.latency) * 1000, "ms"],
  ["Errors", (s) => `${fixed(s.errors)} %`, (s) => `${s.failures} of 5xx, ${s.refusals} of 4xx`, (s) => s.errors, "percent"],
  ["Streams", (s) => `${s.streams}`, (s) => `first event ${within(s.firstEvent)}`, (s) => s.streams, "open"],
  ["Breakers", (s) => `${s.open.length} open`, (s) => s.open.join(", ") || `${s.breakers} services`, (s) => s.open.length, "open"],
  ["Limits", (s) => `${fixed(s.limited)} /s`, (s) => (s.degraded ? "degraded: Redis" : `refused${left}`), (s) => s.limited, "refused a second"],
];

/** A curve needs a number also for what is unknown or beyond the last bucket. */
function finite(seconds) {
  return seconds === undefined ? 0 : Math.min(seconds, 10);
}

function status(text, bad = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("bad", bad);
}

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) {
    made.className = className;
  }
  return made;
}

function curve(values, title, unit) {
  const svg = document.createElementNS(SVG, "svg");
  const top = Math.max(...values, 0.001);
  svg.setAttribute("viewBox", `0 0 ${KEPT - 1} 32`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const range = `now ${fixed(values.at(-1))}, at most ${fixed(Math.max(...values))} ${unit}`;
  svg.setAttribute("aria-label", `${title}: ${range} in the last five minutes`);
  const points = values.map((value, i) => `${KEPT - values.length + i},${30 - (28 * value) / top}`);
  const area = document.createElementNS(SVG, "polygon");
  area.setAttribute("class", "area");
  area.setAttribute("points", `${KEPT - values.length},32 ${points.join(" ")} ${KEPT - 1},32`);
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("class", "curve");
  line.setAttribute("points", points.join(" "));
  svg.append(area, line);
  return svg;
}

function draw() {
  const now = history.at(-1);
  byId("tiles").replaceChildren(
    ...TILES.map(([title, value, more, number, unit]) => {
      const tile = element("div", "", "tile");
      tile.append(element("h3", title), element("p", value(now), "value"), element("p", more(now), "hint"));
      tile.append(curve(history.map(number), title, unit));
      return tile;
    }),
  );
  const rows = new Interval(first, last).routes().slice(0, 12);
  byId("routes").replaceChildren(
    ...rows.map((row) => {
      const line = document.createElement("tr");
      const cells = [row.route, row.requests, row.errors, within(row.latency)];
      line.append(...cells.map((cell) => element("td", cell)));
      return line;
    }),
  );
  byId("operator-hint").hidden = true;
  byId("more").hidden = false;
}

function drawHealth(health) {
  byId("services").replaceChildren(
    ...Object.entries(health.checks).map(([name, check]) => {
      const bad = ["down", "refused"].includes(check.status);
      const item = element("li", `${name}: `);
      item.append(element("strong", check.status, bad ? "bad" : check.status === "up" ? "good" : ""));
      return item;
    }),
  );
}

/** One round: metrics with the key, health without. Gives the pause before the next one in ms, 0 to stop. */
async function pollOnce() {
  const metrics = await fetch("/metrics", { headers: { ...credential(), Accept: "text/plain" } });
  if (metrics.status === 401) {
    forget();
    status("The key is not accepted any more.", true);
    return 0;
  }
  if (metrics.status === 403) {
    byId("operator-hint").textContent = "This key may not read the metrics: it lacks the scope ops:read.";
    return 0;
  }
  if (!metrics.ok) {
    return 1000 * Number(metrics.headers.get("Retry-After") ?? 5);
  }
  const remaining = /;r=(\d+)/.exec(metrics.headers.get("RateLimit") ?? "");
  left = remaining ? `; ${remaining[1]} left for this key` : "";
  const reading = new Reading(parse(await metrics.text()), performance.now() / 1000);
  if (last) {
    history = [...history, new Interval(last, reading).summary()].slice(-KEPT);
  }
  first ??= reading;
  last = reading;
  if (history.length > 0) {
    drawHealth(await (await fetch("/health")).json());
    draw();
  }
  return history.length > 0 ? PERIOD_MS : 1000;
}

async function poll() {
  const polled = key;
  let pause = PERIOD_MS;
  if (!document.hidden) {
    try {
      pause = await pollOnce();
      if (key && byId("status").className) {
        status(used);
      }
    } catch {
      status("The gateway does not answer; trying again.", true);
    }
  }
  // A key that was changed meanwhile has a round of its own.
  if (key && key === polled && pause > 0) {
    timer = setTimeout(poll, pause);
  }
}

function forget() {
  clearTimeout(timer);
  key = first = last = null;
  history = [];
  chat.clear();
  byId("tiles").replaceChildren();
  byId("more").hidden = true;
  byId("operator-hint").hidden = false;
  byId("operator-hint").textContent = "The tiles need a key with the scope ops:read.";
  byId("forget").hidden = true;
  status("No key is in use.");
}

async function use(candidate) {
  forget();
  status("Checking the key…");
  try {
    const reply = await fetch("/v1/usage", { headers: { Authorization: `Bearer ${candidate}` } });
    if (reply.status === 401 || reply.status === 400) {
      status("The gateway does not accept this key.", true);
      return;
    }
    const plan = reply.ok ? ` Its plan: ${(await reply.json()).plan}.` : "";
    key = candidate;
    byId("forget").hidden = false;
    used = `The key is in use.${plan}`;
    status(used);
    poll();
  } catch {
    status("The gateway does not answer.", true);
  }
}

byId("key-form").addEventListener("submit", (submit) => {
  submit.preventDefault();
  const candidate = byId("key").value.trim();
  byId("key").value = "";
  use(candidate);
});
byId("forget").addEventListener("click", () => {
  forget();
  byId("key").focus();
});
addEventListener("pagehide", forget);
