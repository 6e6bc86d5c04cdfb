/**
 * Events on pods and on the node, folded when they repeat.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import type { Event } from "../api/types.ts";
import { kubeTime, sleep } from "../time.ts";
import { Fold } from "./fold.ts";
import type { EventSink, Happening } from "./happening.ts";
import { cutMessage } from "./message.ts";

/** How events reach the cluster; a throw means: later. */
export interface EventTransport {
  create(event: Event, signal: AbortSignal): Promise<void>;
  /** Tells that an event has happened again. */
  repeat(event: Event, signal: AbortSignal): Promise<void>;
}

/** Options of an {@linkcode EventRecorder}. */
export interface EventRecorderOptions {
  readonly transport: EventTransport;
  readonly nodeName: string;
  readonly onTrouble: (message: string) => void;
}

/** Events that wait for the API server; the oldest are dropped first. */
const QUEUE_MAX = 1_000;
/** Tries before an event is dropped: events are news, not truth. */
const TRIES_MAX = 8;
const RETRY_MS = { first: 250, max: 10_000 };
/** Events sent at the same time. */
const LANES = 2;

/** Sends events in the background, in order for each object as far as the network allows. */
export class EventRecorder implements EventSink {
  readonly #options: EventRecorderOptions;
  readonly #fold = new Fold();
  readonly #closing = new AbortController();
  #queue: { event: Event; again: boolean }[] = [];
  #sending = 0;
  #count = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  tell(happening: Happening): void {
    if (this.#closing.signal.aborted) return;
    const wallMs = Date.now();
    const now = { wallMs, steadyMs: performance.now() };
    const folded = this.#fold.add(happening, now, () => this.#event(happening, wallMs));
    if (folded === "dropped") return;
    if (this.#queue.length >= QUEUE_MAX) this.#queue.shift();
    this.#queue.push(folded);
    if (this.#sending < LANES) void this.#drain();
  }

  /** Sends what is waiting, for at most as long as the signal allows, and stops. */
  async close(signal: AbortSignal): Promise<void> {
    while ((this.#queue.length > 0 || this.#sending > 0) && !signal.aborted) {
      await sleep(10, signal);
    }
    this.#closing.abort();
    this.#queue = [];
  }

  #event({ object, type, reason, message }: Happening, nowMs: number): Event {
    const time = kubeTime(nowMs);
    const { nodeName } = this.#options;
    const stamp = (BigInt(nowMs) * 1_000_000n + BigInt(this.#count++ % 1_000_000)).toString(16);
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${object.name}.${stamp}`, namespace: object.namespace ?? "default" },
      involvedObject: object,
      type,
      reason,
      message: cutMessage(message),
      source: { component: "kubelet", host: nodeName },
      reportingComponent: "kubelet",
      reportingInstance: nodeName,
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
  }

  async #drain(): Promise<void> {
    this.#sending++;
    const { signal } = this.#closing;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      await this.#send(next, signal);
    }
    this.#sending--;
  }

  async #send(
    { event, again }: { event: Event; again: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const { transport, onTrouble } = this.#options;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        return await (again ? transport.repeat(event, signal) : transport.create(event, signal));
      } catch (error) {
        if (signal.aborted) return;
        if (tries === TRIES_MAX) {
          onTrouble(`Cannot send event "${event.reason}" of "${event.involvedObject.name}", \
dropped it: ${messageOf(error)}`);
          return;
        }
        await sleep(Math.min(RETRY_MS.first * 2 ** (tries - 1), RETRY_MS.max), signal);
      }
    }
  }
}
