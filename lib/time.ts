/**
 * Waiting that can be ended, and times as Kubernetes writes them.
 *
 * @module
 */

/** The longest wait one timer can hold (2^31-1 ms, about 24.8 days); longer ones fire at once. */
export const TIMER_MS_MAX = 2_147_483_647;

/**
 * Waits for `ms` milliseconds, or until the signal aborts.
 *
 * @returns `true` if the whole time has passed, `false` if the signal ended it.
 */
export function sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve(false);
    const end = (whole: boolean): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
      resolve(whole);
    };
    const aborted = (): void => end(false);
    const timer = setTimeout(() => end(true), Math.min(Math.max(ms, 0), TIMER_MS_MAX));
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

/** Resolves when the signal aborts; at once if it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** The two clocks of a machine. */
export interface Clocks {
  /** Milliseconds since 1970. Somebody may set it, forward or back. */
  wallMs(): number;
  /** Milliseconds since any moment. It only goes on, and may stand still while the machine sleeps. */
  steadyMs(): number;
}

/** This machine's own. */
export const CLOCKS: Clocks = { wallMs: () => Date.now(), steadyMs: () => performance.now() };

/**
 * Begins to measure how old something is, in ms: what must not grow too old. Of two clocks that do not agree
 * the one is believed that says more, so a clock that was set back and a machine that slept make nothing
 * younger.
 */
export function beginAge(clocks: Clocks = CLOCKS): () => number {
  const [wallMs, steadyMs] = [clocks.wallMs(), clocks.steadyMs()];
  return () => Math.max(clocks.wallMs() - wallMs, clocks.steadyMs() - steadyMs);
}

/** `metav1.Time`: RFC 3339 in UTC with whole seconds. */
export function kubeTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}
