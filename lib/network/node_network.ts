/**
 * The networks of all pods of a node.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { isKubeletError, KubeletError, messageOf } from "../errors.ts";
import type { GuestNetwork } from "../guest_network.ts";
import type { PodConnection, PodNetworks } from "../pod_networks.ts";
import { dialPod } from "./dial.ts";
import { isTaken, LocalAddresses } from "./local_ports.ts";
import { machineNames } from "./machine_names.ts";
import type { HostList, NetworkParts, PlaceKeeper, PlaceOfPod } from "./parts.ts";
import { isOfNode, PodNetwork } from "./pod_network.ts";

/** What {@linkcode NodeNetwork} is made of. */
export interface NodeNetworkOptions {
  readonly addresses: PlaceKeeper;
  /** Names are the machine's own, if nobody knows others. */
  readonly parts: Partial<Omit<NetworkParts, "isPod">> & Pick<NetworkParts, "tell">;
  /** The addresses of pods with `hostNetwork`. */
  readonly nodeIPs: readonly string[];
  /** The newest version of a pod. @default {the one that took its place} */
  readonly newest?: (uid: string) => Pod | undefined;
  /** Opens the pod's ports of the node, until it is disposed of. @default {they stay closed} */
  readonly openHostPorts?: (pod: Pod, place: PlaceOfPod) => Promise<AsyncDisposable>;
  /** @default {there is no such file} */
  readonly resolvConf?: (pod: Pod) => Promise<string | undefined> | string | undefined;
  /** What the names of pods end in. @default {cluster.local} */
  readonly clusterDomain?: string;
}

/** The last words of a pod that has ended may still be on their way. */
const NOWHERE: HostList = { mayResolve: () => false, learned: () => {}, mayReach: () => false };

/** A pod that has its place. */
interface Seat {
  readonly network: PodNetwork;
  readonly hostPorts: AsyncDisposable | undefined;
}

/** Gives each pod its place, and keeps what its guests are answered from. */
export class NodeNetwork implements PodNetworks, AsyncDisposable {
  readonly #options: NodeNetworkOptions;
  readonly #local = new LocalAddresses();
  readonly #seats = new Map<string, Seat>();

  constructor(options: NodeNetworkOptions) {
    this.#options = options;
  }

  async take(pod: Pod, signal: AbortSignal): Promise<void> {
    const uid = pod.metadata?.uid ?? "";
    if (this.#seats.has(uid)) return;
    const { addresses, nodeIPs, openHostPorts, newest, parts } = this.#options;
    const place = isOfNode(pod)
      ? { podIPs: nodeIPs, loopback: undefined, own: false }
      : await addresses.take(uid, signal).catch((error) => {
        signal.throwIfAborted();
        throw asNetworkError(error);
      });
    signal.throwIfAborted();
    const network = new PodNetwork({
      pod: () => newest?.(uid) ?? pod,
      place,
      parts: {
        names: machineNames,
        isNode: (ip) => this.#local.isNode(ip),
        isNear: (ip) => this.#local.isNear(ip),
        isTaken,
        ...parts,
        isPod: (ip) => addresses.find(ip) !== undefined && !addresses.isStandIn(ip),
      },
    });
    // A program on the node's own address has the port already.
    const hostPorts = isOfNode(pod) ? undefined : await openHostPorts?.(pod, place);
    this.#seats.set(uid, { network, hostPorts });
  }

  update(pod: Pod): void {
    this.#seats.get(pod.metadata?.uid ?? "")?.network.update(pod);
  }

  podIPs(uid: string): readonly string[] | undefined {
    return this.#seats.get(uid)?.network.podIPs;
  }

  /** The hosts that a pod limits itself to; `undefined` for one that does not. Who has no place may reach none. */
  hosts(uid: string): HostList | undefined {
    const seat = this.#seats.get(uid);
    return seat === undefined ? NOWHERE : seat.network.hosts;
  }

  /** The node's server for names has refused to look up one for a pod: that is told, and counted. */
  refusedName(
    uid: string,
    { name, reason }: { readonly name: string; readonly reason: "allowed-hosts" | "policy" },
  ): void {
    this.#seats.get(uid)?.network.refusedName(name, reason);
  }

  guest(uid: string, container: string): GuestNetwork | undefined {
    return this.#seats.get(uid)?.network.guest(container);
  }

  dial(uid: string, port: number, signal: AbortSignal): Promise<PodConnection> {
    return dialPod(this.#seats.get(uid)?.network.placesOf(port) ?? [], { port, signal });
  }

  get clusterDomain(): string | undefined {
    return this.#options.clusterDomain;
  }

  async resolvConf(pod: Pod): Promise<string | undefined> {
    return await this.#options.resolvConf?.(pod);
  }

  async release(uid: string): Promise<void> {
    const seat = this.#seats.get(uid);
    this.#seats.delete(uid);
    try {
      // First: what still comes by them is judged as the pod's.
      await seat?.hostPorts?.[Symbol.asyncDispose]();
    } finally {
      seat?.network[Symbol.dispose]();
      await this.#options.addresses.release(uid);
    }
  }

  /** Closes what is open for pods. They keep their addresses for the next agent. */
  async [Symbol.asyncDispose](): Promise<void> {
    const seats = [...this.#seats.values()];
    this.#seats.clear();
    for (const { network } of seats) network[Symbol.dispose]();
    await Promise.all(seats.map(({ hostPorts }) => hostPorts?.[Symbol.asyncDispose]()));
  }

  async releaseOthers(isKnown: (uid: string) => boolean): Promise<void> {
    const { addresses } = this.#options;
    for (const uid of [...addresses.uids]) if (!isKnown(uid)) await this.release(uid);
  }
}

function asNetworkError(error: unknown): KubeletError {
  if (isKubeletError(error, "network")) return error;
  return new KubeletError("network", `Cannot give the pod an address: ${messageOf(error)}`, {
    cause: error,
  });
}
