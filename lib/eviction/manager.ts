/**
 * Keeps the node from running out of memory and disk: pods that use too much of them end.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { Pod } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import { amountsOf } from "../resources/amounts.ts";
import { podRequests } from "../resources/pod_requests.ts";
import type { EvictionRules } from "../thresholds.ts";
import { sleep } from "../time.ts";
import { isCritical } from "../resources/critical.ts";
import { turnedAway } from "./admission.ts";
import { diskBytes, type DiskUsage, overLimit } from "./local_storage.ts";
import { type Glutton, lowMessage, resourceOf } from "./messages.ts";
import {
  decidePressure,
  type Met,
  NO_PRESSURE,
  type Observations,
  type Shortage,
} from "./pressure.ts";
import { type Candidate, rank } from "./rank.ts";

const log = getLogger(["krustlet", "eviction"]);

/** Between two looks at the node: a kubelet's own. */
export const ROUND_MS = 10_000;

/** What a kubelet's metrics call the evictions of pods that are over their own limit. */
const LIMIT_SIGNAL = "ephemeralpodfs.limit";

/** What a pod uses, as far as anybody knows. */
export interface PodUsage {
  readonly disk: DiskUsage & { readonly inodes: number };
  /** Bytes by container that runs; `undefined` if nobody can measure it. */
  readonly memory: ReadonlyMap<string, number | undefined>;
  /** What its volumes have in memory; not `whole` if there is more than anybody can count. */
  readonly memoryVolumes: { readonly bytes: number; readonly whole: boolean };
  /** Threads of all its processes. */
  readonly pids: number;
}

/** Why a pod has to go, and how. */
export interface EvictionCause {
  readonly message: string;
  /** True if the node was short of something; else the pod uses more than it may. */
  readonly low: boolean;
  /** What was short or over its limit, as a kubelet's metrics call it. */
  readonly signal: string;
  /** Its own grace period, but so much at most, in ms. @default {a moment, as of a node that cannot wait} */
  readonly graceMsMax?: number;
}

/** What an {@linkcode EvictionManager} looks at, and what it does. */
export interface EvictionManagerOptions {
  readonly rules: EvictionRules;
  /** Looks at the machine. */
  observe(): Promise<Observations>;
  /** The pods that run or are about to. */
  pods(): readonly Pod[];
  /** True if the pod's QoS class is BestEffort. */
  isBestEffort(pod: Pod): boolean;
  /** Measures a pod. Rejects if the signal aborts. */
  usage(pod: Pod, signal: AbortSignal): Promise<PodUsage>;
  /** Gives back disk that no pod needs, before a pod is evicted. @default {there is none} */
  reclaimDisk?(signal: AbortSignal): Promise<void>;
  /** Told when the disk begins to be short. */
  onDiskShort?(): void;
  /**
   * Ends a pod; settles when it has ended, or after a time. False if there was nothing to do, as for a pod that is
   * ending as fast as it can.
   */
  evict(pod: Pod, why: EvictionCause): Promise<boolean>;
  /** Tells a warning about the node. */
  tell(reason: string, message: string): void;
  /** Milliseconds of a clock that only goes on. @default {performance.now} */
  nowMs?(): number;
}

/** Looks at the node from time to time, and ends one pod at once while it is short of something. */
export class EvictionManager {
  readonly #options: EvictionManagerOptions;
  #state = NO_PRESSURE;
  #shortages: ReadonlySet<Shortage> = new Set();
  #told: ReadonlySet<string> = new Set();

  constructor(options: EvictionManagerOptions) {
    this.#options = options;
  }

  /** What the node is short of, or was until lately. */
  get shortages(): ReadonlySet<Shortage> {
    return this.#shortages;
  }

