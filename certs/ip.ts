/**
 * IP addresses as the bytes that a certificate holds (RFC 5280 §4.2.1.6).
 *
 * @module
 */
import { isIPv4, isIPv6 } from "node:net";

/**
 * 4 bytes of an IPv4 address, 16 of an IPv6 one, in network order; `undefined` if the text is
 * neither. A zone (`fe80::1%eth0`) has no place in a certificate, so it is refused too.
 */
export function ipBytes(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
  if (text.includes("%") || !isIPv6(text)) return undefined;
  const [head = "", tail] = hexGroups(text).split("::");
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  return Uint8Array.from(
    [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]),
  );
}

/** Writes a dotted end (`::ffff:10.0.0.1`) as two groups. */
function hexGroups(text: string): string {
  const dotted = text.slice(text.lastIndexOf(":") + 1);
  if (!dotted.includes(".")) return text;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split(".").map(Number);
  const group = (high: number, low: number): string => ((high << 8) | low).toString(16);
  return `${text.slice(0, -dotted.length)}${group(a, b)}:${group(c, d)}`;
}

function groups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}
