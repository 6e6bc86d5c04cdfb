/**
 * What pods have on the disk. Measuring walks through all their files, so what was found is kept.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import type { PodUsage } from "../eviction/manager.ts";
import { messageOf } from "../errors.ts";
import { sleep } from "../time.ts";

/** How old a measurement may be that is shown: a kubelet's `volumeStatsAggPeriod`. */
export const DISK_AGE_MS_MAX = 60_000;
/** Who asks for pods that nobody has measured yet waits for them at most this long. */
export const DISK_WAIT_MS_MAX = 2_000;

/** What was found, and when. */
export interface MeasuredDisk {
  readonly atMs: number;
  readonly disk: PodUsage["disk"];
}

/** What a {@linkcode PodDisks} works with. */
export interface PodDisksOptions {
  /** Measures a pod. Rejects if the signal aborts. */
  measure(pod: Pod, signal: AbortSignal): Promise<PodUsage>;
  /** Ends measuring for good. */
  readonly signal: AbortSignal;
  /** Hears why a pod could not be measured. */
  onTrouble?(message: string): void;
  /** @default {Date.now} */
  nowMs?(): number;
}

/** Measures pods one after the other, and remembers. */
export class PodDisks {
  readonly #options: PodDisksOptions;
  readonly #known = new Map<string, MeasuredDisk>();
  #round: Promise<void> | undefined;

  constructor(options: PodDisksOptions) {
    this.#options = options;
  }

  /** Measures a pod now, for whoever must know exactly; the others profit. */
  async measure(pod: Pod, signal: AbortSignal): Promise<PodUsage> {
    const usage = await this.#options.measure(pod, signal);
    this.#known.set(uidOf(pod), { atMs: this.#nowMs(), disk: usage.disk });
    return usage;
  }

  /**
   * What is known of these pods, by UID, and nothing of others is kept. What is too old is measured
   * anew for the next one who asks; what was never measured is waited for, for a while.
   */
  async of(pods: readonly Pod[]): Promise<ReadonlyMap<string, MeasuredDisk>> {
    const uids = new Set(pods.map(uidOf));
    for (const uid of this.#known.keys()) if (!uids.has(uid)) this.#known.delete(uid);
    const oldest = this.#nowMs() - DISK_AGE_MS_MAX;
    const due = pods.filter((pod) => (this.#known.get(uidOf(pod))?.atMs ?? -Infinity) < oldest);
    if (due.length > 0) {
      this.#round ??= this.#measureAll(due).finally(() => {
        this.#round = undefined;
      });
    }
    if (this.#round !== undefined && due.some((pod) => !this.#known.has(uidOf(pod)))) {
      const enough = new AbortController();
      const late = sleep(DISK_WAIT_MS_MAX, AbortSignal.any([enough.signal, this.#options.signal]));
      await Promise.race([this.#round, late]);
      enough.abort();
    }
    return new Map(this.#known);
  }

  async #measureAll(pods: readonly Pod[]): Promise<void> {
    const { signal, onTrouble } = this.#options;
    for (const pod of pods) {
      if (signal.aborted) return;
      try {
        await this.measure(pod, signal);
      } catch (error) {
        if (!signal.aborted) onTrouble?.(messageOf(error));
      }
    }
  }

  #nowMs(): number {
    return this.#options.nowMs?.() ?? Date.now();
  }
}

function uidOf({ metadata }: Pod): string {
  return metadata?.uid ?? "";
}
