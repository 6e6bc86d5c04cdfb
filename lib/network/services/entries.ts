/**
 * What is kept of Services and EndpointSlices: as little as leading connections and names needs.
 *
 * @module
 */
import { BlockList, isIPv6 } from "node:net";
import type { EndpointSlice, Service, ServicePort, SliceEndpoint } from "../../api/types.ts";
import { type Cidr, formatIp, inCidr, normalizeIp, parseCidr, parseIp } from "../ip.ts";

/** A Service. */
export interface ServiceEntry {
  readonly namespace: string;
  readonly name: string;
  /** Normal texts; empty for one that is headless or stands for another name. */
  readonly clusterIPs: readonly string[];
  /** Addresses that lead here as well: external ones, and those of a load balancer. */
  readonly otherIPs: readonly string[];
  /** Those among them that a load balancer has given. */
  readonly balancerIPs: readonly string[];
  readonly ports: readonly PortEntry[];
  /** True if names lead to its endpoints, as it has no address. */
  readonly headless: boolean;
  /** Lower case, without a last dot. @default {it stands for no other name} */
  readonly externalName?: string;
  /** Its names lead to endpoints that are not ready, too. */
  readonly publishNotReady: boolean;
  /** Its own addresses lead to endpoints of the same node only. */
  readonly localOnly: boolean;
  /** How long a client comes back to the same endpoint. @default {it need not} */
  readonly affinityMs?: number;
  /** Who may come by its load balancer. @default {everybody} */
  readonly sources?: BlockList;
  /** True if somebody else leads its connections: only its names are ours. */
  readonly othersLead: boolean;
}

/** A port of a Service. */
export interface PortEntry {
  /** Empty for the only one. */
  readonly name: string;
  readonly port: number;
  /** Lower case. */
  readonly protocol: string;
  /** 0 for none. */
  readonly nodePort: number;
}

/** An EndpointSlice. */
export interface SliceEntry {
  /** Of its Service: `<namespace>/<name>`. */
  readonly service: string;
  readonly family: 4 | 6;
  readonly headless: boolean;
  readonly ports: readonly Omit<PortEntry, "nodePort">[];
  readonly endpoints: readonly EndpointEntry[];
}

/** One who serves. */
export interface EndpointEntry {
  readonly ip: string;
  readonly ready: boolean;
  /** It answers, though it may be on its way out. */
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly nodeName?: string;
  /** Lower case. */
  readonly hostname?: string;
  /** Zones that it is meant for. @default {nobody says} */
  readonly zones?: readonly string[];
  /** Nodes that it is meant for. @default {nobody says} */
  readonly nodes?: readonly string[];
}

/** As an API server holds a slice to. */
export const SLICE_ENDPOINTS_MAX = 1_000;
/** As an API server's default. */
const AFFINITY_SECONDS_DEFAULT = 10_800;
const SERVICE_LABEL = "kubernetes.io/service-name";
const HEADLESS_LABEL = "service.kubernetes.io/headless";
const PROXY_LABEL = "service.kubernetes.io/service-proxy-name";

/** `<namespace>/<name>`, by which Services are known. */
export function keyOf(
  { namespace = "", name = "" }: { namespace?: string; name?: string },
): string {
  return `${namespace}/${name}`;
}

/** What is kept of a Service. Touches nothing. */
export function readService({ metadata = {}, spec = {}, status }: Service): ServiceEntry {
  const { namespace = "", name = "", labels = {} } = metadata;
  const { clusterIP = "", externalName, loadBalancerSourceRanges: ranges = [] } = spec;
  const stands = spec.type === "ExternalName";
  const balancerIPs = addresses(
    (status?.loadBalancer?.ingress ?? [])
      .flatMap(({ ip, ipMode }) => ip === undefined || ipMode === "Proxy" ? [] : [ip]),
  );
  return {
    namespace,
    name,
    clusterIPs: stands ? [] : addresses(spec.clusterIPs ?? [clusterIP]),
    otherIPs: stands ? [] : [...new Set([...addresses(spec.externalIPs ?? []), ...balancerIPs])],
    balancerIPs: stands ? [] : balancerIPs,
    ports: (spec.ports ?? []).map(readPort),
    headless: !stands && clusterIP === "None",
    ...(stands && externalName ? { externalName: plainName(externalName) } : {}),
    publishNotReady: spec.publishNotReadyAddresses === true,
    localOnly: spec.internalTrafficPolicy === "Local",
    ...(spec.sessionAffinity === "ClientIP" ? { affinityMs: affinityMs(spec) } : {}),
    ...(ranges.length > 0 ? { sources: readRanges(ranges) } : {}),
    othersLead: labels[PROXY_LABEL] !== undefined,
  };
}

