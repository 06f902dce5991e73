// Reads the text form of /metrics, and computes rates and quantiles between two readings.

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const REQUESTS = "http_server_request_duration_seconds";

/** The samples of a text: name, labels, value. */
export function parse(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const match = line.startsWith("#") ? null : SAMPLE.exec(line);
    if (match) {
      const labels = {};
      for (const [, name, value] of (match[2] ?? "").matchAll(LABEL)) {
        labels[name] = value.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c));
      }
      samples.push({ name: match[1], labels, value: Number(match[3].replace("Inf", "Infinity")) });
    }
  }
  return samples;
}

/** Calls for users: not the requests of operators, of this page, or of health checks. */
function isCall(labels) {
  return /^\/(v1|api)\//.test(labels.http_route) || labels.http_route === "";
}

/** A stream takes as long as its answer, which says nothing about latency. */
function isUnary(labels) {
  return isCall(labels) && !labels.http_route.endsWith("/stream");
}

/** One reading of all metrics. */
export class Reading {
  constructor(samples, seconds) {
    this.samples = samples;
    this.seconds = seconds;
  }

  sum(name, wanted = () => true) {
    let sum = 0;
    for (const sample of this.samples) {
      if (sample.name === name && wanted(sample.labels)) {
        sum += sample.value;
      }
    }
    return sum;
  }

  labels(name, label, wanted = () => true) {
    const found = this.samples.filter((one) => one.name === name && wanted(one.labels, one.value));
    return [...new Set(found.map((one) => one.labels[label]))];
  }
}

/** What happened between two readings. */
export class Interval {
  constructor(before, after) {
    this.before = before;
    this.after = after;
  }

  /** How much a counter has grown; a counter that went back belongs to a new process. */
  growth(name, wanted) {
    const now = this.after.sum(name, wanted);
    const then = this.before.sum(name, wanted);
    return now < then ? now : now - then;
  }

  rate(name, wanted) {
    return this.growth(name, wanted) / Math.max(this.after.seconds - this.before.seconds, 0.001);
  }

  /** The upper bound of the bucket that has the quantile; undefined without observations. */
  quantile(q, name, wanted = () => true) {
    const all = this.growth(`${name}_count`, wanted);
    const bounds = this.after.labels(`${name}_bucket`, "le", wanted);
    const sorted = bounds.map((le) => [Number(le.replace("+Inf", "Infinity")), le]);
    for (const [bound, text] of all > 0 ? sorted.sort((a, b) => a[0] - b[0]) : []) {
      const within = this.growth(`${name}_bucket`, (one) => one.le === text && wanted(one));
      if (within >= q * all) {
        return bound;
      }
    }
    return undefined;
  }

  /** The numbers of the tiles. */
  summary() {
    const count = `${REQUESTS}_count`;
    const failed = (labels) => isCall(labels) && Number(labels.http_response_status_code) >= 500;
    const calls = this.growth(count, isCall);
    return {
      traffic: this.rate(count, isCall),
      latency: this.quantile(0.95, REQUESTS, isUnary),
      median: this.quantile(0.5, REQUESTS, isUnary),
      failures: this.growth(count, failed),
      errors: calls > 0 ? (100 * this.growth(count, failed)) / calls : 0,
      refusals: this.growth(count, (l) => isCall(l) && /^4/.test(l.http_response_status_code)),
      active: this.after.sum("http_server_active_requests"),
      streams: this.after.sum("luki_gateway_streams"),
      firstEvent: this.quantile(0.95, "luki_gateway_stream_first_event_seconds"),
      open: this.after.labels("luki_gateway_circuit_open", "upstream", (_, value) => value === 1),
      breakers: this.after.labels("luki_gateway_circuit_open", "upstream").length,
      limited: this.rate("luki_gateway_rate_limit_total", (l) => l.decision === "refused"),
      degraded: this.after.sum("luki_gateway_ratelimit_degraded") > 0,
    };
  }

  /** Requests, errors and latency of each route, the busiest first. */
  routes() {
    const count = `${REQUESTS}_count`;
    const rows = this.after.labels(count, "http_route", isCall).map((route) => {
      const here = (labels) => labels.http_route === route;
      const failed = (labels) => here(labels) && Number(labels.http_response_status_code) >= 400;
      return {
        route: route || "(no such path)",
        requests: this.growth(count, here),
        errors: this.growth(count, failed),
        latency: this.quantile(0.95, REQUESTS, here),
      };
    });
    return rows.filter((row) => row.requests > 0).sort((a, b) => b.requests - a.requests);
  }
}
