/**
 * Runs pods with no cluster: the same pod life, with a terminal in the cluster's place.
 *
 * @module
 */
import { dirname } from "node:path";
import type { ContainerStatus, Pod, PodStatus } from "../api/types.ts";
import { logLines } from "../container/log_lines.ts";
import { ImageVolumes } from "../container/image_volumes.ts";
import { containerLogDir } from "../container/places.ts";
import type { EventSink, Happening } from "../events/happening.ts";
import { openImageStore, type StoreSettings } from "../images/open_store.ts";
import type { RegistrySettings } from "../images/registry_files.ts";
import { Latest } from "../krator/mod.ts";
import { readMachineFacts } from "../node/machine.ts";
import { capacityOf } from "../node/capacity.ts";
import { PodManager } from "../pod/manager.ts";
import { RecordStore } from "../pod/record_store.ts";
import { RejectionThrottle } from "../pod/rejection_throttle.ts";
import type { PodServices, StatusSink } from "../pod/services.ts";
import type { Provider } from "../provider.ts";
import type { PodKey } from "../status/writer.ts";
import { aborted } from "../time.ts";
import { PodVolumes } from "../volumes/volumes.ts";
import { standaloneNetwork } from "./network.ts";
import { containerKey, Display, type Screen } from "./display.ts";
import { EXIT_NOT_STARTED, exitCodeOf, isOver, stuckReason } from "./outcome.ts";
import type { Manifest } from "./manifest.ts";
import { ManifestObjects } from "./manifest_objects.ts";

/** What {@linkcode runStandalone} needs. */
export interface StandaloneOptions {
  /** The pods, and the objects that they name. */
  readonly manifest: Manifest;
  /** Runs the containers; closed by whoever made it. */
  readonly provider: Provider;
  /** Folder for pods and logs; removed by whoever made it. */
  readonly workDir: string;
  /** Folder of the image store, kept between runs. */
  readonly imagesDir: string;
  /** How registries are reached. */
  readonly registries: RegistrySettings;
  /** Where credentials are from, and which images are taken. */
  readonly images: StoreSettings;
  /** Where output and states are shown. */
  readonly screen: Screen;
  /** Aborted when the pods are to end: within their own grace periods, at most `graceMs`. */
  readonly stop: AbortSignal;
  /** The longest grace period of any pod once `stop` has aborted, in ms. */
  readonly graceMs: number;
}

/**
 * Runs all pods of the manifest until they have ended, or until it is told to stop.
 *
 * @returns the exit code: 0 if every container succeeded, else that of the first that failed;
 * {@linkcode EXIT_NOT_STARTED} if a pod could never start.
 */
export async function runStandalone(options: StandaloneOptions): Promise<number> {
  await using parts = new AsyncDisposableStack();
  const run = new StandaloneRun(options);
  const services = await run.services(parts);
  parts.defer(async () => {
    // A folder in memory is not below the work folder, and would stay.
    for (const { metadata } of options.manifest.pods) {
      if (metadata?.uid !== undefined) await services.volumes.unmountAll(metadata.uid);
    }
  });
  return await run.untilOver(new PodManager(services));
}

/** Events of pods that have not begun and wait for something which only a cluster could bring. */
const HOPELESS: ReadonlySet<string> = new Set(["FailedMount", "FailedCreatePodSandBox"]);

class StandaloneRun implements StatusSink, EventSink {
  readonly #options: StandaloneOptions;
  readonly #display: Display;
  #pods: readonly Pod[] = [];
  readonly #statuses = new Map<string, PodStatus>();
  readonly #over = Promise.withResolvers<void>();
  readonly #followed = new Map<string, Promise<void>>();
  readonly #changes = new Latest(0);
  readonly #closed = new AbortController();
  #stuck = false;

  constructor(options: StandaloneOptions) {
    this.#options = options;
    this.#display = new Display(options.screen, options.manifest.pods);
  }

