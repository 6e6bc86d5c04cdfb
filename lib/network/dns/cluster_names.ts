/**
 * The names of a cluster: what CoreDNS answers elsewhere (Kubernetes' DNS-based service discovery, version 1.1.0).
 *
 * @module
 */
import { normalizeIp } from "../ip.ts";
import type { EndpointEntry, PortEntry, ServiceEntry, SliceEntry } from "../services/entries.ts";
import type { ServiceTable } from "../services/table.ts";
import { RECORD_TYPE } from "./message.ts";
import { type Labels, lowerLabels, parseName, within } from "./name.ts";
import { ipOfReverse, reverseZone } from "./reverse.ts";
import type { OwnRecord } from "./write_message.ts";

/** What is known of a name. */
export type ClusterAnswer =
  /** It is no name of the cluster. */
  | { readonly kind: "outside" }
  /** It cannot be told: what would tell is not known yet, or may not be seen. */
  | { readonly kind: "unknown" }
  /** There is no such name. */
  | { readonly kind: "none" }
  /** There is such a name; without answers it has nothing of this type. */
  | {
    readonly kind: "found";
    readonly answers: readonly OwnRecord[];
    /** What the asker would ask next. */
    readonly additionals: readonly OwnRecord[];
    /** The name that it stands for, to be looked up in its place. */
    readonly alias?: Labels;
  };

/** What the answer depends on. */
export interface ClusterView {
  readonly table: ServiceTable;
  /** The cluster's own domain, as `cluster.local`. */
  readonly domain: Labels;
}

/** How long answers about the cluster hold, as CoreDNS says. */
export const CLUSTER_TTL_SECONDS = 5;
/** Records of an answer: a message over TCP holds no more addresses. */
export const RECORDS_MAX = 4_096;
/** Slices and endpoints that are looked at for one question: more than a cluster has pods (150,000). */
const LOOKS_MAX = 200_000;
/** Version of the specification that is followed; asked for by `dns-version.<domain>`. */
const SCHEMA_VERSION = "1.1.0";

/** Answers a question of the Internet's class. Touches nothing. */
export function askCluster(
  question: { readonly name: Labels; readonly type: number },
  { table, domain }: ClusterView,
): ClusterAnswer {
  const { name, type } = question;
  const names = new ClusterNames({ table, domain, name, type });
  const rest = within(name, domain);
  if (rest !== undefined) return names.inDomain(lowerLabels(rest));
  return reverseZone(name) === undefined ? { kind: "outside" } : names.reverse();
}

const NONE: ClusterAnswer = { kind: "none" };
const UNKNOWN: ClusterAnswer = { kind: "unknown" };

class ClusterNames {
  readonly #table: ServiceTable;
  readonly #domain: Labels;
  readonly #name: Labels;
  readonly #type: number;
  /** How many are left: users of the cluster say how many endpoints and ports there are. */
  #looks = LOOKS_MAX;

  constructor(
    { table, domain, name, type }: ClusterView & { readonly name: Labels; readonly type: number },
  ) {
    this.#table = table;
    this.#domain = domain;
    this.#name = name;
    this.#type = type;
  }

  inDomain(labels: Labels): ClusterAnswer {
    const kind = labels.at(-1);
    const rest = labels.slice(0, -1);
    if (kind === undefined) {
      return this.#found([{ type: "SOA", negativeSeconds: CLUSTER_TTL_SECONDS }]);
    }
    if (kind === "svc") return this.#inServices(rest);
    if (kind === "pod") return this.#inPods(rest);
    if (kind === "dns-version" && rest.length === 0) {
      return this.#found([{ type: "TXT", text: SCHEMA_VERSION }]);
    }
    return NONE;
  }

