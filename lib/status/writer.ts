/**
 * The one hand that writes pod status.
 *
 * States say; the writer sends. It merges bursts, keeps what was not heard and says it again, and
 * never sends an older word after a newer one.
 *
 * @module
 */
import type { PodPhase, PodStatus } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import { Lanes } from "../lanes.ts";
import { aborted, sleep } from "../time.ts";

/** The pod that a status belongs to. */
export interface PodKey {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * What came of sending: `written`; `gone` if there is no such pod any more (or another one under
 * its name); `refused` if the server will never take this word. Any throw means: later.
 */
export type Heard = "written" | "gone" | "refused";

/** How words reach the cluster. */
export interface StatusTransport {
  writeStatus(pod: PodKey, status: PodStatus, signal: AbortSignal): Promise<Heard>;
  /** Tells the API server that the node is done with the pod (DELETE with grace 0). */
  release(pod: PodKey, signal: AbortSignal): Promise<Heard>;
}

/** Options of a {@linkcode StatusWriter}. */
export interface StatusWriterOptions {
  readonly transport: StatusTransport;
  readonly onTrouble: (message: string) => void;
  /** Hears each word when it is said, and how long it took to be heard, in ms. @default {nobody} */
  readonly observer?: {
    statusSaid(pod: PodKey, status: PodStatus): void;
    statusHeard(ms: number): void;
  };
  /**
   * How long a pod's first words wait for better ones: a pod that runs within this time is never
   * reported as Pending. @default 50
   */
  readonly pendingDelayMs?: number;
}

/** Pods that are written to at the same time: the API server answers these side by side. */
const LANES_MAX = 8;
/** First and longest pause after a failure. */
const RETRY_MS = { first: 200, max: 10_000 };
const PENDING_DELAY_MS = 50;

interface Entry {
  readonly pod: PodKey;
  /** Words that wait, oldest first: the newest, and before it at most one that must be heard. */
  words: PodStatus[];
  inFlight?: PodStatus | undefined;
  /** What was heard last. */
  heard?: { readonly phase: PodPhase | undefined; readonly text: string };
  release: boolean;
  failures: number;
  draining: boolean;
  /** Of `performance.now()`. */
  notBeforeMs: number;
  /** Since when something was said that was not heard; on the clock of `performance.now()`. */
  unheardSinceMs?: number | undefined;
  /** Ends the pause that is under way. */
  wake: () => void;
  whenHeard: (() => void)[];
}

/** Writes the status of all pods. Newer words replace older ones that were not sent yet. */
export class StatusWriter {
  readonly #entries = new Map<string, Entry>();
  readonly #options: StatusWriterOptions;
  readonly #closing = new AbortController();
  readonly #lanes = new Lanes(LANES_MAX);

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Says what a pod's status is. Returns at once. */
  say(pod: PodKey, status: PodStatus): void {
    this.#options.observer?.statusSaid(pod, status);
    const entry = this.#entry(pod);
    entry.unheardSinceMs ??= performance.now();
    const last = entry.words.at(-1);
    if (last !== undefined && !mustBeHeard(last, status, entry)) entry.words.pop();
    entry.words.push(status);
    if (entry.failures === 0) {
      const first = entry.heard === undefined && entry.inFlight === undefined;
      const delayMs = this.#options.pendingDelayMs ?? PENDING_DELAY_MS;
      if (status.phase !== "Pending") entry.notBeforeMs = 0;
      else if (first && entry.notBeforeMs === 0) entry.notBeforeMs = performance.now() + delayMs;
    }
    this.#wake(entry);
  }

  /** After all words: tells the cluster that the node is done with the pod. Resolves when heard. */
  release(pod: PodKey): Promise<void> {
    const entry = this.#entry(pod);
    entry.release = true;
    return this.#whenHeard(entry);
  }

  /** Forgets a pod that is gone. */
  forget(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    entry.words = [];
    entry.release = false;
    this.#heardAll(entry);
    this.#entries.delete(uid);
  }

