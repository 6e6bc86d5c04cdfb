import type { Family, Protocol, SocketAddress } from "../host/socket.ts";
import { formatIp, type IpAddress, mapIp, parseIp, unmapIp } from "./ip.ts";

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
   * it. `resolve`: learn a name's addresses.
   */
  readonly purpose: "bind" | "connect" | "send" | "resolve";
  /** Over what; for a name, what it is wanted for. */
  readonly protocol: Protocol;
  /**
   * IPv4 is never dressed up as IPv6 here, and who wants to reach `0.0.0.0` or `::` is said to want to
   * reach the machine itself, as the system takes it. Bound to `::`, a socket takes IPv4 as well.
   */
  readonly address: NetworkAddress;
}

/** Yes, no, or yes but elsewhere. */
export type AddressDecision = boolean | {
  /** The address to use in place of the one that was asked for. */
  readonly address?: NetworkAddress;
  /** To `connect` or `send` from; port 0 takes any that is free. */
  readonly source?: NetworkAddress;
};

/** Decides on every address that a guest names. It must answer at once, and should not throw. */
export type AllowAddress = (request: AddressRequest) => AddressDecision;

/** What a guest may use of the network. */
export interface Network {
  readonly allow: AllowAddress;
  /** The addresses of a name; empty if it has none. */
  readonly lookup: (name: string) => readonly string[];
}

/** What the options of a guest say about the network; nothing is allowed that they do not mention. */
export function networkOf(
  options: {
    readonly allowAddress?: AllowAddress;
    readonly lookup?: Network["lookup"];
  },
): Network {
  return { allow: options.allowAddress ?? (() => false), lookup: options.lookup ?? (() => []) };
}

/** The addresses to hand to the system. */
export interface Allowed {
  readonly address: SocketAddress;
  readonly source?: SocketAddress;
}

/** What is asked on behalf of a socket. */
export interface SocketRequest {
  readonly purpose: "bind" | "connect" | "send";
  readonly protocol: Protocol;
  readonly family: Family;
  readonly address: SocketAddress;
}

/**
 * Asks for one address; undefined if it is refused.
 *
 * Throws `TypeError` for a decision that is no address of the socket's family: the embedder's defect.
 */
export function decideAddress(allow: AllowAddress, request: SocketRequest): Allowed | undefined {
  const { purpose, protocol, family, address } = request;
  const ip = purpose === "bind" ? unmapIp(address.ip) : reached(unmapIp(address.ip));
  const asked: NetworkAddress = { hostname: formatIp(ip), port: address.port };
  const decision = allow({ purpose, protocol, address: asked });
  if (decision === false) return undefined;
  if (decision === true) return { address: { ip: inFamily(ip, family), port: address.port } };
  return {
    address: toSocketAddress(decision.address ?? asked, family),
    ...(decision.source === undefined ? {} : { source: toSocketAddress(decision.source, family) }),
  };
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
