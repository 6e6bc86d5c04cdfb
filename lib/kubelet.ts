/**
 * The node agent: starts node, pods and server, and stops them in the reverse order.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { ClusterObjects } from "./api/cluster_objects.ts";
import { listWatch } from "./api/list_watch.ts";
import { podsPath } from "./api/paths.ts";
import type { Pod, PodPhase } from "./api/types.ts";
import { messageOf } from "./errors.ts";
import { ImageVolumes } from "./container/image_volumes.ts";
import { RunningContainers } from "./container/running.ts";
import { ClusterEventTransport } from "./events/cluster_transport.ts";
import { EventRecorder } from "./events/recorder.ts";
import { EvictionManager } from "./eviction/manager.ts";
import { observe } from "./eviction/observe.ts";
import { Collector } from "./images/collector.ts";
import type { ImageStore } from "./images/images.ts";
import { imagesInUse } from "./images/images_in_use.ts";
import { openImageStore } from "./images/open_store.ts";
import { dataFolders, type KubeletOptions, nodeReference } from "./kubelet_settings.ts";
import { ClusterNetwork } from "./network_parts.ts";
import { capacityOf } from "./node/capacity.ts";
import { readMachineFacts, readMemory, readPids } from "./node/machine.ts";
import { describeImages } from "./node/node_images.ts";
import { NodeKeeper } from "./node/node_keeper.ts";
import { Observation, type Watching } from "./observation.ts";
import { PodLogs } from "./pod/logs.ts";
import { PodManager } from "./pod/manager.ts";
import { removeOrphans, watchOrphans } from "./pod/orphans.ts";
import { RecordStore } from "./pod/record_store.ts";
import { RejectionThrottle } from "./pod/rejection_throttle.ts";
import type { PodServices } from "./pod/services.ts";
import { PodStreams } from "./pod/streams.ts";
import { NODE_SHUTDOWN } from "./pod/shutdown.ts";
import { Ledger } from "./resources/ledger.ts";
import { reviewAccess } from "./server/access_review.ts";
import { followClientCa } from "./server/client_ca.ts";
import { KubeletServer } from "./server/server.ts";
import { reviewTokens } from "./server/token_review.ts";
import { ClusterStatusTransport } from "./status/cluster_transport.ts";
import { qosClass } from "./status/qos.ts";
import { StatusWriter } from "./status/writer.ts";
import { StaticSource } from "./static/static_source.ts";
import { aborted } from "./time.ts";
import { PodVolumes } from "./volumes/volumes.ts";

const log = getLogger(["krustlet", "kubelet"]);

/** Words that are on their way when the agent ends get this long. */
const LAST_WORDS_MS_MAX = 10_000;

/** The UID of a pod that an API server has made. */
const SERVERS_UID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** One node of a cluster. */
export class Kubelet {
  readonly #options: KubeletOptions;
  /** Resolves once all pods of the node are known. */
  readonly #synced = Promise.withResolvers<void>();
  #collector: Collector | undefined;
  #pods: PodManager | undefined;
  #node: NodeKeeper | undefined;
  readonly #statics: StaticSource;
  #eviction: EvictionManager | undefined;
  readonly #observation: Observation;

