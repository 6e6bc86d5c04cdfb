/**
 * Gathers what the agent measures and counts, and the pages that show it.
 *
 * @module
 */
import process from "node:process";
import { getLogger } from "@logtape/logtape";
import type { ApiClient } from "./api/client.ts";
import type { Pod } from "./api/types.ts";
import type { CertificateFigures, CertificateRenewal } from "./certificates.ts";
import type { ContainerObserver } from "./container/observer.ts";
import { podUsage } from "./eviction/pod_usage.ts";
import type { Family } from "./metrics/family.ts";
import { KubeletMetrics } from "./metrics/kubelet_metrics.ts";
import { ProbeMetrics } from "./metrics/probe_metrics.ts";
import { readPids } from "./node/machine.ts";
import type { PodManager } from "./pod/manager.ts";
import type { Provider } from "./provider.ts";
import type { Pages } from "./server/pages.ts";
import { serveHealth } from "./server/health_server.ts";
import { disabledLogsPage, systemLogsPage } from "./server/system_logs.ts";
import { configzPage, flagzPage, statuszPage } from "./server/zpages.ts";
import { NodePages } from "./stats/node_pages.ts";
import { readNode } from "./stats/node_reading.ts";
import { PodDisks } from "./stats/pod_disks.ts";
import { type Usage, UsageSampler } from "./stats/sampler.ts";
import type { PodKey } from "./status/writer.ts";
import type { PodVolumes } from "./volumes/volumes.ts";

const log = getLogger(["krustlet", "stats"]);

/** The release whose kubelet the agent follows. */
const EMULATED = "1.36";
/** What `/statusz` says is worth a look. */
const PATHS = ["/configz", "/flagz", "/healthz", "/metrics", "/pods", "/runningpods", "/stats"];

/** What an {@linkcode Observation} begins with. */
export interface ObservationOptions {
  readonly nodeName: string;
  readonly version: string;
  readonly provider: Provider;
  readonly client: ApiClient;
  /** Tells how long the node's certificates live. */
  readonly renewal: Pick<CertificateRenewal, "figures"> | undefined;
}

/** What it needs of the running kubelet. */
export interface Observed {
  readonly pods: PodManager;
  readonly volumes: PodVolumes;
  readonly dataDir: string;
  readonly folders: { readonly pods: string; readonly logs: string; readonly images: string };
  /** Bytes that images take. */
  imageBytes(): Promise<number>;
  /** The configuration by a kubelet's names, and by the agent's flags. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Record<string, string>>;
  /** Where programs of this machine ask how the node is; port 0 is nowhere. */
  readonly health: { readonly port: number; readonly address: string };
  /** Whether the machine's log files are shown. */
  readonly systemLogs: boolean;
  /** CPUs that the agent may use. */
  readonly cpus: number;
  /** Ends all measuring. */
  readonly signal: AbortSignal;
}

/** What follows from it. */
export interface Watching {
  readonly pages: Pages;
  /** What pods have on the disk, for whoever must know. */
  readonly disks: PodDisks;
  /** Looks again and again, and says how the node is, until the signal aborts. Never rejects. */
  run(): Promise<void>;
}

/** Hears what all parts of the agent do. */
export class Observation {
  readonly metrics: KubeletMetrics;
  readonly probes: ProbeMetrics = new ProbeMetrics();
  readonly #options: ObservationOptions;
  readonly #startedMs = Date.now();

  constructor(options: ObservationOptions) {
    this.#options = options;
    const { nodeName, version, client, provider, renewal } = options;
    this.metrics = new KubeletMetrics({ nodeName, version });
    client.onAnswer = (answer) => this.metrics.answered(answer);
    this.metrics.registry.collect(() => providerFamilies(provider));
    if (renewal !== undefined) {
      this.metrics.registry.collect(() => certificateFamilies(renewal.figures()));
    }
  }

  /** For containers and pods. */
  get containers(): ContainerObserver {
    const { metrics, probes } = this;
    return {
      imagePulled: (uid, pull) => metrics.imagePulled(uid, pull),
      containerStarting: (kind) => metrics.containerStarting(kind),
      containerStarted: (kind, ms) => metrics.containerStarted(kind, ms),
      containerNotStarted: (kind, code) => metrics.containerNotStarted(kind, code),
      containerEnded: (kind, end) => metrics.containerEnded(kind, end),
      programRan: (ms, options) => metrics.programRan(ms, options),
      probed: (probe, ms) => probes.probed(probe, ms),
    };
  }

  /** A pod is seen, perhaps again. Only what no agent has begun with counts as made now. */
  podSeen({ metadata, status }: Pod): void {
    const { uid, creationTimestamp } = metadata ?? {};
    if (uid === undefined) return;
    const isNew = creationTimestamp !== undefined && status?.startTime === undefined;
    this.metrics.podSeen(uid, isNew ? Date.parse(creationTimestamp) : undefined);
  }