  /** Why the node takes no such pod now, or `undefined`. */
  turnedAway(pod: Pod): { reason: string; message: string } | undefined {
    const bestEffort = this.#options.isBestEffort(pod);
    return turnedAway(pod, { shortages: this.#shortages, bestEffort });
  }

  /** Does a round every {@linkcode ROUND_MS}, until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    do {
      try {
        await this.round(signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn("Cannot see whether pods use too much: {error}", { error: messageOf(error) });
      }
    } while (await sleep(ROUND_MS, signal));
  }

  /** One look at the node, and what follows from it. */
  async round(signal: AbortSignal): Promise<void> {
    let [lowest] = await this.look();
    if (await this.#evictOverLimit(signal)) return;
    if (lowest === undefined) return;
    if (isOfDisk(lowest) && this.#options.reclaimDisk !== undefined) {
      await this.#options.reclaimDisk(signal);
      [lowest] = await this.look();
    }
    if (lowest !== undefined) await this.#evictFirst(lowest, signal);
  }

  /** Looks at the machine now, and tells of what is short. Nothing else follows from it. */
  async look(): Promise<readonly Met[]> {
    const { rules, observe, nowMs = () => performance.now() } = this.#options;
    const decided = decidePressure(await observe(), {
      rules,
      before: this.#state,
      nowMs: nowMs(),
    });
    this.#state = decided.state;
    this.#shortages = decided.shortages;
    this.#tellOnce(decided.met);
    return decided.met;
  }

  #tellOnce(met: readonly Met[]): void {
    const resources = new Set(met.map(({ signal }) => resourceOf(signal)));
    for (const resource of resources) {
      if (this.#told.has(resource)) continue;
      if (met.some((one) => isOfDisk(one) && resourceOf(one.signal) === resource)) {
        this.#options.onDiskShort?.();
      }
      this.#options.tell("EvictionThresholdMet", `Attempting to reclaim ${resource}`);
    }
    this.#told = resources;
  }

  /** True if a pod had to go because of its own limits. */
  async #evictOverLimit(signal: AbortSignal): Promise<boolean> {
    let evicted = false;
    for (const pod of this.#options.pods()) {
      if (!hasDiskLimit(pod)) continue;
      const message = overLimit(pod, (await this.#options.usage(pod, signal)).disk);
      if (message === undefined || isCritical(pod)) continue;
      const why = { message, low: false, signal: LIMIT_SIGNAL };
      if (await this.#options.evict(pod, why)) evicted = true;
    }
    return evicted;
  }

  async #evictFirst(lowest: Met, signal: AbortSignal): Promise<void> {
    const resource = resourceOf(lowest.signal);
    const found: (Candidate & { pod: Pod; gluttons: Glutton[] })[] = [];
    for (const pod of this.#options.pods()) {
      if (isCritical(pod)) continue;
      const usage = await this.#options.usage(pod, signal);
      found.push({
        uid: pod.metadata?.uid ?? "",
        pod,
        priority: pod.spec?.priority ?? 0,
        usage: usageOf(resource, pod, usage),
        request: Number(podRequests(pod).get(resource) ?? 0n),
        gluttons: gluttonsOf(resource, pod, usage),
      });
    }
    const { podGraceMsMax = 0 } = this.#options.rules;
    const gently = lowest.severity === "soft" ? { graceMsMax: podGraceMsMax } : {};
    for (const { pod, gluttons } of rank(found)) {
      const message = lowMessage(lowest, gluttons);
      const why = { message, low: true, signal: lowest.signal, ...gently };
      if (await this.#options.evict(pod, why)) return;
    }
    log.warn("The node is short of {resource}, and has no pod to evict", { resource });
  }
}

type Resource = ReturnType<typeof resourceOf>;

function isOfDisk({ signal }: Met): boolean {
  const resource = resourceOf(signal);
  return resource === "ephemeral-storage" || resource === "inodes";
}

function usageOf(resource: Resource, pod: Pod, usage: PodUsage): number | undefined {
  if (resource === "memory") return memoryBytes(usage);
  if (resource === "pids") return usage.pids;
  // More than anybody can count: nobody has more.
  if (!usage.disk.whole) return Infinity;
  return resource === "inodes" ? usage.disk.inodes : diskBytes(pod, usage.disk);
}

function memoryBytes({ memory, memoryVolumes: { bytes, whole } }: PodUsage): number | undefined {
  const known = [...memory.values()].filter((bytes) => bytes !== undefined);
  if (memory.size > 0 && known.length === 0) return undefined;
  return whole ? known.reduce((one, other) => one + other, bytes) : Infinity;
}

function gluttonsOf(resource: Resource, { spec }: Pod, { disk, memory }: PodUsage): Glutton[] {
  if (resource === "inodes" || resource === "pids") return [];
  const used = resource === "memory" ? memory : disk.containers;
  return (spec?.containers ?? []).flatMap(({ name, resources }) => {
    const usage = used.get(name);
    const request = Number(amountsOf(resources?.requests).get(resource) ?? 0n);
    return usage !== undefined && usage > request ? [{ name, usage, request }] : [];
  });
}

/** Measuring costs a walk through all files, so only those are measured that have a limit. */
function hasDiskLimit({ spec }: Pod): boolean {
  return (spec?.containers ?? []).some(({ resources }) =>
    resources?.limits?.["ephemeral-storage"] !== undefined
  );
}
