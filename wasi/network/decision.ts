import { ERRNO } from "../errno.ts";
import type { Answer } from "../host/answer.ts";
import type { Family, Protocol, SocketAddress } from "../host/socket.ts";
import { formatIp, type IpAddress, mapIp, parseIp, unmapIp } from "./ip.ts";
import type { NetworkNews } from "./news.ts";

/** A place on the network, as people write it. */
export interface NetworkAddress {
  /** An IP address, or the name that is to be resolved. */
  readonly hostname: string;
  /** From 0 to 65,535. */
  readonly port: number;
}

/** What a guest wants of the network. */
export interface AddressRequest {
  /**
   * `bind`: take packets or connections at this address of the machine's own. `connect`, `send`: reach
   * it. `resolve`: learn a name's addresses. `accept`: take the connection or the packet that has come
   * from it; asked only while {@linkcode NetworkNews} say `guarded`.
   */
  readonly purpose: "bind" | "connect" | "send" | "resolve" | "accept";
  /** Over what; for a name, what it is wanted for. */
  readonly protocol: Protocol;
  /**
   * IPv4 is never dressed up as IPv6 here, and who wants to reach `0.0.0.0` or `::` is said to want to
   * reach the machine itself, as the system takes it. Bound to `::`, a socket takes IPv4 as well.
   */
  readonly address: NetworkAddress;
  /** To `accept`: where it came to. */
  readonly local?: NetworkAddress;
}

/** Why not: the errno of that name, which the guest is told. Without a reason it is `acces`. */
export type AddressRefusal =
  | "acces"
  | "addrinuse"
  | "addrnotavail"
  | "again"
  | "connrefused"
  | "hostunreach"
  | "netdown";

/** No, and why. */
export interface Refused {
  /** The name of the errno. */
  readonly refused: AddressRefusal;
}

/** Yes, no, no with a reason, or yes but elsewhere. To `accept` is never elsewhere. */
export type AddressDecision = boolean | Refused | {
  /** The address to use in place of the one that was asked for. */
  readonly address?: NetworkAddress;
  /** To `connect` or `send` from; port 0 takes any that is free. */
  readonly source?: NetworkAddress;
};

/** At once; as a promise only to a guest that can be suspended, which is one on the portable host. */
export type Soon<Value> = Value | Promise<Value>;

/** Decides on every address that a guest names. It must answer {@linkcode Soon}, and should not throw. */
export type AllowAddress = (request: AddressRequest) => Soon<AddressDecision>;

/** The addresses of a name; empty if it has none. It must answer {@linkcode Soon}, and should not throw. */
export type Lookup = (name: string) => Soon<readonly string[] | Refused>;

/** What a guest may use of the network. */
export interface Network {
  /** Throws `TypeError` for a promise that the guest cannot wait for: the embedder's defect. */
  readonly allow: AllowAddress;
  /** As {@linkcode allow}. */
  readonly lookup: Lookup;
  /** @default {everything that comes in is taken, to the end} */
  readonly news: NetworkNews | undefined;
  /** What the guest sees as `127.0.0.1`. @default {that} */
  readonly loopback: IpAddress | undefined;
}

/**
 * What the options of a guest say about the network; nothing is allowed that they do not mention. Only a guest that
 * `suspends` may be kept waiting for an answer.
 */
export function networkOf(
  options: {
    readonly allowAddress?: AllowAddress;
    readonly lookup?: Lookup;
    readonly networkNews?: NetworkNews;
    readonly loopback?: string;
  },
  { suspends = false } = {},
): Network {
  const { allowAddress: allow = () => false, lookup = () => [] } = options;
  return {
    allow: suspends ? allow : (request) => atOnce(allow(request)),
    lookup: suspends ? lookup : (name) => atOnce(lookup(name)),
    news: options.networkNews,
    loopback: options.loopback === undefined ? undefined : parseIp(options.loopback),
  };
}

/** WebAssembly would take a promise for the errno 0. */
function atOnce<Value>(answer: Soon<Value>): Value {
  if (!(answer instanceof Promise)) return answer;
  throw new TypeError("Cannot wait for a decision about the network: the guest's host blocks");
}

