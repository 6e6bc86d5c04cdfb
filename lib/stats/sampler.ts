/**
 * Looks at what pods and machine use, from time to time and when somebody asks.
 *
 * @module
 */
import type { ContainerStatus, Pod } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import type { Provider, RunUsage } from "../provider.ts";
import { sleep } from "../time.ts";
import type { NodeReading } from "./node_reading.ts";
import { CpuRate } from "./rate.ts";

/** Between two looks: as often as a kubelet looks. */
export const SAMPLE_MS = 10_000;
/** What was seen this short a time ago is good enough for whoever asks. */
export const FRESH_MS = 1_000;
/** Runs that are looked at side by side. */
const LOOKS_MAX = 16;

/** What something used when it was looked at. Nobody could tell what is absent. */
export interface Usage {
  /** When, in ms since 1970. */
  readonly atMs: number;
  /** CPU time since its start. */
  readonly cpuNanos?: number;
  /** Billionths of a CPU, lately. */
  readonly nanoCores?: number;
  readonly memoryBytes?: number;
  readonly residentBytes?: number;
  readonly processes?: number;
}

/** A container that runs. */
export interface ContainerSample extends Usage {
  readonly status: ContainerStatus;
  /** When it was started, in ms since 1970. */
  readonly startedMs: number;
}

/** A pod that has work to do. */
export interface PodSample {
  readonly pod: Pod;
  /** Those that run. */
  readonly containers: readonly ContainerSample[];
  /** All of them together, also CPU time of those that have ended; absent if nobody can tell. */
  readonly total?: Usage;
}

/** One look at everything. */
export interface UsageSample {
  readonly atMs: number;
  readonly node: Usage & { readonly memory: NodeReading["memory"] };
  readonly pods: readonly PodSample[];
}

/** What a {@linkcode UsageSampler} looks at. */
export interface UsageSamplerOptions {
  pods(): readonly Pod[];
  readonly provider: Pick<Provider, "usage">;
  readNode(): Promise<NodeReading>;
  /** Hears how long each look took, in ms. */
  onLook?(ms: number): void;
  /** Hears why a look has failed. */
  onTrouble?(message: string): void;
  /** @default {Date.now} */
  nowMs?(): number;
}

/** What is remembered of a pod between two looks. */
interface PodMemory {
  readonly rate: CpuRate;
  /** CPU time of runs that are over, as far as it was seen. */
  pastNanos: number;
  readonly runs: Map<string, { readonly rate: CpuRate; cpuNanos: number }>;
}

/** Keeps the newest look, and what it takes to tell rates. */
export class UsageSampler {
  readonly #options: UsageSamplerOptions;
  readonly #nodeRate = new CpuRate();
  readonly #memories = new Map<string, PodMemory>();
  #latest: UsageSample | undefined;
  #looking: Promise<UsageSample> | undefined;

  constructor(options: UsageSamplerOptions) {
    this.#options = options;
  }

  /** Looks every {@linkcode SAMPLE_MS} until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    do {
      try {
        await this.#look();
      } catch (error) {
        this.#options.onTrouble?.(messageOf(error));
      }
    } while (await sleep(SAMPLE_MS, signal));
  }

  /** What was seen at most {@linkcode FRESH_MS} ago, or is seen now. Rejects if nothing can be seen. */
  async fresh(): Promise<UsageSample> {
    const latest = this.#latest;
    const ageMs = latest === undefined ? Infinity : this.#nowMs() - latest.atMs;
    return latest !== undefined && ageMs >= 0 && ageMs <= FRESH_MS ? latest : await this.#look();
  }

  /** Those that ask together get the same look. */
  #look(): Promise<UsageSample> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<UsageSample> {
    const { pods, readNode, onLook } = this.#options;
    const beganMs = performance.now();
    const all = pods();
    const uids = new Set(all.map(({ metadata }) => metadata?.uid ?? ""));
    for (const uid of this.#memories.keys()) if (!uids.has(uid)) this.#memories.delete(uid);
    const usages = await this.#usages(all.flatMap(runsOf).map(({ id }) => id));
    const samples = all.map((pod) => this.#podSample(pod, usages));
    const reading = await readNode();
    const atMs = this.#nowMs();
    this.#latest = {
      atMs,
      node: {
        atMs,
        memory: reading.memory,
        memoryBytes: reading.memory.totalBytes - reading.memory.availableBytes,
        ...cpuOf(reading.cpuNanos, atMs, this.#nodeRate),
      },
      pods: samples,
    };
    onLook?.(performance.now() - beganMs);
    return this.#latest;
  }

  async #usages(ids: readonly string[]): Promise<Map<string, RunUsage & { atMs: number }>> {
    const found = new Map<string, RunUsage & { atMs: number }>();
    const waiting = [...ids];
    const worker = async (): Promise<void> => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        const usage = await this.#options.provider.usage?.(id).catch(() => undefined);
        if (usage !== undefined) found.set(id, { ...usage, atMs: this.#nowMs() });
      }
    };
    await Promise.all(Array.from({ length: Math.min(LOOKS_MAX, ids.length) }, worker));
    return found;
  }

