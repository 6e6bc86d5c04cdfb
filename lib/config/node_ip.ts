/**
 * Chooses the address by which the cluster reaches this node.
 *
 * @module
 */
import { isIPv6 } from "node:net";

/** What is known of the machine's addresses. */
export interface AddressCandidates {
  /** The address that the server listens on. */
  readonly listenerAddress: string;
  /** What the host name resolves to. */
  readonly resolved: readonly string[];
  /** Addresses of the network interfaces. */
  readonly interfaces: readonly string[];
}

/**
 * The node's address when nobody names it: the listener's own if that is one address of the
 * machine, else the first usable one of the host name, else of the interfaces. An address of the
 * listener's family is preferred; `::` hears IPv4 as well.
 *
 * @returns `undefined` if no address can be used from another machine.
 */
export function chooseNodeIp(candidates: AddressCandidates): string | undefined {
  const { listenerAddress, resolved, interfaces } = candidates;
  if (isUsable(listenerAddress)) return listenerAddress;
  const usable = [...resolved, ...interfaces].filter(isUsable);
  const v6 = isIPv6(listenerAddress);
  return usable.find((address) => isIPv6(address) === v6) ?? (v6 ? usable[0] : undefined);
}

/** Can another machine reach this address? */
function isUsable(address: string): boolean {
  return isIPv6(address)
    // Unspecified, loopback, multicast; link-local addresses need a zone to be reached.
    ? !/^(::1?$|ff|fe[89ab])/i.test(address) && !/^(0:){7}[01]$/.test(address)
    : !/^(0\.|127\.|169\.254\.|22[4-9]\.|23\d\.|255\.)/.test(address);
}
