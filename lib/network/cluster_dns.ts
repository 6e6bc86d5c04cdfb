/**
 * Names for the pods of a cluster's node: for those who ask the host, and for those who ask a server.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import type { Endpoint, TransportProtocol } from "../guest_network.ts";
import { NameFinder } from "./dns/finder.ts";
import { parseName } from "./dns/name.ts";
import { PodNames } from "./dns/names.ts";
import { NodeDns } from "./dns/node_dns.ts";
import { DNS_IP } from "./dns/pod_dns.ts";
import { formatResolvConf } from "./dns/resolv_conf.ts";
import { DnsServer } from "./dns/server.ts";
import { Upstream } from "./dns/upstream.ts";
import { machineNames } from "./machine_names.ts";
import type { NameBook } from "./parts.ts";
import type { ServiceTable } from "./services/table.ts";

/** What names come from. */
export interface ClusterDnsOptions {
  readonly table: ServiceTable;
  /** The cluster's own domain, as `cluster.local`. */
  readonly domain: string;
  /** Servers for names, in the place of the node's own. */
  readonly clusterDns: readonly string[];
  /** File that says what the node asks. */
  readonly resolvConf: string;
  /** Where a server really is, as one that has a Service's address; `undefined` if it cannot be reached now. */
  route(to: Endpoint, protocol: TransportProtocol): Endpoint | undefined;
  /** The pod that has an address. */
  podOf(ip: string): Pod | undefined;
  onTrouble(message: string): void;
  /** Ends all questions. */
  readonly signal: AbortSignal;
}

/** The port of servers for names (RFC 1035). */
const DNS_PORT = 53;

/** Knows names, and serves them. */
export class ClusterDns implements NameBook, AsyncDisposable {
  readonly #finder: NameFinder;
  readonly #names: PodNames;
  readonly #options: ClusterDnsOptions;
  #server: DnsServer | undefined;

  constructor(options: ClusterDnsOptions) {
    this.#options = options;
    const { table, domain, clusterDns, resolvConf, route, signal } = options;
    const lookup = (name: string): Promise<readonly string[]> => machineNames.resolve(name, {});
    this.#finder = new NameFinder({
      table,
      domain: parseName(domain) ?? [],
      clusterDns,
      node: new NodeDns(resolvConf),
      upstream: new Upstream({ route }),
      lookup,
      signal,
    });
    this.#names = new PodNames({ finder: this.#finder, signal });
  }

  /** Serves names until it is disposed of; pods that bring a resolver of their own find nobody before. */
  async listen(): Promise<void> {
    const { podOf, onTrouble } = this.#options;
    this.#server = await DnsServer.open({ finder: this.#finder, podOf, onTrouble });
  }

  resolve(name: string, pod: Pod): Promise<readonly string[]> {
    return this.#names.resolve(name, pod);
  }

  /** Where the server really is that a pod's file names. */
  nameserver({ ip, port }: Endpoint): Endpoint | undefined {
    return ip === DNS_IP && port === DNS_PORT ? this.#server?.endpoint() : undefined;
  }

  /** What a pod finds in `/etc/resolv.conf`. */
  async resolvConf(pod: Pod): Promise<string> {
    return formatResolvConf((await this.#finder.dnsOf(pod)).file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }
}