  #podSample(pod: Pod, usages: ReadonlyMap<string, RunUsage & { atMs: number }>): PodSample {
    const memory = this.#memoryOf(pod);
    const running = runsOf(pod);
    const ids = new Set(running.map(({ id }) => id));
    for (const [id, run] of memory.runs) {
      if (ids.has(id)) continue;
      memory.pastNanos += run.cpuNanos;
      memory.runs.delete(id);
    }
    const containers = running.map(({ id, status, startedMs }): ContainerSample => {
      const usage = usages.get(id);
      const atMs = usage?.atMs ?? this.#nowMs();
      const { cpuNanos: _, ...rest } = usage ?? {};
      return {
        ...rest,
        ...this.#runCpu(memory, id, { atMs, cpuNanos: usage?.cpuNanos }),
        atMs,
        status,
        startedMs,
      };
    });
    const total = this.#total(memory, containers);
    return { pod, containers, ...(total === undefined ? {} : { total }) };
  }

  #runCpu(
    memory: PodMemory,
    id: string,
    { atMs, cpuNanos }: { readonly atMs: number; readonly cpuNanos: number | undefined },
  ): Pick<Usage, "cpuNanos" | "nanoCores"> {
    if (cpuNanos === undefined) return {};
    let run = memory.runs.get(id);
    if (run === undefined) memory.runs.set(id, run = { rate: new CpuRate(), cpuNanos });
    run.cpuNanos = cpuNanos;
    return cpuOf(cpuNanos, atMs, run.rate);
  }

  #total(memory: PodMemory, containers: readonly ContainerSample[]): Usage | undefined {
    const known = containers.filter(({ memoryBytes, cpuNanos }) =>
      memoryBytes !== undefined || cpuNanos !== undefined
    );
    if (known.length === 0) return undefined;
    const sum = (of: (one: ContainerSample) => number | undefined): number =>
      known.reduce((total, one) => total + (of(one) ?? 0), 0);
    const atMs = Math.max(...known.map((one) => one.atMs));
    const hasCpu = known.some(({ cpuNanos }) => cpuNanos !== undefined);
    return {
      atMs,
      ...(hasCpu
        ? cpuOf(memory.pastNanos + sum(({ cpuNanos }) => cpuNanos), atMs, memory.rate)
        : {}),
      memoryBytes: sum(({ memoryBytes }) => memoryBytes),
      residentBytes: sum(({ residentBytes }) => residentBytes),
      processes: sum(({ processes }) => processes),
    };
  }

  #memoryOf({ metadata }: Pod): PodMemory {
    const uid = metadata?.uid ?? "";
    let memory = this.#memories.get(uid);
    if (memory === undefined) {
      memory = { rate: new CpuRate(), pastNanos: 0, runs: new Map() };
      this.#memories.set(uid, memory);
    }
    return memory;
  }

  #nowMs(): number {
    return this.#options.nowMs?.() ?? Date.now();
  }
}

function cpuOf(
  cpuNanos: number | undefined,
  atMs: number,
  rate: CpuRate,
): Pick<Usage, "cpuNanos" | "nanoCores"> {
  if (cpuNanos === undefined) return {};
  const nanoCores = rate.observe(atMs, cpuNanos);
  return { cpuNanos, ...(nanoCores === undefined ? {} : { nanoCores }) };
}

/** The runs of a pod's containers that are under way. */
function runsOf({ status }: Pod): { id: string; status: ContainerStatus; startedMs: number }[] {
  const all = [
    ...status?.initContainerStatuses ?? [],
    ...status?.containerStatuses ?? [],
    ...status?.ephemeralContainerStatuses ?? [],
  ];
  return all.flatMap((status) => {
    const { containerID, state: { running } } = status;
    if (running === undefined || containerID === undefined) return [];
    const id = containerID.slice(containerID.indexOf("://") + 3);
    return [{ id, status, startedMs: Date.parse(running.startedAt) }];
  });
}
