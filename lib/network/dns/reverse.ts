/**
 * Names that are addresses: `1.0.0.10.in-addr.arpa` (RFC 1035, 3.5) and its like of IPv6 (RFC 3596, 2.5).
 *
 * @module
 */
import { formatIp, normalizeIp } from "../ip.ts";
import { type Labels, lowerLabels, within } from "./name.ts";

const IPV4_ZONE: Labels = ["in-addr", "arpa"];
const IPV6_ZONE: Labels = ["ip6", "arpa"];
const IPV6_DIGITS = 32;

/** What is in front of the zone of such names; undefined for other names. */
export function reverseZone(
  name: Labels,
): { readonly family: 4 | 6; readonly rest: Labels } | undefined {
  const four = within(name, IPV4_ZONE);
  if (four !== undefined) return { family: 4, rest: four };
  const six = within(name, IPV6_ZONE);
  return six && { family: 6, rest: six };
}

/** The address that is meant, normal; undefined if it is none, or only the beginning of one. */
export function ipOfReverse(name: Labels): string | undefined {
  const found = reverseZone(name);
  if (found === undefined) return undefined;
  const parts = lowerLabels(found.rest).toReversed();
  if (found.family === 4) return parts.length === 4 ? normalizeIp(parts.join(".")) : undefined;
  const isDigits = parts.length === IPV6_DIGITS && parts.every((part) => /^[0-9a-f]$/.test(part));
  return isDigits ? formatIp(Uint8Array.fromHex(parts.join(""))) : undefined;
}