  /** A pod has entered a state of its life. */
  podState(key: PodKey, state: string): void {
    this.metrics.podState(key.uid, state);
    if (state === "removed") this.probes.forget(key);
  }

  /** Begins to watch what uses the machine. */
  open(observed: Observed): Watching {
    const { provider } = this.#options;
    const { pods, volumes, folders, signal } = observed;
    const onTrouble = (message: string): void => {
      log.warn("Cannot measure what pods use: {message}", { message });
    };
    const memoryFolder = (uid: string): string | undefined => volumes.memoryFolder(uid);
    const places = { podsDir: folders.pods, logsDir: folders.logs, memoryFolder, provider };
    const disks = new PodDisks({
      measure: (pod, signal) => podUsage(pod, { ...places, signal }),
      signal,
      onTrouble,
    });
    const sampler = new UsageSampler({
      pods: () => pods.pods(),
      provider,
      readNode,
      onLook: (ms) => this.metrics.looked(ms),
      onTrouble,
    });
    const run = async (): Promise<void> => {
      await Promise.all([sampler.run(signal), healthOf(observed)]);
    };
    return { pages: this.#pages(observed, { sampler, disks }), disks, run };
  }

  #pages(
    observed: Observed,
    { sampler, disks }: { readonly sampler: UsageSampler; readonly disks: PodDisks },
  ): Pages {
    const { nodeName, version } = this.#options;
    const { pods, dataDir, folders, imageBytes, config, flags, systemLogs, cpus } = observed;
    const startedMs = this.#startedMs;
    const pages = new NodePages({
      nodeName,
      registry: this.metrics.registry,
      probes: this.probes.registry,
      sampler,
      disks,
      dataDir,
      imagesDir: folders.images,
      pods: () => pods.pods(),
      mounted: (uid) => pods.mountedOf(uid),
      imageBytes,
      agent: ownUsage,
      bootMs: Date.now() - Deno.osUptime() * 1000,
      agentStartedMs: startedMs,
      pids: async () => {
        const pids = await readPids();
        return pids === undefined ? undefined : { now: pids.running, max: pids.max };
      },
      cpus,
    });
    return {
      metrics: (request) => pages.metrics(request),
      resource: (request) => pages.resource(request),
      probes: (request) => pages.probes(request),
      cadvisor: (request) => pages.cadvisor(request),
      summary: (request) => pages.summary(request),
      configz: () => configzPage(config),
      flagz: ({ accept }) => flagzPage(flags, accept),
      statusz: ({ accept }) => {
        const facts = { startedMs, nowMs: Date.now(), version, emulationVersion: EMULATED };
        return statuszPage({ ...facts, paths: PATHS }, accept);
      },
      logs: systemLogs ? systemLogsPage() : disabledLogsPage,
    };
  }
}

/** The agent's own process. */
function ownUsage(): Usage {
  const { user, system } = process.cpuUsage();
  const { rss } = Deno.memoryUsage();
  return { atMs: Date.now(), cpuNanos: (user + system) * 1000, memoryBytes: rss };
}

function providerFamilies(provider: Provider): Family[] {
  return (provider.figures?.() ?? []).map(({ name, help, value }) => ({
    name: `krustlet_${name}`,
    type: "gauge",
    help,
    samples: [{ labels: {}, value }],
  }));
}

async function healthOf({ health, signal }: Observed): Promise<void> {
  if (health.port === 0) return;
  const onTrouble = (message: string): void => log.warn("{message}", { message });
  await serveHealth({ ...health, signal, onTrouble });
}

function certificateFamilies(figures: CertificateFigures): Family[] {
  const { clientTtlSeconds, clientRenewErrors, serverTtlSeconds, serverRenewErrors } = figures;
  const one = (type: Family["type"], name: string, help: string, value: number): Family => ({
    name: `kubelet_${name}`,
    type,
    help,
    samples: [{ labels: {}, value }],
  });
  const left = (whose: string): string =>
    `Seconds until the ${whose} certificate of the node ends; negative if it has ended, +Inf if \
there is none.`;
  const errors = "Counter of certificate renewal errors.";
  return [
    one("gauge", "certificate_manager_client_ttl_seconds", left("client"), clientTtlSeconds),
    one("gauge", "certificate_manager_server_ttl_seconds", left("serving"), serverTtlSeconds),
    one(
      "counter",
      "certificate_manager_client_expiration_renew_errors",
      errors,
      clientRenewErrors,
    ),
    one("counter", "server_expiration_renew_errors", errors, serverRenewErrors),
  ];
}
