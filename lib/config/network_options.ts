/**
 * The options of the pods' network.
 *
 * @module
 */
import { isIPv6 } from "node:net";
import { splitList } from "./names.ts";
import * as kinds from "./kinds.ts";
import { defineOptions, type Kind, type OptionValues } from "./option.ts";

/** At most one range of each family, as `10.244.1.0/24,fd00:1::/64`. */
export const podCidrs: Kind<readonly string[]> = {
  ...kinds.list,
  placeholder: "CIDR,…",
  allowed: "a comma list of an IPv4 range, an IPv6 range or both (in the file an array of texts)",
  fromText: (value) => check(splitList(value)),
  fromJson: (value) => check(kinds.list.fromJson(value)),
  join: (earlier, later) => check([...earlier, ...later]),
};

/** Where pods have their addresses. */
export const NETWORK_OPTIONS = defineOptions({
  podNetwork: {
    flag: "pod-network",
    env: "KRUSTLET_POD_NETWORK",
    key: "podNetwork",
    kind: kinds.choice("auto", "anyip", "loopback", "host"),
    default: "auto",
    help: "Where pods have their addresses: in the node's range of the cluster (anyip), in \
127.0.0.0/8 (loopback), or all the node's own (host). By itself the first that works.",
    group: "Node",
  },
  podCidrs: {
    flag: "pod-cidr",
    env: "KRUSTLET_POD_CIDR",
    key: "podCIDR",
    kind: podCidrs,
    defaultText: "the node's spec.podCIDRs",
    help: "Range of the pods' addresses, one of each family at most.",
    group: "Node",
  },
  clusterCidrs: {
    flag: "cluster-cidr",
    env: "KRUSTLET_CLUSTER_CIDR",
    key: "clusterCIDR",
    kind: podCidrs,
    defaultText: "none",
    help: "Range of all pods of the cluster, where the network leads it to their nodes: pods reach \
those of other nodes from their own addresses.",
    group: "Node",
  },
});

/** The pods' network as it was asked for. */
export interface NetworkSettings {
  /** Where pods have their addresses; `auto` is the best that works. Default `auto`. */
  readonly podNetwork: "auto" | "anyip" | "loopback" | "host";
  /** Ranges of their addresses; none means what the cluster says. */
  readonly podCidrs: readonly string[];
  /** Ranges of all pods of the cluster, if packets between them get there and back. Default: none. */
  readonly clusterCidrs: readonly string[];
}

/** The settings that values are. */
export function networkSettings(values: OptionValues<typeof NETWORK_OPTIONS>): NetworkSettings {
  const { podNetwork, podCidrs = [], clusterCidrs = [] } = values;
  return { podNetwork, podCidrs, clusterCidrs };
}

function check(ranges: readonly string[]): readonly string[] {
  for (const range of ranges) {
    const [ip = "", bits = "", ...more] = range.split("/");
    if (more.length > 0 || !/^\d{1,3}$/.test(bits)) {
      throw new RangeError(`"${range}" is no range as 10.244.1.0/24`);
    }
    kinds.ip.fromText(ip);
    if (ip.includes("%") || Number(bits) > (isIPv6(ip) ? 128 : 32)) {
      throw new RangeError(`"${range}" is no range as 10.244.1.0/24`);
    }
  }
  const families = ranges.map((range) => range.includes(":"));
  if (new Set(families).size < families.length) {
    throw new RangeError("there are two ranges of one family");
  }
  return ranges;
}