  async services(parts: AsyncDisposableStack): Promise<PodServices> {
    const { manifest, provider, workDir, imagesDir, registries } = this.#options;
    const capacity = capacityOf(await readMachineFacts(workDir), {
      maxPods: manifest.pods.length,
    });
    const facts = {
      nodeName: Deno.hostname(),
      hostIPs: ["127.0.0.1"],
      podIPs: [],
      allocatable: capacity.allocatable,
    };
    const objects = new ManifestObjects(manifest);
    const images = await openImageStore({
      dir: imagesDir,
      settings: this.#options.images,
      registries,
      ownDir: dirname(imagesDir),
      objects,
      localModules: "allowed",
      takes: provider.takes,
    });
    parts.use(images);
    const { networks, pods } = await standaloneNetwork(parts, {
      pods: manifest.pods,
      note: (line) => this.#display.note(line),
      signal: this.#options.stop,
    });
    this.#pods = pods;
    const podsDir = `${workDir}/pods`;
    return {
      networks,
      provider,
      images,
      objects,
      facts,
      podsDir,
      logsDir: `${workDir}/logs`,
      volumes: new PodVolumes({
        podsDir,
        objects,
        facts,
        images: new ImageVolumes({ images, objects, events: this }),
      }),
      records: new RecordStore(podsDir, (message) => this.#display.note(message)),
      rejections: new RejectionThrottle(),
      events: this,
      status: this,
    };
  }

  async untilOver(pods: PodManager): Promise<number> {
    const { manifest, stop, graceMs } = this.#options;
    await pods.sync(this.#pods);
    await Promise.race([this.#over.promise, aborted(stop)]);
    await pods.shutdown(graceMs);
    this.#closed.abort();
    await Promise.all(this.#followed.values());
    this.#display.close();
    if (this.#stuck) return EXIT_NOT_STARTED;
    return exitCodeOf(manifest.pods.map((pod) => this.#statuses.get(pod.metadata?.uid ?? "")));
  }

  say({ uid, name }: PodKey, status: PodStatus): void {
    this.#statuses.set(uid, status);
    this.#changes.set(this.#changes.value + 1);
    this.#display.status(name, status);
    const pod = this.#options.manifest.pods.find(({ metadata }) => metadata?.uid === uid);
    if (pod !== undefined) this.#followNewRuns(pod, status);
    const reason = stuckReason(status);
    if (reason !== undefined) this.#giveUp(`Pod "${name}" cannot start: ${reason}`);
    const { pods } = this.#options.manifest;
    const over = pods.every(({ metadata }) => isOver(this.#statuses.get(metadata?.uid ?? "")));
    if (over) this.#over.resolve();
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  forget(): void {}

  tell({ type, reason, message, object }: Happening): void {
    const { phase } = this.#statuses.get(object.uid ?? "") ?? {};
    if (HOPELESS.has(reason) && phase !== "Running") {
      return this.#giveUp(`Pod "${object.name}": ${message}`);
    }
    if (type === "Warning" || reason === "Pulling") this.#display.note(message);
  }

  #giveUp(text: string): void {
    if (!this.#stuck) this.#display.note(text);
    this.#stuck = true;
    this.#over.resolve();
  }

  #followNewRuns(pod: Pod, status: PodStatus): void {
    const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    for (const { name, restartCount, containerID } of all) {
      if (containerID === undefined || this.#followed.has(containerID)) continue;
      this.#followed.set(containerID, this.#follow(pod, name, restartCount));
    }
  }

  async #follow(pod: Pod, container: string, attempt: number): Promise<void> {
    const key = containerKey(pod.metadata?.name ?? "", container);
    const lines = logLines({
      dir: containerLogDir(`${this.#options.workDir}/logs`, pod, container),
      attempt,
      follow: true,
      ended: this.#ended(pod, container, attempt),
    });
    for await (const { stream, text } of lines) this.#display.line(key, stream, text);
    const status = this.#container(pod, container);
    if (status?.state.terminated !== undefined) {
      this.#display.ended(pod.metadata?.name ?? "", status);
    }
  }

  #container(pod: Pod, name: string): ContainerStatus | undefined {
    const status = this.#statuses.get(pod.metadata?.uid ?? "");
    const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
    return all.find((container) => container.name === name);
  }

  async #ended(pod: Pod, container: string, attempt: number): Promise<void> {
    const hasEnded = (): boolean => {
      const seen = this.#container(pod, container);
      return seen === undefined || seen.restartCount !== attempt ||
        seen.state.terminated !== undefined || seen.state.waiting?.reason === "CrashLoopBackOff";
    };
    while (!hasEnded() && !this.#closed.signal.aborted) {
      await this.#changes.changed(this.#closed.signal);
    }
  }
}
