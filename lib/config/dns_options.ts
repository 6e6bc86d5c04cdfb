/**
 * The options of names in pods, as a kubelet calls them.
 *
 * @module
 */
import { resolve } from "node:path";
import * as kinds from "./kinds.ts";
import { splitList } from "./names.ts";
import { defineOptions, type Kind, type OptionValues } from "./option.ts";

/** More servers than these no program asks (resolv.conf(5)). */
const SERVERS_MAX = 3;

/** Addresses of servers for names. */
export const dnsServers: Kind<readonly string[]> = {
  ...kinds.list,
  placeholder: "IP,…",
  allowed: `a comma list of at most ${SERVERS_MAX} IP addresses (in the file an array of texts)`,
  fromText: (value) => check(splitList(value)),
  fromJson: (value) => check(kinds.list.fromJson(value)),
  join: (earlier, later) => check([...earlier, ...later]),
};

/** A file, or none. */
const optionalPath: Kind<string> = {
  ...kinds.path,
  emptyIsValue: true,
  allowed: "a path, or an empty text for a server on this machine",
  fromText: (value) => value === "" ? "" : kinds.path.fromText(value),
  fromJson: (value) => value === "" ? "" : kinds.path.fromJson(value),
};

/** Whom pods ask for names. */
export const DNS_OPTIONS = defineOptions({
  clusterDomain: {
    flag: "cluster-domain",
    env: "KRUSTLET_CLUSTER_DOMAIN",
    key: "clusterDomain",
    kind: kinds.subdomain,
    default: "cluster.local",
    help: "What the names of the cluster's Services end in.",
    group: "Cluster",
  },
  clusterDns: {
    flag: "cluster-dns",
    env: "KRUSTLET_CLUSTER_DNS",
    key: "clusterDNS",
    kind: dnsServers,
    defaultText: "the agent's own server",
    help: "Servers for names that pods are told of, as the address of CoreDNS. They are also asked \
for all that is no name of a Service.",
    group: "Cluster",
  },
  resolvConf: {
    flag: "resolv-conf",
    env: "KRUSTLET_RESOLV_CONF",
    key: "resolvConf",
    kind: optionalPath,
    default: "/etc/resolv.conf",
    help: "File that says whom this machine asks for names, and pods through it.",
    group: "Cluster",
  },
});

/** Whom pods ask for names, as it was said. */
export interface DnsSettings {
  /** What the names of Services end in. Default `cluster.local`. */
  readonly clusterDomain: string;
  /** Servers that pods are told of; none means the agent's own. */
  readonly clusterDns: readonly string[];
  /** Absolute path of a file as resolv.conf(5); empty for a server on this machine. */
  readonly resolvConf: string;
}

/** The settings that values are. */
export function dnsSettings(values: OptionValues<typeof DNS_OPTIONS>): DnsSettings {
  const { clusterDomain, clusterDns = [], resolvConf } = values;
  return { clusterDomain, clusterDns, resolvConf: resolvConf === "" ? "" : resolve(resolvConf) };
}

function check(servers: readonly string[]): readonly string[] {
  for (const server of servers) kinds.ip.fromText(server);
  if (servers.length > SERVERS_MAX) throw new RangeError(`there are ${servers.length} of them`);
  return servers;
}