  /** Of a Service's address, or of an endpoint of a headless one; others are not the cluster's. */
  reverse(): ClusterAnswer {
    const ip = ipOfReverse(this.#name);
    if (ip === undefined) return { kind: "outside" };
    const services = this.#table.withIp(ip).filter(({ clusterIPs }) => clusterIPs.includes(ip));
    const targets = services.map((service) => this.#nameOf(service));
    for (const slice of this.#table.headlessWith(ip)) {
      const [namespace = "", name = ""] = slice.service.split("/");
      for (const endpoint of slice.endpoints) {
        if (this.#looks-- <= 0 || targets.length >= RECORDS_MAX) break;
        if (endpoint.ip === ip) {
          targets.push([hostnameOf(endpoint), ...this.#nameOf({ namespace, name })]);
        }
      }
    }
    if (targets.length === 0) return { kind: "outside" };
    return this.#found(targets.map((target) => ({ type: "PTR", target })));
  }

  /** `svc.ns`, `host.svc.ns`, `_port._protocol.svc.ns`, and what is on the way to them. */
  #inServices(labels: Labels): ClusterAnswer {
    const [namespace, service, ...more] = labels.toReversed();
    if (!this.#table.knows("services")) return UNKNOWN;
    if (namespace === undefined) return this.#found([]);
    if (service === undefined) return this.#table.hasNamespace(namespace) ? this.#found([]) : NONE;
    const entry = this.#table.service(namespace, service);
    if (entry === undefined) return NONE;
    if (entry.externalName !== undefined) return more.length === 0 ? this.#alias(entry) : NONE;
    if (more.length === 0) return this.#service(entry, entry.ports);
    if ((entry.headless || more.length === 1) && !this.#table.knows("slices")) return UNKNOWN;
    if (more.length === 1) return this.#endpoint(entry, more[0]!);
    const [protocol = "", port = "", ...beyond] = more;
    if (beyond.length > 0) return NONE;
    const named = entry.ports.filter((one) =>
      `_${one.name}` === port && `_${one.protocol}` === protocol
    );
    return named.length === 0 ? NONE : this.#service(entry, named);
  }

  #alias({ externalName = "" }: ServiceEntry): ClusterAnswer {
    const target = parseName(externalName);
    if (target === undefined) return this.#found([]);
    const answers: OwnRecord[] = [{ name: this.#name, type: "CNAME", target }];
    return { kind: "found", answers, additionals: [], alias: target };
  }

  #service(entry: ServiceEntry, ports: readonly PortEntry[]): ClusterAnswer {
    if (!entry.headless) {
      const target = this.#nameOf(entry);
      const found = addressRecords(entry.clusterIPs);
      return this.#found([...found, ...this.#places(ports, () => [target])], [[target, found]]);
    }
    if (!this.#table.knows("slices")) return UNKNOWN;
    const hosts = this.#hosts(entry);
    const all = [...hosts.values()].flat();
    const places = this.#places(
      ports,
      (port) =>
        [...this.#hosts(entry, { port }).keys()].map((host) => [host, ...this.#nameOf(entry)]),
    );
    return this.#found(
      [...addressRecords(all), ...places],
      [...hosts].map(([host, ips]) => [[host, ...this.#nameOf(entry)], addressRecords(ips)]),
    );
  }

  #endpoint(entry: ServiceEntry, host: string): ClusterAnswer {
    const ips = this.#hosts(entry, { host }).get(host);
    return ips === undefined ? NONE : this.#found(addressRecords(ips));
  }

  /** `10-0-0-1.ns`: the address that is in the name. */
  #inPods(labels: Labels): ClusterAnswer {
    const [namespace, dashed, ...more] = labels.toReversed();
    if (namespace === undefined) return this.#found([]);
    if (dashed === undefined) return this.#found([]);
    const ip = normalizeIp(dashed.replaceAll("-", ".")) ?? normalizeIp(dashed.replaceAll("-", ":"));
    return ip === undefined || more.length > 0 ? NONE : this.#found(addressRecords([ip]));
  }

  /** The addresses of a Service's endpoints by their names; only of those that serve a port, or have a name, if given. */
  #hosts(
    entry: ServiceEntry,
    { port, host: only }: { readonly port?: PortEntry; readonly host?: string } = {},
  ): Map<string, string[]> {
    const hosts = new Map<string, Set<string>>();
    let count = 0;
    const serves = (slice: SliceEntry): boolean =>
      port === undefined ||
      slice.ports.some(({ name, protocol }) => name === port.name && protocol === port.protocol);
    for (const slice of this.#table.slicesOf(entry)) {
      if (this.#looks-- <= 0) break;
      for (const endpoint of serves(slice) ? slice.endpoints : []) {
        if (count >= RECORDS_MAX || this.#looks-- <= 0) break;
        if (!endpoint.ready && !entry.publishNotReady) continue;
        const host = hostnameOf(endpoint);
        if (only !== undefined && host !== only) continue;
        count++;
        const known = hosts.get(host);
        if (known === undefined) hosts.set(host, new Set([endpoint.ip]));
        else known.add(endpoint.ip);
      }
    }
    return new Map([...hosts].map(([host, ips]) => [host, [...ips]]));
  }

  /** SRV records: only then the ports are looked at one by one. */
  #places(ports: readonly PortEntry[], targetsOf: (port: PortEntry) => Labels[]): Content[] {
    if (!this.#wants("SRV")) return [];
    const places: Content[] = [];
    for (const port of ports) {
      const targets = targetsOf(port);
      // All are alike: together they have the weight of 100, as CoreDNS shares it.
      const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)));
      for (const target of targets) {
        places.push({ type: "SRV", priority: 0, weight, port: port.port, target });
      }
      if (places.length >= RECORDS_MAX || this.#looks <= 0) break;
    }
    return places.slice(0, RECORDS_MAX);
  }

  #found(
    contents: readonly Content[],
    hosts: readonly (readonly [Labels, readonly Content[]])[] = [],
  ): ClusterAnswer {
    const answers = contents.filter(({ type }) => this.#wants(type))
      .map((content): OwnRecord => ({ ...content, name: this.#name }));
    const additionals = answers.some(({ type }) => type === "SRV")
      ? hosts.flatMap(([name, records]) => records.map((one): OwnRecord => ({ ...one, name })))
      : [];
    return { kind: "found", answers, additionals };
  }

  #wants(type: OwnRecord["type"]): boolean {
    return this.#type === RECORD_TYPE[type] || this.#type === RECORD_TYPE.ANY;
  }

  #nameOf({ namespace, name }: { readonly namespace: string; readonly name: string }): Labels {
    return [name, namespace, "svc", ...this.#domain];
  }
}

type Content = OwnRecord extends infer Each ? Each extends OwnRecord ? Omit<Each, "name"> : never
  : never;

function addressRecords(ips: readonly string[]): Content[] {
  return ips.map((ip) => ({ type: ip.includes(":") ? "AAAA" : "A", ip }));
}

/** An endpoint without a host name is called by its address. */
function hostnameOf({ hostname, ip }: EndpointEntry): string {
  return hostname ?? ip.replace(/[.:]/g, "-");
}
