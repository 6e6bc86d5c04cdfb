/**
 * How many pulls there may be at once, and how many in a second.
 *
 * @module
 */
import { Lanes } from "../lanes.ts";
import { aborted, sleep } from "../time.ts";

/** A kubelet's `serializeImagePulls`, `maxParallelImagePulls`, `registryPullQPS` and `registryBurst`. */
export interface PullLimits {
  /** Pulls under way at once. @default {any number} */
  readonly parallelMax?: number | undefined;
  /** Pulls that begin in a second, on the average. 0 is no limit. @default 0 */
  readonly perSecond?: number;
  /** Pulls that may begin at once after a pause. @default 1 */
  readonly burst?: number;
}

/** Pulls that may still begin now; negative when some are waiting. */
export interface Allowance {
  readonly pulls: number;
  readonly atMs: number;
}

/** Takes one pull from an allowance, and says how long to wait before it may begin. */
export function takePull(
  before: Allowance | undefined,
  { perSecond, burst, nowMs }: { perSecond: number; burst: number; nowMs: number },
): { readonly allowance: Allowance; readonly waitMs: number } {
  if (perSecond <= 0) return { allowance: { pulls: burst, atMs: nowMs }, waitMs: 0 };
  const earned = before === undefined
    ? burst
    : before.pulls + (nowMs - before.atMs) / 1000 * perSecond;
  const pulls = Math.min(burst, earned) - 1;
  return {
    allowance: { pulls, atMs: nowMs },
    waitMs: pulls >= 0 ? 0 : -pulls / perSecond * 1000,
  };
}

/** Lets pulls begin in the order in which they came. */
export class PullGate {
  readonly #limits: PullLimits;
  readonly #lanes: Lanes | undefined;
  #allowance: Allowance | undefined;

  constructor(limits: PullLimits = {}) {
    this.#limits = limits;
    this.#lanes = limits.parallelMax === undefined ? undefined : new Lanes(limits.parallelMax);
  }

  /** Does the work when it is its turn. Rejects with the signal's reason when aborted before. */
  async pass<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    using _lane = await this.#enter(signal);
    const { perSecond = 0, burst = 1 } = this.#limits;
    const nowMs = performance.now();
    const { allowance, waitMs } = takePull(this.#allowance, { perSecond, burst, nowMs });
    this.#allowance = allowance;
    if (waitMs > 0 && !await sleep(waitMs, signal)) {
      this.#allowance = { ...this.#allowance, pulls: this.#allowance.pulls + 1 };
    }
    signal.throwIfAborted();
    return await work();
  }

  async #enter(signal: AbortSignal): Promise<Disposable> {
    if (this.#lanes === undefined) return { [Symbol.dispose]: () => {} };
    const entering = this.#lanes.enter();
    const lane = await Promise.race([entering, aborted(signal)]);
    if (lane !== undefined) return lane;
    // The turn of whoever went away comes too, and must be passed on.
    void entering.then((late) => late[Symbol.dispose]());
    throw signal.reason;
  }
}