  /** Nothing happens before {@linkcode run}. */
  constructor(options: KubeletOptions) {
    this.#options = options;
    const { settings, client, provider, version, renewal } = options;
    const { nodeName } = settings;
    this.#observation = new Observation({ nodeName, version, provider, client, renewal });
    this.#statics = new StaticSource({
      path: settings.podManifestPath,
      nodeName: settings.nodeName,
      api: client,
      nodeUid: () => this.#node?.uid,
      onTrouble: (message) => log.warn("{message}", { message }),
    });
  }

  /**
   * Is the node until the signal aborts; then ends the guests within their grace periods, tells the
   * cluster that the node is not ready, and settles. Rejects if the node cannot begin its work.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { settings, client, provider, version } = this.#options;
    const { dataDir } = settings;
    for (const folder of Object.values(dataFolders(dataDir))) {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    }
    await using parts = new AsyncDisposableStack();
    parts.defer(() => provider.close());
    const services = await this.#services(parts);
    const pods = this.#pods = new PodManager(services);
    const collector = this.#collectorFor(pods, services);
    this.#collector = collector;
    const ending = new AbortController();
    const watching = await this.#observe({ pods, services, signal: ending.signal });
    const server = await this.#serve({ pods, services, watching });
    parts.defer(() => server.close());
    const eviction = this.#eviction = this.#evictions({ pods, services, collector, watching });
    const node = this.#node = new NodeKeeper({
      api: client,
      settings,
      backend: provider,
      version,
      port: server.port,
      dataDir,
      statusUpdateMs: settings.nodeStatusUpdateFrequencyMs,
      renewalTrouble: this.#options.renewal && (() => this.#options.renewal?.trouble()),
      shortages: async () => {
        await eviction.look();
        return eviction.shortages;
      },
      images: async () => {
        return describeImages(await services.images.inventory.list(), settings.images.statusMax);
      },
    });
    await this.#statics.start(pods);
    const keeping = node.start(ending.signal);
    const following = this.#statics.run(ending.signal);
    const listing = this.#watchPods(pods, services, ending.signal);
    const renewing = this.#renew(server, services, ending.signal);
    const believing = this.#followClientCa(server, ending.signal);
    const looking = watching.run();
    const networking = services.network.run(ending.signal);
    // Before that it is not known which images are in use, and which pods there are.
    const known = Promise.race([this.#synced.promise, aborted(ending.signal)]);
    const collecting = known.then(() => collector.run(ending.signal));
    const evicting = known.then(() => eviction.run(ending.signal));
    const cleaning = known.then(() => {
      // A static pod may come again under its UID: what it has left goes when an agent starts.
      const isKnown = (uid: string): boolean => !SERVERS_UID.test(uid) || pods.knows(uid);
      return watchOrphans(services, { isKnown, signal: ending.signal });
    });
    void node.ready.then(() => log.info("Node {nodeName} is ready", { ...settings }));
    try {
      await Promise.race([aborted(signal), keeping, listing, networking]);
    } finally {
      await this.#stop({ node, pods, services });
      ending.abort();
      await Promise.allSettled([keeping, listing, following, collecting, evicting, cleaning]);
      await Promise.allSettled([renewing, believing, looking, networking]);
    }
  }

  async #stop(
    { node, pods, services }: { node: NodeKeeper; pods: PodManager; services: ClusterServices },
  ): Promise<void> {
    const { shutdownGracePeriodMs: graceMs, ...settings } = this.#options.settings;
    const ends = settings.shutdownEndsPods && this.#options.isRestart?.() !== true;
    log.info("Stopping: ending all pods within {seconds} s; they {fate}", {
      seconds: graceMs / 1000,
      fate: ends ? "have failed, as the node shuts down" : "stay for the next agent",
    });
    const wishes = {
      criticalGraceMs: settings.shutdownGracePeriodCriticalPodsMs,
      failure: ends ? NODE_SHUTDOWN : undefined,
    };
    await Promise.all([node.shutdown(), pods.shutdown(graceMs, wishes)]);
    const limit = AbortSignal.timeout(LAST_WORDS_MS_MAX);
    await services.status.flushed(limit);
    await services.events.close(limit);
    services.status.close();
  }

  async #services(parts: AsyncDisposableStack): Promise<ClusterServices> {
    const { settings, client, provider } = this.#options;
    const { dataDir, nodeName, nodeIp } = settings;
    const folders = dataFolders(dataDir);
    const capacity = capacityOf(await readMachineFacts(dataDir), settings);
    const facts = {
      nodeName,
      hostIPs: [nodeIp],
      podIPs: [],
      allocatable: capacity.allocatable,
    };
    const warn = (message: string): void => log.warn("{message}", { message });
    const objects = new ClusterObjects(client);
    parts.use(objects);
    const images = await openImageStore({
      dir: folders.images,
      settings: settings.images,
      registries: settings,
      ownDir: dataDir,
      objects,
      localModules: settings.allowLocalModules ? "allowed" : "refused",
      takes: provider.takes,
      onDiskFull: () => this.#collector?.hurry(),
    });
    parts.use(images);
    const events = new EventRecorder({
      transport: new ClusterEventTransport(client),
      nodeName,
      onTrouble: warn,
    });
    const network = new ClusterNetwork({
      client,
      settings,
      events,
      metrics: this.#observation.metrics.network,
      newest: (uid) => this.#pods?.newest(uid),
    });
    parts.use(network);
    return {
      provider,
      network,
      networks: network.networks,
      running: new RunningContainers(),
      images,
      objects,
      hold: (pod) => objects.holdPod(pod),
      onChange: (pod, listener) => objects.subscribePod(pod, listener),
      facts,
      podsDir: folders.pods,
      logsDir: folders.logs,
      observer: this.#observation.containers,
      onState: (key, state) => this.#observation.podState(key, state),
      volumes: new PodVolumes({
        podsDir: folders.pods,
        objects,
        facts,
        images: new ImageVolumes({ images, objects, events }),
      }),
      records: new RecordStore(folders.pods, warn),
      rejections: new RejectionThrottle(),
      ledger: new Ledger(facts.allocatable),
      events,
      turnedAway: (pod) => this.#eviction?.turnedAway(pod),
      status: new StatusWriter({
        transport: this.#statics.transport(new ClusterStatusTransport(client, warn)),
        onTrouble: warn,
        observer: this.#observation.metrics,
      }),
    };
  }

  async #observe(
    { pods, services: { volumes, images }, signal }: {
      readonly pods: PodManager;
      readonly services: ClusterServices;
      readonly signal: AbortSignal;
    },
  ): Promise<Watching> {
    const { settings } = this.#options;
    const { dataDir, shown, enableSystemLogHandler: systemLogs } = settings;
    const { cpuMillis } = await readMachineFacts(dataDir);
    return this.#observation.open({
      pods,
      volumes,
      dataDir,
      folders: dataFolders(dataDir),
      imageBytes: async () => {
        return (await images.inventory.list()).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      },
      ...shown,
      health: { port: settings.healthzPort, address: settings.healthzBindAddress },
      systemLogs,
      cpus: cpuMillis / 1000,
      signal,
    });
  }

  #collectorFor(pods: PodManager, { images, events, volumes }: ClusterServices): Collector {
    const { settings } = this.#options;
    return new Collector({
      inventory: images.inventory,
      policy: settings.images.collection,
      dir: dataFolders(settings.dataDir).images,
      inUse: () => imagesInUse(pods.pods(), volumes.imageIds()),
      onTrouble: (trouble) => {
        events.tell({ ...trouble, object: nodeReference(this.#options.settings), type: "Warning" });
      },
    });
  }

  #evictions(
    { pods, services, collector, watching }: {
      readonly pods: PodManager;
      readonly services: ClusterServices;
      readonly collector: Collector;
      readonly watching: Watching;
    },
  ): EvictionManager {
    const { dataDir, eviction } = this.#options.settings;
    const { images: imagesDir } = dataFolders(dataDir);
    return new EvictionManager({
      rules: eviction,
      observe: async () => {
        const [memory, pids] = await Promise.all([readMemory(), readPids()]);
        return await observe({ memory, pids, dataDir, imagesDir });
      },
      pods: () => pods.pods().filter(({ status }) => hasWork(status?.phase)),
      isBestEffort: (pod) => qosClass(pod) === "BestEffort",
      usage: (pod, signal) => watching.disks.measure(pod, signal),
      reclaimDisk: async (signal) => {
        log.warn("The disk is short of space: removing all images that nobody uses");
        await collector.round(signal, { urgent: true });
      },
      onDiskShort: () => collector.hurry(),
      evict: async (pod, why) => {
        const evicted = await pods.evict(pod.metadata?.uid ?? "", why);
        if (evicted) this.#observation.metrics.evicted(why.signal);
        return evicted;
      },
      tell: (reason, message) => {
        services.events.tell({
          object: nodeReference(this.#options.settings),
          type: "Warning",
          reason,
          message,
        });
      },
    });
  }

  async #serve(
    { pods, services, watching }: {
      readonly pods: PodManager;
      readonly services: ClusterServices;
      readonly watching: Watching;
    },
  ): Promise<KubeletServer & { port: number }> {
    const { settings, client, serving, clientCaPem } = this.#options;
    const server = new KubeletServer({
      nodeName: settings.nodeName,
      address: settings.listenerAddress,
      port: settings.listenerPort,
      ...serving,
      clientCaPem,
      authorize: reviewAccess(client),
      authenticateToken: reviewTokens(client),
      logs: new PodLogs(pods, services.logsDir),
      streams: new PodStreams(pods, services),
      pods: () => pods.pods(),
      pages: watching.pages,
      onRequest: (method, path) => this.#observation.metrics.server.began(method, path),
    });
    const { port } = await server.listen();
    log.info("Listening on {address} port {port}", { address: settings.listenerAddress, port });
    return Object.assign(server, { port });
  }

  async #renew(
    server: KubeletServer,
    { events }: ClusterServices,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#options.renewal?.run({
      serve: (pair) => server.replaceCertificate(pair),
      tell: ({ reason, message }) => {
        log.warn("{message}", { message });
        events.tell({
          object: nodeReference(this.#options.settings),
          type: "Warning",
          reason,
          message,
        });
      },
      inform: (message) => log.info("{message}", { message }),
    }, signal);
  }

  async #followClientCa(server: KubeletServer, signal: AbortSignal): Promise<void> {
    const { clientCaPem, readClientCa } = this.#options;
    if (readClientCa === undefined) return;
    await followClientCa(clientCaPem, {
      read: readClientCa,
      onChange: (pem) => {
        server.replaceCertificate({ clientCaPem: pem });
        log.info("The authorities of client certificates have changed");
      },
      onError: (error) => {
        log.warn(
          "Cannot read whose client certificates to believe, those that were known stay: {error}",
          {
            error: messageOf(error),
          },
        );
      },
      signal,
    });
  }

  async #watchPods(pods: PodManager, services: PodServices, signal: AbortSignal): Promise<void> {
    const { client, settings } = this.#options;
    let first = true;
    const events = listWatch<Pod>(client, {
      path: podsPath(),
      fieldSelector: `spec.nodeName=${settings.nodeName}`,
      signal,
      onError: (error, retryInMs) => {
        log.warn("Cannot watch pods, trying again in {retryInMs} ms: {error}", {
          retryInMs: Math.round(retryInMs),
          error: messageOf(error),
        });
      },
    });
    for await (const event of events) {
      if (event.type === "applied") {
        if (this.#statics.applied(event.object)) continue;
        this.#observation.podSeen(event.object);
        pods.apply(event.object);
      } else if (event.type === "deleted") {
        if (!this.#statics.deleted(event.object)) pods.remove(event.object);
      } else {
        const own = this.#statics.sync(event.items);
        for (const pod of own) this.#observation.podSeen(pod);
        // Those that end need their files as well.
        if (first) await this.#cleanUp([...own, ...pods.pods()], services);
        first = false;
        await pods.sync(own);
        this.#synced.resolve();
      }
    }
  }

  async #cleanUp(pods: readonly Pod[], services: PodServices): Promise<void> {
    try {
      const uids = pods.flatMap(({ metadata }) => metadata?.uid ?? []);
      const known = new Set([...uids, ...this.#statics.uids()]);
      await removeOrphans(services, (uid) => known.has(uid));
    } catch (error) {
      log.warn("Cannot remove what is left of old pods: {error}", { error: messageOf(error) });
    }
  }
}

function hasWork(phase: PodPhase | undefined): boolean {
  return phase !== "Succeeded" && phase !== "Failed";
}

interface ClusterServices extends PodServices {
  readonly network: ClusterNetwork;
  readonly images: ImageStore;
  readonly events: EventRecorder;
  readonly status: StatusWriter;
}
