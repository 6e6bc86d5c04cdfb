/**
 * What a pod's network is put together from: others know addresses, Services and policies.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import type { Endpoint, TransportProtocol } from "../guest_network.ts";
import type { PolicyWord, RefusalReason } from "./decide.ts";

/** Where a pod is on the network. */
export interface PlaceOfPod {
  /** The first one is `status.podIP`. */
  readonly podIPs: readonly string[];
  /** What stands for its `127.0.0.1`. @default {the machine's own} */
  readonly loopback: string | undefined;
  /** False if the addresses are the node's own. */
  readonly own: boolean;
}

/** Gives addresses to pods, by UID. */
export interface PlaceKeeper {
  /** The same place for the same pod, until it is released. */
  take(uid: string, signal: AbortSignal): Promise<PlaceOfPod>;
  release(uid: string): Promise<void>;
  /** The pods that have a place. */
  readonly uids: readonly string[];
  /** The pod that has this address, or whose loopback it stands for. */
  find(ip: string): string | undefined;
  /** True for what stands, or may stand, for the loopback of a pod. */
  isStandIn(ip: string): boolean;
  /** True for an address that is, or may become, a pod's; and for every {@linkcode isStandIn}. */
  isOfPods(ip: string): boolean;
}

/** Knows the Services of the cluster. */
export interface ServiceRoutes {
  /** `undefined` if no Service has that address. */
  destination(
    to: Endpoint,
    protocol: TransportProtocol,
    from: { readonly podIP: string },
  ): Endpoint | "refused" | undefined;
}

/** Knows names. */
export interface NameBook {
  /** Empty for a name that nobody has. Rejects if nobody can tell now. */
  resolve(name: string, pod: Pod): Promise<readonly string[]>;
}

/** Knows network policies. */
export interface PolicyRules {
  /** Knows the pod until it is disposed of; `podIPs` are the addresses that it shares with nobody. */
  hold(pod: Pod, podIPs: readonly string[]): Disposable & { update(pod: Pod): void };
  judge(
    question: {
      readonly direction: "ingress" | "egress";
      readonly pod: Pod;
      readonly peer: Endpoint;
      readonly port: number;
      readonly protocol: "TCP" | "UDP" | "SCTP";
    },
  ): PolicyWord;
  /** Whether the node may ask for names that are not the cluster's in the pod's place. @default {always} */
  mayAskNames?(pod: Pod, server: { readonly isWished: boolean }): PolicyWord["verdict"];
  /** True if some policy limits who may come in. */
  isGuarded(pod: Pod): boolean;
  onChange(listener: () => void): Disposable;
}

/** What a pod says itself of the hosts that it may reach. */
export interface HostList {
  mayResolve(name: string): boolean;
  learned(name: string, addresses: readonly string[]): void;
  mayReach(endpoint: Endpoint): boolean;
}

/** One question of a guest, answered. */
export interface ObservedAsk {
  readonly want: "bind" | "connect" | "send" | "accept" | "resolve";
  /** Why it was refused. @default {it was not} */
  readonly reason?: RefusalReason | undefined;
}

/** All of them, shared by the pods of a node. */
export interface NetworkParts {
  /** True for an address that the node has given to a pod. */
  isPod(ip: string): boolean;
  /** True for an address of this machine, and no pod's. */
  isNode(ip: string): boolean;
  /** True if packets from a pod's address get there, and their answers back. */
  isNear(ip: string): boolean;
  /** True for an address of the cluster's pods, that the network leads to and back from. @default {none is} */
  readonly isRouted?: ((ip: string) => boolean) | undefined;
  readonly names: NameBook;
  /** @default {there are none} */
  readonly services?: ServiceRoutes | undefined;
  /** @default {everything is allowed} */
  readonly policy?: PolicyRules | undefined;
  /** What a pod's own list says; `undefined` for one without. @default {no pod has one} */
  readonly hostsOf?: ((pod: Pod) => HostList | undefined) | undefined;
  /** Where the cluster's nameserver really is, if the address means it. @default {nowhere} */
  readonly nameserver?:
    | ((to: Endpoint, protocol: TransportProtocol) => Endpoint | undefined)
    | undefined;
  /** True if somebody listens there already. */
  readonly isTaken: (at: Endpoint, protocol: TransportProtocol) => Promise<boolean>;
  /** Tells an event of a pod. */
  tell(pod: Pod, event: { readonly reason: string; readonly message: string }): void;
  /** Hears of each question and how long its answer took. @default {nobody does} */
  readonly onAsked?: ((ask: ObservedAsk, ms: number) => void) | undefined;
  /** Told when a pod begins to listen. @default {nobody is} */
  readonly onListen?: ((pod: Pod, at: Endpoint, protocol: TransportProtocol) => void) | undefined;
}
