/**
 * The end of one run: told by its pod, or by a probe or hook of its own.
 *
 * @module
 */
import { TIMER_MS_MAX } from "../time.ts";

/** Begins once; the time that is left can only become less. */
export class RunEnd implements Disposable {
  readonly #own = { stop: new AbortController(), kill: new AbortController() };
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  /** Aborted when the run's grace period begins. */
  readonly stop: AbortSignal;
  /** Aborted when the guest must be gone. */
  readonly kill: AbortSignal;

  /** `pod` is what its pod tells all its containers. */
  constructor(pod: { readonly stop: AbortSignal; readonly kill: AbortSignal }) {
    this.stop = AbortSignal.any([pod.stop, this.#own.stop.signal]);
    this.kill = AbortSignal.any([pod.kill, this.#own.kill.signal]);
  }

  /** Ends this run alone, within a grace period. */
  begin(graceMs: number): void {
    // A timer holds 24.8 days at most, and fires at once beyond that.
    const kill = (): void => this.#own.kill.abort();
    this.#timers.push(setTimeout(kill, Math.min(graceMs, TIMER_MS_MAX)));
    this.#own.stop.abort();
  }

  /** To be called when the guest is gone. */
  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
