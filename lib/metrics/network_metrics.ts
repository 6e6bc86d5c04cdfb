/**
 * What is counted of the questions that guests ask of their pods' networks.
 *
 * @module
 */
import type { Counter, Histogram, Registry } from "./registry.ts";

/** In seconds: most answers are a look into a table, names may take long. */
const ASK_BOUNDS = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** One question, answered. All of it is one of few. */
export interface NetworkAsk {
  readonly want: "bind" | "connect" | "send" | "accept" | "resolve";
  /** Why it was refused. @default {it was not} */
  readonly reason?: string | undefined;
}

/** Questions, refusals and how long answers took. */
export class NetworkMetrics {
  readonly #asked: Counter<"want">;
  readonly #refused: Counter<"want" | "direction" | "reason">;
  readonly #duration: Histogram<"want">;

  constructor(registry: Registry) {
    this.#asked = registry.counter({
      name: "krustlet_network_requests_total",
      help: "Cumulative number of addresses and names that guests wanted to use.",
      labels: ["want"],
    });
    this.#refused = registry.counter({
      name: "krustlet_network_refused_total",
      help: "Cumulative number of those that were refused, by the reason.",
      labels: ["want", "direction", "reason"],
    });
    this.#duration = registry.histogram({
      name: "krustlet_network_request_duration_seconds",
      help: "Duration in seconds until it was decided what becomes of them.",
      labels: ["want"],
      bounds: ASK_BOUNDS,
    });
  }

  /** A guest has its answer. */
  asked({ want, reason }: NetworkAsk, ms: number): void {
    this.#asked.add({ want });
    this.#duration.observe({ want }, ms / 1000);
    if (reason === undefined) return;
    const direction = want === "accept" || want === "bind" ? "ingress" : "egress";
    this.#refused.add({ want, direction, reason });
  }
}