/** The addresses to hand to the system. */
export interface Allowed {
  readonly address: SocketAddress;
  readonly source?: SocketAddress;
  /** The one that was asked for, if it is another one. */
  readonly asked?: SocketAddress;
}

/** What is asked on behalf of a socket. */
export interface SocketRequest {
  readonly purpose: "bind" | "connect" | "send";
  readonly protocol: Protocol;
  readonly family: Family;
  readonly address: SocketAddress;
}

/**
 * Asks for one address; a negated errno if it is refused.
 *
 * Throws `TypeError` for a decision that is no address of the socket's family: the embedder's defect.
 */
export function decideAddress(
  allow: AllowAddress,
  request: SocketRequest,
): Soon<Allowed | Answer> {
  const { purpose, protocol, address } = request;
  const ip = purpose === "bind" ? unmapIp(address.ip) : reached(unmapIp(address.ip));
  const asked: NetworkAddress = { hostname: formatIp(ip), port: address.port };
  const decision = allow({ purpose, protocol, address: asked });
  const about = { asked, ip, family: request.family };
  return decision instanceof Promise ? settle(decision, about) : allowedBy(decision, about);
}

/** What was decided about. */
interface Asked {
  readonly asked: NetworkAddress;
  readonly ip: IpAddress;
  readonly family: Family;
}

async function settle(decision: Promise<AddressDecision>, about: Asked): Promise<Allowed | Answer> {
  return allowedBy(await decision, about);
}

/** What a decision means for the address that was asked for. */
function allowedBy(decision: AddressDecision, { asked, ip, family }: Asked): Allowed | Answer {
  const { port } = asked;
  if (decision === false) return -ERRNO.acces;
  if (decision === true) return { address: { ip: inFamily(ip, family), port } };
  if ("refused" in decision) return -ERRNO[decision.refused];
  return {
    address: toSocketAddress(decision.address ?? asked, family),
    ...(decision.address === undefined ? {} : { asked: { ip, port } }),
    ...(decision.source === undefined ? {} : { source: toSocketAddress(decision.source, family) }),
  };
}

/** Asks whether what has come from a peer may be taken. */
export function decideIncoming(
  allow: AllowAddress,
  { protocol, peer, local }: {
    readonly protocol: Protocol;
    readonly peer: SocketAddress;
    readonly local: SocketAddress;
  },
): Soon<boolean> {
  const decision = allow({
    purpose: "accept",
    protocol,
    address: { hostname: formatIp(unmapIp(peer.ip)), port: peer.port },
    local: { hostname: formatIp(unmapIp(local.ip)), port: local.port },
  });
  return decision instanceof Promise ? decision.then(isYes) : isYes(decision);
}

function isYes(decision: AddressDecision): boolean {
  return typeof decision === "boolean" ? decision : !("refused" in decision);
}

/** An address as the system takes it; throws `TypeError` if the family does not have it. */
export function toSocketAddress(address: NetworkAddress, family: Family): SocketAddress {
  const ip = parseIp(address.hostname);
  if (ip === undefined || !(address.port >= 0 && address.port <= 65_535)) {
    throw new TypeError(
      `Cannot use address "${address.hostname}:${address.port}": it is no IP address with a port`,
    );
  }
  return { ip: inFamily(ip, family), port: address.port };
}

/** Where the system goes that is told to reach no particular address: to itself. */
function reached(ip: IpAddress): IpAddress {
  if (ip.some((byte) => byte !== 0)) return ip;
  return ip.length === 4
    ? Uint8Array.of(127, 0, 0, 1)
    : Uint8Array.from(ip, (_, index) => index === 15 ? 1 : 0);
}

function inFamily(ip: IpAddress, family: Family): IpAddress {
  if (family === "ipv6") return mapIp(ip);
  if (ip.length === 4) return ip;
  throw new TypeError(`Cannot use address "${formatIp(ip)}": the socket is one for IPv4`);
}
