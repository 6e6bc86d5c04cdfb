/**
 * IP addresses as bytes and as text (RFC 4291 §2.2, RFC 5952).
 *
 * @module
 */

/** The bytes of an IP address in network order: 4 of them, or 16. */
export type IpAddress = Uint8Array<ArrayBuffer>;

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
/** `::ffff:0:0/96`: IPv4 in IPv6. */
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/**
 * The bytes of an address that is written as `10.0.0.1`, `::1` or `::ffff:10.0.0.1`; undefined for
 * any other text. Zones (`%eth0`) and brackets are none of an address.
 */
export function parseIp(text: string): IpAddress | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** An address as text, IPv6 in its shortest form. */
export function formatIp(ip: IpAddress): string {
  if (ip.length === IPV4_BYTES) return ip.join(".");
  if (isMapped(ip)) return `::ffff:${ip.subarray(MAPPED_PREFIX.length).join(".")}`;
  const groups = Array.from(
    { length: IPV6_BYTES / 2 },
    (_, index) => ip[2 * index]! << 8 | ip[2 * index + 1]!,
  );
  const zeros = longestZeros(groups);
  const hex = (part: readonly number[]): string =>
    part.map((group) => group.toString(16)).join(":");
  if (zeros.length < 2) return hex(groups);
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`;
}

/**
 * An IP address as {@linkcode formatIp} would write it, IPv4 in IPv6 as IPv4; undefined for what is none. Who
 * compares texts compares these.
 */
export function canonicalIp(text: string): string | undefined {
  const ip = parseIp(text);
  return ip === undefined ? undefined : formatIp(unmapIp(ip));
}

/** The IPv4 address inside of `::ffff:a.b.c.d`; any other address as it is. */
export function unmapIp(ip: IpAddress): IpAddress {
  return isMapped(ip) ? ip.slice(MAPPED_PREFIX.length) : ip;
}

/** An IPv4 address as `::ffff:a.b.c.d`; an IPv6 address as it is. */
export function mapIp(ip: IpAddress): IpAddress {
  return ip.length === IPV6_BYTES ? ip : Uint8Array.of(...MAPPED_PREFIX, ...ip);
}

function isMapped(ip: IpAddress): boolean {
  return ip.length === IPV6_BYTES && MAPPED_PREFIX.every((byte, index) => ip[index] === byte);
}

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split(".");
  if (parts.length !== IPV4_BYTES) return undefined;
  if (!parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): IpAddress | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) =>
    bytesOf(half, { dotted: index === halves.length - 1 })
  );
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === IPV6_BYTES ? Uint8Array.from(head) : undefined;
  if (tail === undefined || head.length + tail.length > IPV6_BYTES - 2) return undefined;
  const ip = new Uint8Array(IPV6_BYTES);
  ip.set(head);
  ip.set(tail, IPV6_BYTES - tail.length);
  return ip;
}

/** The bytes of groups between colons; the last may be an IPv4 address. */
function bytesOf(half: string, { dotted }: { dotted: boolean }): readonly number[] | undefined {
  if (half === "") return [];
  const groups = half.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    const ipv4 = dotted && index === groups.length - 1 ? parseIpv4(group) : undefined;
    if (ipv4 !== undefined) bytes.push(...ipv4);
    else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return undefined;
  }
  return bytes;
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
