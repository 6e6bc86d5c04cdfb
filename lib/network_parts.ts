/**
 * Gathers what the networks of a node's pods are made of: addresses, Services, names and policies.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { ApiClient } from "./api/client.ts";
import type { Pod } from "./api/types.ts";
import { readHosts } from "./container/host_files.ts";
import { podReference } from "./container/places.ts";
import { messageOf } from "./errors.ts";
import type { Endpoint } from "./guest_network.ts";
import type { EventSink } from "./events/happening.ts";
import { type KubeletSettings, nodeReference } from "./kubelet_settings.ts";
import type { NetworkMetrics } from "./metrics/network_metrics.ts";
import { type Dns, openDns } from "./network/dns/open_dns.ts";
import { HostPorts } from "./network/host_ports.ts";
import { isInRanges } from "./network/ip.ts";
import { LatePlaces } from "./network/late_places.ts";
import { machineNames } from "./network/machine_names.ts";
import { NodeNetwork } from "./network/node_network.ts";
import { OwnNode } from "./network/own_node.ts";
import { PodAddresses } from "./network/pod_addresses.ts";
import { AllowedHosts } from "./network/policy/allowed_hosts.ts";
import { DNS_PORT } from "./network/policy/name_servers.ts";
import { NetworkPolicies } from "./network/policy/network_policies.ts";
import { followServices } from "./network/services/follow.ts";
import { ServiceRouter } from "./network/services/service_map.ts";
import { ServiceTable } from "./network/services/table.ts";
import { sleep } from "./time.ts";

const log = getLogger(["krustlet", "network"]);

/** Pods start without Services if nobody has told of them for so long. */
const SERVICES_WAIT_MS_MAX = 5_000;

/** What a {@linkcode ClusterNetwork} is made of. */
export interface ClusterNetworkOptions {
  readonly client: ApiClient;
  readonly settings: Pick<
    KubeletSettings,
    | "nodeName"
    | "nodeIp"
    | "nodeLabels"
    | "dataDir"
    | "podNetwork"
    | "podCidrs"
    | "clusterCidrs"
    | "dns"
  >;
  readonly events: EventSink;
  readonly metrics: NetworkMetrics;
  /** The newest version of a pod. */
  newest(uid: string): Pod | undefined;
}

/** The networks of the pods of a cluster's node. */
export class ClusterNetwork implements AsyncDisposable {
  /** For the pods. Those that come before {@linkcode run} wait. */
  readonly networks: NodeNetwork;
  readonly #options: ClusterNetworkOptions;
  readonly #places = new LatePlaces();
  readonly #policies: NetworkPolicies;
  readonly #services = new ServiceTable();
  readonly #router: ServiceRouter;
  #dns: Dns | undefined;
  readonly #servicesKnown = Promise.withResolvers<void>();

