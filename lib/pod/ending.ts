/**
 * The end of a pod: when it begins, why, and when nothing of it may be left running.
 *
 * @module
 */
import { TIMER_MS_MAX } from "../time.ts";

/**
 * Why a pod ends: all its containers have done their work; it has failed as a whole (its deadline,
 * a container that can never run); the agent shuts down; it was deleted. Each outranks those
 * before it.
 */
const CAUSES = ["ended", "failed", "shutdown", "deleted"] as const;

/** What a pod gets that is evicted, whatever its own grace period: as a kubelet. */
export const EVICTION_GRACE_MS = 1_000;

/** One of the causes. */
export type EndingCause = (typeof CAUSES)[number];

/** Begins once; the time that is left can only become less. */
export class Ending {
  readonly #stop = new AbortController();
  readonly #kill = new AbortController();
  #cause: EndingCause | undefined;
  /** By the clock that only goes on: whoever sets the other one neither ends nor spares a pod. */
  #deadlineMs = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Aborted when the grace period begins. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted when the grace period is over. */
  get kill(): AbortSignal {
    return this.#kill.signal;
  }

  /** Why, or `undefined` while the pod is not ending. */
  get cause(): EndingCause | undefined {
    return this.#cause;
  }

  /** Begins the end, or shortens it. */
  begin(cause: EndingCause, graceMs: number): void {
    if (this.#cause === undefined || CAUSES.indexOf(cause) > CAUSES.indexOf(this.#cause)) {
      this.#cause = cause;
    }
    this.#deadlineMs = Math.min(this.#deadlineMs, performance.now() + graceMs);
    this.#arm();
    this.#stop.abort();
  }

  /** Shortens an end that has begun. False if it has not, or comes as soon as that anyway. */
  shorten(graceMs: number): boolean {
    if (this.#cause === undefined || this.#deadlineMs <= performance.now() + graceMs) return false;
    this.begin(this.#cause, graceMs);
    return true;
  }

  // A timer holds 24.8 days at most, and fires at once beyond that.
  #arm(): void {
    clearTimeout(this.#timer);
    const leftMs = this.#deadlineMs - performance.now();
    if (leftMs <= 0) this.#kill.abort();
    else this.#timer = setTimeout(() => this.#arm(), Math.min(leftMs, TIMER_MS_MAX));
  }

  /** To be called when nothing is left to kill. */
  over(): void {
    clearTimeout(this.#timer);
  }
}