  /** Resolves when everything said so far was heard, or the signal aborts. */
  async flushed(signal: AbortSignal): Promise<void> {
    const all = Promise.all([...this.#entries.values()].map((entry) => this.#whenHeard(entry)));
    await Promise.race([all, aborted(signal)]);
  }

  /** Stops sending. What was not heard is not lost: it is computed again after a restart. */
  close(): void {
    this.#closing.abort();
    for (const entry of this.#entries.values()) this.#heardAll(entry);
  }

  #entry(pod: PodKey): Entry {
    const known = this.#entries.get(pod.uid);
    if (known !== undefined) return known;
    const entry: Entry = {
      pod,
      words: [],
      release: false,
      failures: 0,
      draining: false,
      notBeforeMs: 0,
      wake: () => {},
      whenHeard: [],
    };
    this.#entries.set(pod.uid, entry);
    return entry;
  }

  #whenHeard(entry: Entry): Promise<void> {
    return new Promise((resolve) => {
      entry.whenHeard.push(resolve);
      this.#wake(entry);
    });
  }

  #heardAll(entry: Entry): void {
    const waiting = entry.whenHeard;
    entry.whenHeard = [];
    for (const resolve of waiting) resolve();
  }

  #wake(entry: Entry): void {
    entry.wake();
    if (!entry.draining) void this.#drain(entry);
  }

  async #drain(entry: Entry): Promise<void> {
    entry.draining = true;
    const { signal } = this.#closing;
    while (!signal.aborted && (entry.words.length > 0 || entry.release)) {
      const waitMs = entry.notBeforeMs - performance.now();
      if (waitMs > 0) {
        await this.#pause(entry, waitMs);
        continue;
      }
      using _lane = await this.#lanes.enter();
      await this.#step(entry, signal);
    }
    entry.draining = false; // no await since the check above, so no word is lost
    this.#heardAll(entry);
  }

  async #pause(entry: Entry, ms: number): Promise<void> {
    const woken = new AbortController();
    entry.wake = () => woken.abort();
    await sleep(ms, AbortSignal.any([woken.signal, this.#closing.signal]));
    entry.wake = () => {};
  }

  async #step(entry: Entry, signal: AbortSignal): Promise<void> {
    const word = entry.words.shift();
    entry.inFlight = word;
    try {
      if (word === undefined) {
        if (!entry.release) return;
        await this.#options.transport.release(entry.pod, signal);
        entry.release = false;
      } else if (await this.#write(entry, word, signal) === "gone") entry.words = [];
      entry.failures = 0;
      entry.notBeforeMs = 0;
    } catch (error) {
      const newer = entry.words[0];
      entry.inFlight = undefined;
      if (word !== undefined && (newer === undefined || mustBeHeard(word, newer, entry))) {
        entry.words.unshift(word);
      }
      if (!signal.aborted) this.#failed(entry, error);
    } finally {
      entry.inFlight = undefined;
    }
  }

  async #write(entry: Entry, word: PodStatus, signal: AbortSignal): Promise<Heard> {
    const text = JSON.stringify(word);
    if (text === entry.heard?.text) {
      entry.unheardSinceMs = undefined;
      return "written";
    }
    const heard = await this.#options.transport.writeStatus(entry.pod, word, signal);
    entry.heard = { phase: word.phase, text };
    if (entry.unheardSinceMs !== undefined) {
      this.#options.observer?.statusHeard(performance.now() - entry.unheardSinceMs);
    }
    entry.unheardSinceMs = entry.words.length === 0 ? undefined : performance.now();
    return heard;
  }

  #failed(entry: Entry, error: unknown): void {
    entry.failures++;
    const pauseMs = Math.min(RETRY_MS.first * 2 ** (entry.failures - 1), RETRY_MS.max);
    entry.notBeforeMs = performance.now() + pauseMs * (0.75 + Math.random() / 2);
    if (entry.failures > 1) return;
    const { namespace, name } = entry.pod;
    this.#options.onTrouble(
      `Cannot report pod "${namespace}/${name}", will try again: ${messageOf(error)}`,
    );
  }
}

/**
 * Who watches a pod may rely on seeing it run before it has succeeded or failed, so the first word
 * that says Running is not dropped for a later one that says how it ended.
 */
function mustBeHeard(word: PodStatus, newer: PodStatus, entry: Entry): boolean {
  return word.phase === "Running" && newer.phase !== "Running" &&
    entry.heard?.phase !== "Running" && entry.inFlight?.phase !== "Running";
}
