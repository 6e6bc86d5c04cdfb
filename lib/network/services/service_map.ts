/**
 * Where a connection to a Service goes: what kube-proxy does on other nodes.
 *
 * @module
 */
import { isIPv6 } from "node:net";
import type { Endpoint, TransportProtocol } from "../../guest_network.ts";
import { Affinities } from "./affinity.ts";
import { candidates, isAmong, type NodePlace } from "./choose.ts";
import { keyOf, type PortEntry, type ServiceEntry } from "./entries.ts";
import type { ServiceTable } from "./table.ts";

/** Leads connections. */
export interface ServiceMap {
  /**
   * Where a connection to this address and port goes: `undefined` if it is no Service's, `refused` if
   * nobody serves there. Each answer may differ from the one before.
   */
  destination(
    to: Endpoint,
    protocol: TransportProtocol,
    from: ServiceClient,
  ): Endpoint | "refused" | undefined;
}

/** Who connects. */
export interface ServiceClient {
  /** The pod's address. */
  readonly podIP: string;
  /** The socket's own port, so that packets from two sockets are told apart. @default {all are one} */
  readonly port?: number;
}

/** What leading depends on; clock and chance are for tests. */
export interface ServiceRouterOptions {
  /** What is known of the cluster. */
  readonly table: ServiceTable;
  /** Where this node is; asked each time. */
  readonly node: () => NodePlace;
  /**
   * Where the API server is, for nodes that may not see the endpoints of `default/kubernetes`.
   * @default {nobody knows}
   */
  readonly apiServer?: Endpoint | undefined;
  /** Milliseconds of a clock that never goes back. @default {performance.now} */
  readonly now?: () => number;
  /** In [0, 1). @default {Math.random} */
  readonly random?: () => number;
}

/** Packets of one socket go to one endpoint until none has gone for so long, as connection tracking does. */
export const UDP_FLOW_MS = 120_000;

/** How somebody came to a Service. */
interface Way {
  readonly service: ServiceEntry;
  readonly port: PortEntry;
  /** By its own address inside of the cluster. */
  readonly inside: boolean;
}

/** Leads connections by what a {@linkcode ServiceTable} knows. */
export class ServiceRouter implements ServiceMap {
  readonly #options: ServiceRouterOptions;
  readonly #affinities = new Affinities();

  constructor(options: ServiceRouterOptions) {
    this.#options = options;
  }

  /** See {@linkcode ServiceMap}. `to.ip` is a normal text. */
  destination(
    to: Endpoint,
    protocol: TransportProtocol,
    from: ServiceClient,
  ): Endpoint | "refused" | undefined {
    const way = this.#wayTo(to, protocol, from);
    if (way === undefined || way === "refused") return way;
    const { table, apiServer } = this.#options;
    // Without a list of endpoints another proxy of this machine may know more than we do.
    if (!table.knows("slices")) return isApi(way.service) ? apiServer : undefined;
    return this.#choose(way, to, from) ?? "refused";
  }

  #wayTo(
    to: Endpoint,
    protocol: TransportProtocol,
    from: ServiceClient,
  ): Way | "refused" | undefined {
    const { table, node } = this.#options;
    const isOwn = ({ clusterIPs }: ServiceEntry): boolean => clusterIPs.includes(to.ip);
    const all = table.withIp(to.ip).filter(({ othersLead }) => !othersLead);
    // Whoever names another Service's address as an external one of its own does not come before it.
    const services = [...all.filter(isOwn), ...all.filter((service) => !isOwn(service))];
    const isPort = (one: PortEntry): boolean => one.port === to.port && one.protocol === protocol;
    for (const service of services) {
      const port = service.ports.find(isPort);
      const inside = isOwn(service);
      if (port === undefined) continue;
      return inside || lets(service, to, from) ? { service, port, inside } : "refused";
    }
    // Ports of other addresses may be somebody else's; those of the Service's own are nobody's.
    if (services.some(isOwn)) return "refused";
    const service = table.withNodePort(protocol, to.port);
    if (service === undefined || service.othersLead || !node().ips.includes(to.ip)) {
      return undefined;
    }
    const port = service.ports.find((one) => one.nodePort === to.port && one.protocol === protocol);
    return port && { service, port, inside: false };
  }

  #choose({ service, port, inside }: Way, to: Endpoint, from: ServiceClient): Endpoint | undefined {
    const { table, node, now = () => performance.now(), random = Math.random } = this.#options;
    const found = candidates(table.slicesOf(service), {
      port,
      family: isIPv6(to.ip) ? 6 : 4,
      localOnly: inside && service.localOnly,
      node: node(),
    });
    if (found.length === 0) return undefined;
    const keptMs = service.affinityMs ?? (port.protocol === "udp" ? UDP_FLOW_MS : 0);
    const { ip, port: number } = found[Math.floor(random() * found.length)]!;
    if (keptMs === 0) return { ip, port: number };
    // A client comes back to its endpoint by whichever address, but for each port of its own.
    const socket = service.affinityMs === undefined ? `${from.port ?? ""} ${to.ip}` : "";
    const client = `${from.podIP} ${keyOf(service)} ${port.protocol}/${port.port} ${socket}`;
    const last = this.#affinities.last(client, now());
    const endpoint = last !== undefined && isAmong(found, last) ? last : { ip, port: number };
    this.#affinities.keep(client, { endpoint, untilMs: now() + keptMs });
    return endpoint;
  }
}

/** A load balancer may let in only some. */
function lets({ sources, balancerIPs }: ServiceEntry, to: Endpoint, from: ServiceClient): boolean {
  if (sources === undefined || !balancerIPs.includes(to.ip)) return true;
  return sources.check(from.podIP, isIPv6(from.podIP) ? "ipv6" : "ipv4");
}

function isApi({ namespace, name }: ServiceEntry): boolean {
  return namespace === "default" && name === "kubernetes";
}