/**
 * What is kept of an EndpointSlice; nothing of one that belongs to no Service or has names in the place
 * of addresses. Touches nothing.
 *
 * @param same gives one text for all equal ones, since thousands of endpoints name a few nodes.
 */
export function readSlice(
  { metadata = {}, addressType, ports, endpoints }: EndpointSlice,
  same: (text: string) => string = (text) => text,
): SliceEntry | undefined {
  const { namespace = "", labels = {} } = metadata;
  const name = labels[SERVICE_LABEL];
  if (name === undefined || (addressType !== "IPv4" && addressType !== "IPv6")) return undefined;
  return {
    service: keyOf({ namespace, name }),
    family: addressType === "IPv4" ? 4 : 6,
    headless: HEADLESS_LABEL in labels,
    // Without a number a port stands for all of them, which only other proxies know what to do with.
    ports: (ports ?? []).flatMap(({ name = "", port, protocol = "TCP" }) =>
      port === undefined || port === null ? [] : [{ name, port, protocol: protocol.toLowerCase() }]
    ),
    endpoints: (endpoints ?? []).slice(0, SLICE_ENDPOINTS_MAX).flatMap((one) =>
      readEndpoint(one, same) ?? []
    ),
  };
}

/**
 * What an API server allows no endpoint: no address, this link's own (where machines have their metadata), groups, and
 * IPv4 dressed up as IPv6. Loopback is left to whoever knows the pods that have addresses there.
 */
const NOBODYS: readonly Cidr[] = [
  ...["0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"],
  ...["::/128", "::ffff:0:0/96", "fe80::/10", "ff00::/8"],
].map((text) => parseCidr(text)!);

function readEndpoint(
  { addresses: all = [], conditions = {}, hostname, nodeName, hints }: SliceEndpoint,
  same: (text: string) => string,
): EndpointEntry | undefined {
  const bytes = parseIp(all[0] ?? "");
  if (bytes === undefined || NOBODYS.some((range) => inCidr(bytes, range))) return undefined;
  const ip = formatIp(bytes);
  const zones = hints?.forZones?.map((zone) => same(zone.name)) ?? [];
  const nodes = hints?.forNodes?.map((node) => same(node.name)) ?? [];
  const ready = conditions.ready ?? true;
  return {
    ip,
    ready,
    serving: conditions.serving ?? ready,
    terminating: conditions.terminating ?? false,
    ...(nodeName ? { nodeName: same(nodeName) } : {}),
    ...(hostname ? { hostname: hostname.toLowerCase() } : {}),
    ...(zones.length > 0 ? { zones } : {}),
    ...(nodes.length > 0 ? { nodes } : {}),
  };
}

function readPort({ name = "", port, protocol = "TCP", nodePort = 0 }: ServicePort): PortEntry {
  return { name, port, protocol: protocol.toLowerCase(), nodePort };
}

function addresses(texts: readonly string[]): string[] {
  return texts.flatMap((text) => normalizeIp(text) ?? []);
}

function affinityMs({ sessionAffinityConfig }: NonNullable<Service["spec"]>): number {
  return (sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS_DEFAULT) * 1_000;
}

/** What is no range lets nobody in. */
function readRanges(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const cidr = parseCidr(range.trim());
    if (cidr === undefined) continue;
    const ip = formatIp(cidr.ip);
    list.addSubnet(ip, cidr.bits, isIPv6(ip) ? "ipv6" : "ipv4");
  }
  return list;
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
