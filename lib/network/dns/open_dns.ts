/**
 * Everything that answers questions about names on a node, put together.
 *
 * @module
 */
import type { Pod } from "../../api/types.ts";
import { messageOf } from "../../errors.ts";
import type { Endpoint, TransportProtocol } from "../../guest_network.ts";
import type { ServiceMap } from "../services/service_map.ts";
import type { ServiceTable } from "../services/table.ts";
import { lookUpOnMachine } from "../machine_names.ts";
import type { NameLimits } from "./answers.ts";
import { type DnsSources, NameFinder } from "./finder.ts";
import { parseName } from "./name.ts";
import { type Names, PodNames, type PodNamesOptions } from "./names.ts";
import { NodeDns } from "./node_dns.ts";
import { DNS_IP } from "./pod_dns.ts";
import { formatResolvConf } from "./resolv_conf.ts";
import { DnsServer, type DnsServerOptions } from "./server.ts";
import { Upstream } from "./upstream.ts";

/** What the node was told of names. `KubeletSettings` has it. */
export interface DnsConfig {
  /** As `cluster.local`. */
  readonly clusterDomain: string;
  /** Addresses that pods are told of in the place of the node's own server. */
  readonly clusterDns: readonly string[];
  /** Path of the file that says whom the node asks; empty for a server on the machine itself. */
  readonly resolvConf: string;
}

/** What names come from. */
export interface OpenDnsOptions extends Pick<PodNamesOptions, "hosts"> {
  readonly config: DnsConfig;
  readonly table: ServiceTable;
  readonly services: ServiceMap;
  /** The node's address: whose questions lead to Services. */
  readonly nodeIp: string;
  /**
   * Which pod has this address. Who comes from the node's own loopback, as pods do that have nothing of their own,
   * is answered as a pod of the node's network with `dnsPolicy: ClusterFirstWithHostNet`.
   */
  readonly podOf: (ip: string) => Pod | undefined;
  /** What a pod limits itself to. @default {no pod does} */
  readonly limitsOf?: (pod: Pod) => NameLimits | undefined;
  /** Whether a server may be asked in the pod's place. @default {all may} */
  readonly mayAsk?: DnsSources["mayAsk"];
  /** Told what a pod was not to look up by the server, and why. @default {nobody is} */
  readonly onRefused?: DnsServerOptions["onRefused"];
  /** Told what does not work, and goes on. */
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

/** Answers questions about names. */
export interface Dns extends AsyncDisposable {
  /** For programs that ask the host. */
  readonly names: Names;
  /** Where the server really is that pods know as `169.254.20.10`; undefined for all else. */
  nameserver(to: Endpoint, protocol: TransportProtocol): Endpoint | undefined;
  /** What `/etc/resolv.conf` says in the pod. */
  resolvConf(pod: Pod): Promise<string>;
  /** What of the pod's wishes is left out, in a kubelet's words (Event `DNSConfigForming`). */
  leftOut(pod: Pod): Promise<readonly string[]>;
}

const DNS_PORT = 53;
/** Whoever it is: nobody of the machine can be told from another there, and names are no secret of a node. */
const OF_NODE: Pod = {
  metadata: { name: "", namespace: "", uid: "" },
  spec: { containers: [], hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" },
};

/** Opens the node's own server, and all that it asks. Without a server, names of the host still work. */
export async function openDns(options: OpenDnsOptions): Promise<Dns> {
  const { config, table, services, nodeIp, podOf, limitsOf, onTrouble, signal, hosts } = options;
  const { mayAsk, onRefused } = options;
  const finder = new NameFinder({
    table,
    domain: parseName(config.clusterDomain) ?? ["cluster", "local"],
    clusterDns: config.clusterDns,
    node: new NodeDns(config.resolvConf),
    upstream: new Upstream({ route: routeBy(services, nodeIp) }),
    lookup: lookUpOnMachine,
    mayAsk,
    signal,
  });
  const server = await openServer({
    finder,
    podOf: (ip) => podOf(ip) ?? (ip === "127.0.0.1" ? OF_NODE : undefined),
    onTrouble,
    onRefused,
    ...(limitsOf === undefined ? {} : { limitsOf }),
  });
  return {
    names: new PodNames({ finder, signal, ...(hosts === undefined ? {} : { hosts }) }),
    nameserver: ({ ip, port }) =>
      ip === DNS_IP && port === DNS_PORT ? server?.endpoint(4) : undefined,
    resolvConf: async (pod) => formatResolvConf((await finder.dnsOf(pod)).file),
    leftOut: async (pod) => (await finder.dnsOf(pod)).left,
    async [Symbol.asyncDispose](): Promise<void> {
      await server?.[Symbol.asyncDispose]();
    },
  };
}

/** A server may be a Service itself, as that of `--cluster-dns` is. */
function routeBy(
  services: ServiceMap,
  nodeIp: string,
): (to: Endpoint, protocol: TransportProtocol) => Endpoint | undefined {
  return (to, protocol) => {
    const found = services.destination(to, protocol, { podIP: nodeIp });
    return found === "refused" ? undefined : found ?? to;
  };
}

async function openServer(
  options: Pick<OpenDnsOptions, "podOf" | "limitsOf" | "onRefused" | "onTrouble"> & {
    readonly finder: NameFinder;
  },
): Promise<DnsServer | undefined> {
  try {
    return await DnsServer.open(options);
  } catch (error) {
    options.onTrouble(`${messageOf(error)}; programs with a resolver of their own find no names`);
    return undefined;
  }
}
