import type { Family, SocketAddress } from "../socket.ts";

/** `AF_INET` and `AF_INET6`. */
export const ADDRESS_FAMILIES: Readonly<Record<Family, number>> = { ipv4: 2, ipv6: 10 };

/** `sizeof(struct sockaddr_in6)`, the longer one. */
export const SOCKADDR_BYTES_MAX = 28;
/** `sizeof(struct sockaddr_in)`. */
const SOCKADDR_IN_BYTES = 16;
const IPV4_OFFSET = 4;
const IPV6_OFFSET = 8;

/**
 * Writes a `struct sockaddr_in` or `sockaddr_in6` and answers its length. Linux's own byte order is
 * that of the machine, little on all that Deno runs on; the port's is the network's.
 */
export function writeSockaddr(view: DataView, { ip, port }: SocketAddress): number {
  const short = ip.length === 4;
  view.setUint16(0, short ? ADDRESS_FAMILIES.ipv4 : ADDRESS_FAMILIES.ipv6, true);
  view.setUint16(2, port);
  for (let at = 4; at < SOCKADDR_BYTES_MAX; at++) view.setUint8(at, 0);
  const offset = short ? IPV4_OFFSET : IPV6_OFFSET;
  for (let index = 0; index < ip.length; index++) view.setUint8(offset + index, ip[index]!);
  return short ? SOCKADDR_IN_BYTES : SOCKADDR_BYTES_MAX;
}

/** Reads what the kernel wrote; undefined if it wrote no IP address. */
export function readSockaddr(view: DataView): SocketAddress | undefined {
  const family = view.getUint16(0, true);
  if (family !== ADDRESS_FAMILIES.ipv4 && family !== ADDRESS_FAMILIES.ipv6) return undefined;
  const [offset, bytes] = family === ADDRESS_FAMILIES.ipv4 ? [IPV4_OFFSET, 4] : [IPV6_OFFSET, 16];
  const ip = Uint8Array.from({ length: bytes }, (_, index) => view.getUint8(offset + index));
  return { ip, port: view.getUint16(2) };
}
