/**
 * The Services and EndpointSlices of the cluster, in memory.
 *
 * @module
 */
import type { EndpointSlice, Service } from "../../api/types.ts";
import { keyOf, readService, readSlice, type ServiceEntry, type SliceEntry } from "./entries.ts";

/** More Services than a cluster is built for (10,000). Those beyond are not known here. */
export const SERVICES_MAX = 50_000;
/** As many slices, of up to 1,000 endpoints, usually 100. */
export const SLICES_MAX = 50_000;
/** As many endpoints: what a cluster can have pods (150,000) three times. */
export const ENDPOINTS_MAX = 500_000;
/** Texts that many endpoints share, as nodes' names. */
const SHARED_TEXTS_MAX = 20_000;

/** Which of the two lists are known. */
export type TablePart = "services" | "slices";

/** Keeps what was last heard. */
export class ServiceTable {
  readonly #services = new Map<string, ServiceEntry>();
  /** By each address that leads to a Service; external ones may lead to several. */
  readonly #byIp = new Map<string, Set<ServiceEntry>>();
  /** By `tcp/30080`. */
  readonly #byNodePort = new Map<string, ServiceEntry>();
  /** How many Services each namespace has. */
  readonly #namespaces = new Map<string, number>();
  readonly #slices = new Map<string, SliceEntry>();
  readonly #slicesOf = new Map<string, Set<SliceEntry>>();
  /** Slices of headless Services by the addresses in them: who is asked "whose address is this?". */
  readonly #headless = new Map<string, Set<SliceEntry>>();
  readonly #known = new Set<TablePart>();
  readonly #texts = new Map<string, string>();
  #endpoints = 0;
  #left = 0;

  /** True once there was a whole list. */
  knows(part: TablePart): boolean {
    return this.#known.has(part);
  }

  /** What is kept, and how often something was left out because there was too much of it. */
  get sizes(): { services: number; slices: number; endpoints: number; leftOut: number } {
    return {
      services: this.#services.size,
      slices: this.#slices.size,
      endpoints: this.#endpoints,
      leftOut: this.#left,
    };
  }

  /** A Service by namespace and name. */
  service(namespace: string, name: string): ServiceEntry | undefined {
    return this.#services.get(keyOf({ namespace, name }));
  }

  /** The Services that have this address: one, or several that share an external one. */
  withIp(ip: string): readonly ServiceEntry[] {
    return [...this.#byIp.get(ip) ?? []];
  }

  /** The Service that has this port on every node. */
  withNodePort(protocol: string, port: number): ServiceEntry | undefined {
    return this.#byNodePort.get(`${protocol}/${port}`);
  }

  /** The slices of a Service. */
  slicesOf(service: ServiceEntry): Iterable<SliceEntry> {
    return this.#slicesOf.get(keyOf(service)) ?? [];
  }

  /** The slices of headless Services in which this address is. */
  headlessWith(ip: string): Iterable<SliceEntry> {
    return this.#headless.get(ip) ?? [];
  }

  /** True if there is a Service in this namespace. */
  hasNamespace(namespace: string): boolean {
    return this.#namespaces.has(namespace);
  }

  /** These are all Services. */
  syncServices(services: Iterable<Service>): void {
    for (const each of [this.#services, this.#byIp, this.#byNodePort, this.#namespaces]) {
      each.clear();
    }
    this.#known.add("services");
    for (const service of services) this.applyService(service);
  }

  /** A Service is new, or has changed. */
  applyService(service: Service): void {
    this.deleteService(service);
    if (this.#services.size >= SERVICES_MAX) {
      this.#left++;
      return;
    }
    const entry = readService(service);
    this.#services.set(keyOf(entry), entry);
    this.#namespaces.set(entry.namespace, (this.#namespaces.get(entry.namespace) ?? 0) + 1);
    for (const ip of ipsOf(entry)) addTo(this.#byIp, ip, entry);
    for (const port of nodePortsOf(entry)) this.#byNodePort.set(port, entry);
  }

  /** A Service is gone. */
  deleteService({ metadata = {} }: Service): void {
    const entry = this.#services.get(keyOf(metadata));
    if (entry === undefined) return;
    this.#services.delete(keyOf(entry));
    const others = (this.#namespaces.get(entry.namespace) ?? 0) - 1;
    if (others > 0) this.#namespaces.set(entry.namespace, others);
    else this.#namespaces.delete(entry.namespace);
    for (const ip of ipsOf(entry)) takeFrom(this.#byIp, ip, entry);
    for (const port of nodePortsOf(entry)) {
      // It may have gone over to another Service before we heard of this one's end.
      if (this.#byNodePort.get(port) === entry) this.#byNodePort.delete(port);
    }
  }

  /** These are all EndpointSlices. */
  syncSlices(slices: Iterable<EndpointSlice>): void {
    for (const each of [this.#slices, this.#slicesOf, this.#headless, this.#texts]) each.clear();
    this.#endpoints = 0;
    this.#known.add("slices");
    for (const slice of slices) this.applySlice(slice);
  }

  /** An EndpointSlice is new, or has changed. */
  applySlice(slice: EndpointSlice): void {
    this.deleteSlice(slice);
    const entry = readSlice(slice, (text) => this.#share(text));
    if (entry === undefined) return;
    const endpoints = this.#endpoints + entry.endpoints.length;
    if (this.#slices.size >= SLICES_MAX || endpoints > ENDPOINTS_MAX) {
      this.#left++;
      return;
    }
    this.#endpoints = endpoints;
    this.#slices.set(keyOf(slice.metadata ?? {}), entry);
    addTo(this.#slicesOf, entry.service, entry);
    if (!entry.headless) return;
    for (const { ip } of entry.endpoints) addTo(this.#headless, ip, entry);
  }

  /** An EndpointSlice is gone. */
  deleteSlice({ metadata = {} }: EndpointSlice): void {
    const entry = this.#slices.get(keyOf(metadata));
    if (entry === undefined) return;
    this.#slices.delete(keyOf(metadata));
    this.#endpoints -= entry.endpoints.length;
    takeFrom(this.#slicesOf, entry.service, entry);
    if (!entry.headless) return;
    for (const { ip } of entry.endpoints) takeFrom(this.#headless, ip, entry);
  }

  #share(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= SHARED_TEXTS_MAX) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }
}

function ipsOf({ clusterIPs, otherIPs }: ServiceEntry): Set<string> {
  return new Set([...clusterIPs, ...otherIPs]);
}

function nodePortsOf({ ports }: ServiceEntry): string[] {
  return ports.filter(({ nodePort }) => nodePort > 0)
    .map(({ protocol, nodePort }) => `${protocol}/${nodePort}`);
}

function addTo<Key, Value>(map: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, new Set([value]));
  else values.add(value);
}

function takeFrom<Key, Value>(map: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const values = map.get(key);
  values?.delete(value);
  if (values?.size === 0) map.delete(key);
}
