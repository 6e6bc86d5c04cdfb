/**
 * What a running container asks of its pod's network, and how it is answered.
 *
 * A guest has no network of its own: whatever it names goes through the backend's host, which asks
 * here. A pod's own address, Services without kube-proxy and network policies are all answers.
 *
 * @module
 */

/** A place on the network: an IP address as text, and a port from 0 to 65,535. */
export interface Endpoint {
  /** As RFC 5952 writes it, or in dotted form. */
  readonly ip: string;
  /** From 0 to 65,535. */
  readonly port: number;
}

/** What a socket carries. */
export type TransportProtocol = "tcp" | "udp";

/** What a guest wants. IPv4 is never dressed up as IPv6 here. */
export type NetworkRequest =
  /**
   * `bind`: take connections or packets at `endpoint` (the address may be `0.0.0.0` or `::`, the port 0).
   * `connect`, `send`: reach it. Who wants to reach `0.0.0.0` is said to want `127.0.0.1`.
   */
  | {
    readonly want: "bind" | "connect" | "send";
    readonly protocol: TransportProtocol;
    readonly endpoint: Endpoint;
  }
  /** Takes a connection, or a packet, that has come from `endpoint` to its own `local`. */
  | {
    readonly want: "accept";
    readonly protocol: TransportProtocol;
    readonly endpoint: Endpoint;
    readonly local: Endpoint;
  }
  /** The addresses of a name, which is no IP address and not `localhost`. */
  | { readonly want: "resolve"; readonly name: string };

/** Why not: what the guest is told, as WASI's errno of that name. */
export type NetworkRefusal =
  /** It is not allowed. */
  | "acces"
  /** The address is taken. */
  | "addrinuse"
  /** The pod has no such address. */
  | "addrnotavail"
  /** Nobody serves there, as at a Service without endpoints. */
  | "connrefused"
  | "hostunreach"
  /** It cannot be told now, and may be later. */
  | "again";

/** What comes of a {@linkcode NetworkRequest}. */
export type NetworkAnswer =
  | { readonly refused: NetworkRefusal }
  /** For all but names: go there, from there. Port 0 of `source` takes any that is free. */
  | { readonly endpoint: Endpoint; readonly source?: Endpoint }
  /** For names: none, if there is no such name. */
  | { readonly addresses: readonly string[] };

/** The network of a pod, as one of its containers has it. The same for all programs in it. */
export interface GuestNetwork {
  /** Answers soon; never rejects. Each answer may differ from the one before. */
  ask(request: NetworkRequest): Promise<NetworkAnswer>;
  /**
   * Where a server finds itself listening already: one for each declared TCP port, in their order. They
   * are for modules that can accept but not bind: descriptors 3, 4, … as `wasmtime --tcplisten` has them.
   */
  readonly listeners: readonly Endpoint[];
  /**
   * The machine's address that stands for the pod's own `127.0.0.1`: where a guest sees an address of a socket, it
   * sees that. @default {the machine's own loopback is the pod's}
   */
  readonly loopback?: string;
  /** False while every peer may come in, so that nobody need ask for `accept`. It changes. */
  readonly guarded: boolean;
  /** Told whenever {@linkcode guarded} has changed, until it is disposed of. */
  onGuardChanged(listener: (guarded: boolean) => void): Disposable;
}
