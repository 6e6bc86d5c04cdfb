/**
 * Addresses and ranges of the Internet Protocol, as bytes and as text (RFC 4291, 4632, 5952).
 *
 * @module
 */
import { isIPv4, isIPv6 } from "node:net";

/** The bytes of an address in network order: 4 of them, or 16. */
export type IpBytes = Uint8Array<ArrayBuffer>;

/** A range of addresses: all that share the first `bits` of `ip`. */
export interface Cidr {
  /** Its first address: what is behind `bits` is 0. */
  readonly ip: IpBytes;
  /** From 0 to 32, or to 128. */
  readonly bits: number;
}

const BYTE_BITS = 8;
const IPV6_BYTES = 16;

/**
 * The bytes of an address that is written as `10.0.0.1`, `::1` or `::ffff:10.0.0.1`; undefined for
 * any other text. Zones (`%eth0`) and brackets are none of an address.
 */
export function parseIp(text: string): IpBytes | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const [head = "", tail] = dottedAsHex(text).split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const [first, last] = [groups(head), groups(tail ?? "")];
  const ip = new Uint8Array(IPV6_BYTES);
  const view = new DataView(ip.buffer);
  for (const [at, group] of first.entries()) view.setUint16(2 * at, group);
  for (const [at, group] of last.entries()) {
    view.setUint16(IPV6_BYTES - 2 * (last.length - at), group);
  }
  return ip;
}

/** An address as text: dotted, or as RFC 5952 writes it, so that equal addresses are equal texts. */
export function formatIp(ip: Uint8Array): string {
  if (ip.length !== IPV6_BYTES) return ip.join(".");
  const mapped = unmapIp(ip);
  if (mapped !== ip) return `::ffff:${mapped.join(".")}`;
  const view = new DataView(ip.buffer, ip.byteOffset, IPV6_BYTES);
  const groups = Array.from({ length: IPV6_BYTES / 2 }, (_, at) => view.getUint16(2 * at));
  const { start, length } = longestZeros(groups);
  const hex = (part: readonly number[]): string =>
    part.map((group) => group.toString(16)).join(":");
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** The text of an address in the one form that {@linkcode formatIp} writes; undefined if it is none. */
export function normalizeIp(text: string): string | undefined {
  const ip = parseIp(text);
  return ip === undefined ? undefined : formatIp(ip);
}

/** The IPv4 address inside of `::ffff:a.b.c.d`; any other address as it is. */
export function unmapIp(ip: Uint8Array): Uint8Array {
  const isMapped = ip.length === IPV6_BYTES &&
    ip.subarray(0, 10).every((byte) => byte === 0) && ip[10] === 0xff && ip[11] === 0xff;
  return isMapped ? ip.slice(12) : ip;
}

/**
 * A range that is written as `10.0.0.0/16` or `fd00::/64`; undefined for any other text. Bits of the
 * address behind the prefix are left out: `10.0.3.4/16` is `10.0.0.0/16`.
 */
export function parseCidr(text: string): Cidr | undefined {
  const [address = "", prefix = "", ...more] = text.split("/");
  const ip = parseIp(address);
  if (ip === undefined || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(prefix)) return undefined;
  const bits = Number(prefix);
  if (bits > ip.length * BYTE_BITS) return undefined;
  return { ip: ip.map((byte, at) => byte & maskAt(at, bits)), bits };
}

/** A range as text, as {@linkcode parseCidr} reads it. */
export function formatCidr({ ip, bits }: Cidr): string {
  return `${formatIp(ip)}/${bits}`;
}

/** True if the address is of the range. Families never mix: no IPv4 address is of `::/0`. */
export function inCidr(ip: Uint8Array, { ip: first, bits }: Cidr): boolean {
  return ip.length === first.length &&
    first.every((byte, at) => byte === (ip[at]! & maskAt(at, bits)));
}

/** Tells of an address whether one of these ranges has it. What is no range has none, and what is no address is in none. */
export function isInRanges(ranges: readonly string[]): (ip: string) => boolean {
  const cidrs = ranges.flatMap((range) => parseCidr(range) ?? []);
  return (text) => {
    const ip = parseIp(text);
    return ip !== undefined && cidrs.some((cidr) => inCidr(ip, cidr));
  };
}

/** How many addresses a range has; too many to count exactly are `Infinity`. */
export function cidrSize({ ip, bits }: Cidr): number {
  const free = ip.length * BYTE_BITS - bits;
  return free > COUNTED_BITS_MAX ? Infinity : 2 ** free;
}

/** A number of JavaScript counts so far without a gap. */
const COUNTED_BITS_MAX = 52;

/**
 * The address of a range with that number; 0 is the first.
 *
 * @throws {RangeError} If the range has no such address.
 */
export function ipAt(cidr: Cidr, index: number): IpBytes {
  if (!Number.isSafeInteger(index) || index < 0 || index >= cidrSize(cidr)) {
    throw new RangeError(`Cannot take address ${index} of ${formatCidr(cidr)}: it has none`);
  }
  const ip = cidr.ip.slice();
  let rest = index;
  for (let at = ip.length - 1; rest > 0; at--) {
    ip[at] = ip[at]! | rest % 256;
    rest = Math.floor(rest / 256);
  }
  return ip;
}

/** The number of an address in a range, so that {@linkcode ipAt} gives it back; undefined if it is not in it. */
export function indexIn(cidr: Cidr, ip: Uint8Array): number | undefined {
  if (!inCidr(ip, cidr)) return undefined;
  const index = ip.reduce((sum, byte, at) => sum * 256 + (byte ^ cidr.ip[at]!), 0);
  return Number.isSafeInteger(index) ? index : undefined;
}

/** The bits of the byte at `at` that belong to a prefix. */
function maskAt(at: number, bits: number): number {
  const own = Math.min(Math.max(bits - at * BYTE_BITS, 0), BYTE_BITS);
  return 0xff << (BYTE_BITS - own) & 0xff;
}

/** IPv4 at the end of an IPv6 address as the two groups that it stands for. */
function dottedAsHex(text: string): string {
  const at = text.lastIndexOf(":") + 1;
  const dotted = text.slice(at);
  if (!dotted.includes(".")) return text;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split(".").map(Number);
  return `${text.slice(0, at)}${(a << 8 | b).toString(16)}:${(c << 8 | d).toString(16)}`;
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
