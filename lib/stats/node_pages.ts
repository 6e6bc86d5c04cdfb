/**
 * Makes the pages of figures out of what is measured.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import type { Family } from "../metrics/family.ts";
import { podFamilies } from "../metrics/pod_families.ts";
import type { Registry } from "../metrics/registry.ts";
import { formatMetrics } from "../metrics/text.ts";
import { cadvisorFamilies } from "./cadvisor_families.ts";
import { type MountedPaths, readClaimedDisks } from "./claimed_disks.ts";
import { readDisk } from "./node_reading.ts";
import type { PodDisks } from "./pod_disks.ts";
import { resourceFamilies } from "./resource_families.ts";
import type { Usage, UsageSampler } from "./sampler.ts";
import { type DiskFacts, summaryOf } from "./summary.ts";
import type { Summary } from "./summary_types.ts";
import { volumeFamilies } from "./volume_families.ts";

/** What the pages are made of. */
export interface NodePagesOptions {
  readonly nodeName: string;
  /** What the agent counts of its own work. */
  readonly registry: Registry;
  /** What containers answered to their probes. */
  readonly probes: Registry;
  readonly sampler: Pick<UsageSampler, "fresh">;
  readonly disks: Pick<PodDisks, "of">;
  /** Where the pods' files are. */
  readonly dataDir: string;
  readonly imagesDir: string;
  /** All pods. */
  pods(): readonly Pod[];
  readonly mounted: MountedPaths;
  /** Bytes that images take. */
  imageBytes(): Promise<number>;
  /** CPU and memory of the agent itself. */
  agent(): Usage;
  /** When machine and agent began, in ms since 1970. */
  readonly bootMs: number;
  readonly agentStartedMs: number;
  /** Processes of the machine; `undefined` if nobody can tell. */
  pids(): Promise<{ readonly now: number; readonly max: number } | undefined>;
  /** CPUs of the machine that the agent may use. */
  readonly cpus: number;
}

/** Somebody's wish for a page of metrics. */
interface Wish {
  readonly accept: string;
}

/** One page, ready to be sent. */
export interface PageText {
  readonly contentType: string;
  readonly body: string;
}

/** The pages. Each can be asked for at any time. */
export class NodePages {
  readonly #options: NodePagesOptions;

  constructor(options: NodePagesOptions) {
    this.#options = options;
  }

  /** `/metrics`: the agent's own work, and the volumes that pods have from claims. */
  async metrics({ accept }: Wish): Promise<PageText> {
    const { registry, pods, mounted } = this.#options;
    const all = pods();
    const claims = await readClaimedDisks(all, mounted);
    const families = [
      ...await registry.families(),
      ...podFamilies(all),
      ...volumeFamilies(all, claims),
    ];
    return formatMetrics(byName(families), accept);
  }

  /** `/metrics/resource`: what containers, pods and node use. */
  async resource({ accept }: Wish): Promise<PageText> {
    const sample = await this.#options.sampler.fresh().catch(() => undefined);
    return formatMetrics(resourceFamilies(sample), accept);
  }

  /** `/metrics/probes`. */
  async probes({ accept }: Wish): Promise<PageText> {
    return formatMetrics(await this.#options.probes.families(), accept);
  }

  /** `/metrics/cadvisor`. */
  async cadvisor({ accept }: Wish): Promise<PageText> {
    const { sampler, disks, cpus } = this.#options;
    const usage = await sampler.fresh();
    const families = cadvisorFamilies({
      usage,
      disks: await disks.of(usage.pods.map(({ pod }) => pod)),
      machine: { cpus, memoryBytes: usage.node.memory.totalBytes },
    });
    return formatMetrics(byName(families), accept);
  }

  /** `/stats/summary`; without disks for whoever asks for CPU and memory alone. */
  async summary({ params }: { readonly params: URLSearchParams }): Promise<PageText> {
    const { sampler, nodeName, bootMs, agentStartedMs, agent, pids } = this.#options;
    const brief = params.get("only_cpu_and_memory") === "true";
    const usage = await sampler.fresh();
    const found = brief ? undefined : await pids();
    const summary: Summary = summaryOf({
      nodeName,
      bootMs,
      agentStartedMs,
      usage,
      agent: agent(),
      ...(brief ? {} : { disks: await this.#disks(usage.pods.map(({ pod }) => pod)) }),
      ...(found === undefined ? {} : { pids: found }),
    });
    return { contentType: "application/json", body: JSON.stringify(summary) };
  }

  async #disks(pods: readonly Pod[]): Promise<DiskFacts> {
    const { disks, dataDir, imagesDir, imageBytes, mounted } = this.#options;
    const [measured, node, disk, usedBytes, claims] = await Promise.all([
      disks.of(pods),
      readDisk(dataDir),
      readDisk(imagesDir),
      imageBytes(),
      readClaimedDisks(pods, mounted),
    ]);
    return { node, images: { disk, usedBytes }, pods: measured, claims };
  }
}

function byName(families: readonly Family[]): Family[] {
  return families.toSorted((one, other) => one.name < other.name ? -1 : 1);
}
