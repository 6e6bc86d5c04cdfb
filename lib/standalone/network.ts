/**
 * The network of pods with no cluster: addresses of this machine, and names that they know of each other.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import type { Endpoint, TransportProtocol } from "../guest_network.ts";
import { NodeDns } from "../network/dns/node_dns.ts";
import { formatResolvConf } from "../network/dns/resolv_conf.ts";
import { HostPorts } from "../network/host_ports.ts";
import { machineNames } from "../network/machine_names.ts";
import { NodeNetwork } from "../network/node_network.ts";
import { PodAddresses } from "../network/pod_addresses.ts";
import { AllowedHosts } from "../network/policy/allowed_hosts.ts";

/** What {@linkcode standaloneNetwork} needs. */
export interface StandaloneNetworkOptions {
  readonly pods: readonly Pod[];
  /** Shows a line to whoever looks. */
  note(line: string): void;
  readonly signal: AbortSignal;
}

/** The address of all that is this machine's. */
const HOST_IPS: readonly string[] = ["127.0.0.1"];

/** Lines about places: a guest can listen with every port that there is. */
const TOLD_MAX = 100;

/** A network, and the pods as they know each other by it. */
export interface StandaloneNetwork {
  readonly networks: NodeNetwork;
  /** With the names of the others among their `hostAliases`. */
  readonly pods: readonly Pod[];
}

/** Gives the pods of a manifest a network, until the parts are disposed of. */
export async function standaloneNetwork(
  parts: AsyncDisposableStack,
  { pods, note, signal }: StandaloneNetworkOptions,
): Promise<StandaloneNetwork> {
  const addresses = parts.use(
    await PodAddresses.open({ wanted: "auto", hostIPs: HOST_IPS, warn: note, signal }),
  );
  const told = new Set<string>();
  const hostPorts = new HostPorts({
    tell: (_pod, _reason, message) => note(message),
    isOfPods: (ip) => addresses.isOfPods(ip),
  });
  const nodeDns = new NodeDns("/etc/resolv.conf");
  const networks: NodeNetwork = new NodeNetwork({
    addresses,
    nodeIPs: HOST_IPS,
    resolvConf: async () => formatResolvConf(await nodeDns.read()),
    openHostPorts: (pod, place) => hostPorts.open(pod, place),
    parts: {
      hostsOf: (pod) => AllowedHosts.of(pod),
      names: {
        resolve: async (name, asking) => {
          const pod = pods.find(({ metadata }) => metadata?.name === name.toLowerCase());
          return networks.podIPs(pod?.metadata?.uid ?? "") ??
            await machineNames.resolve(name, asking);
        },
      },
      tell: (_pod, { message }) => note(message),
      onListen: (pod, at, protocol) => {
        const line = `pod "${pod.metadata?.name}": listens on ${placeText(at, protocol)}`;
        if (told.size >= TOLD_MAX || told.has(line)) return;
        told.add(line);
        note(line);
      },
    },
  });
  parts.use(networks);
  return { networks, pods: await acquainted(pods, addresses) };
}

/** Those that share the node's address are not told apart by it. */
async function acquainted(pods: readonly Pod[], addresses: PodAddresses): Promise<readonly Pod[]> {
  if (pods.length < 2 || addresses.mode === "host") return pods;
  const aliases = await Promise.all(pods.map(async ({ metadata }) => {
    const { podIPs } = await addresses.take(metadata?.uid ?? "");
    return { name: metadata?.name ?? "", ip: podIPs[0] ?? "" };
  }));
  return pods.map((pod) => {
    const others = aliases.filter(({ name }) => name !== pod.metadata?.name)
      .map(({ name, ip }) => ({ ip, hostnames: [name] }));
    const { hostAliases = [], ...spec } = pod.spec ?? { containers: [] };
    return { ...pod, spec: { ...spec, hostAliases: [...hostAliases, ...others] } };
  });
}

/** As people can use it: who listens by TCP most likely speaks HTTP. */
function placeText({ ip, port }: Endpoint, protocol: TransportProtocol): string {
  const seen = ip === "0.0.0.0" || ip === "::" ? "127.0.0.1" : ip;
  const host = seen.includes(":") ? `[${seen}]` : seen;
  return `${protocol === "tcp" ? "http" : protocol}://${host}:${port}`;
}