  constructor(options: ClusterNetworkOptions) {
    this.#options = options;
    const { client, settings, events, metrics, newest } = options;
    const { nodeName, nodeIp, nodeLabels, clusterCidrs = [] } = settings;
    this.#policies = new NetworkPolicies(client, {
      isNode: (ip) => ip === nodeIp,
      onTrouble: ({ reason, message }) => this.#warn(reason, message),
    });
    const zone = nodeLabels["topology.kubernetes.io/zone"];
    const services = this.#router = new ServiceRouter({
      table: this.#services,
      node: () => ({ name: nodeName, zone, ips: [nodeIp] }),
    });
    const hostPorts = new HostPorts({
      tell: (pod, reason, message) => {
        events.tell({ object: podReference(pod), type: "Warning", reason, message });
      },
      isOfPods: (ip) => this.#places.isOfPods(ip),
      admits: (question) => {
        return this.#policies.allows({ direction: "ingress", ...question });
      },
    });
    this.networks = new NodeNetwork({
      addresses: this.#places,
      nodeIPs: [nodeIp],
      newest,
      openHostPorts: (pod, place) => hostPorts.open(pod, place),
      resolvConf: (pod) => this.#resolvConf(pod),
      clusterDomain: settings.dns.clusterDomain,
      parts: {
        names: {
          resolve: (name, pod) => (this.#dns?.names ?? machineNames).resolve(name, pod),
        },
        nameserver: (to, protocol) => this.#dns?.nameserver(to, protocol),
        services,
        isRouted: isInRanges(clusterCidrs),
        policy: this.#policies,
        hostsOf: (pod) => AllowedHosts.of(pod),
        tell: (pod, { reason, message }) => {
          events.tell({ object: podReference(pod), type: "Warning", reason, message });
        },
        onAsked: (ask, ms) => metrics.asked(ask, ms),
      },
    });
  }

  /**
   * Keeps everything up to date until the signal aborts. Rejects if this machine does not have the network that
   * was asked for.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { client, settings: { nodeName, podNetwork, podCidrs, nodeIp, dataDir } } = this.#options;
    const own = new OwnNode({ client, nodeName, demanded: podNetwork === "anyip" });
    const following = Promise.all([own.run(signal), this.#follow(signal)]);
    try {
      await using addresses = await PodAddresses.open({
        wanted: podNetwork,
        podCidrs,
        cluster: own,
        hostIPs: [nodeIp],
        path: `${dataDir}/pod_addresses.json`,
        warn: (message) => log.warn("{message}", { message }),
        signal,
      });
      const { mode, ranges, why } = addresses;
      log.info("The network of pods is {mode}: {ranges}{why}", {
        mode,
        ranges: ranges.length > 0 ? `they have addresses of ${ranges}` : "they share the node's",
        why: why.map((reason) => `; ${reason}`).join(""),
      });
      own.annotate(mode, signal);
      await using dns = await this.#openDns(signal);
      this.#dns = dns;
      await Promise.race([this.#servicesKnown.promise, sleep(SERVICES_WAIT_MS_MAX, signal)]);
      this.#places.open(addresses);
      await addresses.run(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      if (signal.aborted) await following;
    }
  }

  /** Closes what is open for pods. Nothing of them runs any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.networks[Symbol.asyncDispose]();
    await this.#policies[Symbol.asyncDispose]();
  }

  async #openDns(signal: AbortSignal): Promise<Dns> {
    const { settings: { dns: config, nodeIp }, newest } = this.#options;
    return await openDns({
      config,
      table: this.#services,
      services: this.#router,
      nodeIp,
      podOf: (ip) => newest(this.#places.find(ip) ?? ""),
      hosts: (pod) => readHosts(pod, this.networks),
      // Who shares the node's loopback is nobody's pod.
      limitsOf: ({ metadata: { uid = "" } = {} }) =>
        uid === "" ? undefined : this.networks.hosts(uid),
      mayAsk: (pod, { ip, isWished }) => {
        const at = ip === undefined ? {} : { at: this.#serverAt(ip) };
        return this.#policies.mayAskNames(pod, { ...at, isWished });
      },
      onRefused: ({ metadata: { uid = "" } = {} }, what) => this.networks.refusedName(uid, what),
      onTrouble: (message) => log.warn("{message}", { message }),
      signal,
    });
  }

  /** Policies hold for the pod behind a Service. */
  #serverAt(ip: string): Endpoint {
    const server = { ip, port: DNS_PORT };
    const podIP = this.#options.settings.nodeIp;
    const found = this.#router.destination(server, "udp", { podIP });
    return found === "refused" ? server : found ?? server;
  }

  async #resolvConf(pod: Pod): Promise<string | undefined> {
    const { events } = this.#options;
    for (const message of await this.#dns?.leftOut(pod) ?? []) {
      events.tell({
        object: podReference(pod),
        type: "Warning",
        reason: "DNSConfigForming",
        message,
      });
    }
    return await this.#dns?.resolvConf(pod);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const table = this.#services;
    await followServices({
      client: this.#options.client,
      table,
      signal,
      onKnown: () => {
        if (table.knows("services") && table.knows("slices")) this.#servicesKnown.resolve();
      },
      onTrouble: ({ part, forbidden, error }) => {
        this.#servicesKnown.resolve();
        const what = part === "services" ? "Services" : "EndpointSlices";
        const message = forbidden
          ? `Cannot watch ${what}: it is forbidden, so pods of this node reach no Service; allow the \
group "system:nodes" to get, list and watch them (docs/networking.md has the role)`
          : `Cannot watch ${what}: ${messageOf(error)}; what is known stays`;
        this.#warn(forbidden ? "ServicesForbidden" : "ServicesUnavailable", message);
      },
    });
  }

  #warn(reason: string, message: string): void {
    log.warn("{message}", { message });
    this.#options.events.tell({
      object: nodeReference(this.#options.settings),
      type: "Warning",
      reason,
      message,
    });
  }
}
