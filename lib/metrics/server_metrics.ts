/**
 * What is counted of the requests to the node's own API.
 *
 * @module
 */
import type { Counter, Gauge, Histogram, Registry } from "./registry.ts";

type RequestLabel = "method" | "path" | "server_type" | "long_running";
const LABELS: readonly RequestLabel[] = ["method", "path", "server_type", "long_running"];

const METHODS: ReadonlySet<string> = new Set(
  ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"],
);
/** First words of paths that are told apart; whoever asks for others makes no new series. */
const PATHS: ReadonlySet<string> = new Set([
  ...["attach", "checkpoint", "configz", "containerLogs", "cri", "debug", "exec", "flagz"],
  ...["healthz", "logs", "metrics", "metrics/cadvisor", "metrics/probes", "metrics/resource"],
  ...["pods", "portForward", "run", "runningpods", "stats", "statusz"],
]);
/** Those that end when somebody leaves. */
const LONG: ReadonlySet<string> = new Set(["exec", "attach", "portForward", "debug"]);

/** Requests that have come, are answered now, and how long that took. */
export class ServerMetrics {
  readonly #requests: Counter<RequestLabel>;
  readonly #inflight: Gauge<RequestLabel>;
  readonly #duration: Histogram<RequestLabel>;

  constructor(registry: Registry) {
    this.#requests = registry.counter({
      name: "kubelet_http_requests_total",
      help: "Number of the http requests received since the server started",
      labels: LABELS,
    });
    this.#inflight = registry.gauge({
      name: "kubelet_http_inflight_requests",
      help: "Number of the inflight http requests",
      labels: LABELS,
    });
    this.#duration = registry.histogram({
      name: "kubelet_http_requests_duration_seconds",
      help: "Duration in seconds to serve http requests",
      labels: LABELS,
    });
  }

  /** A request has come. Call the answer once when it is over. */
  began(method: string, path: string): () => void {
    const word = pathWord(path);
    const labels = {
      method: METHODS.has(method) ? method : "other",
      path: word,
      server_type: "readwrite",
      long_running: String(LONG.has(word)),
    };
    const beganMs = performance.now();
    this.#requests.add(labels);
    this.#inflight.add(labels, 1);
    return () => {
      this.#inflight.add(labels, -1);
      this.#duration.observe(labels, (performance.now() - beganMs) / 1000);
    };
  }
}

/** The first word of a path, or two of them below `/metrics`. */
function pathWord(path: string): string {
  const [first = "", second] = path.replace(/^\//, "").split("/");
  const word = first === "metrics" && second ? `${first}/${second}` : first;
  return PATHS.has(word) ? word : "other";
}
