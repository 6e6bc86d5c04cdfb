/**
 * Which ranges of addresses can be those of a node's pods.
 *
 * @module
 */
import { networkInterfaces } from "node:os";
import { type Cidr, cidrSize, formatCidr, inCidr, parseCidr } from "./ip.ts";

/** Fewer leave no pod an address: the first two and the last are never given to one. */
export const RANGE_ADDRESSES_MIN = 4;

/** Why a range cannot be that of a node's pods; undefined if it can. */
export function rangeFault(cidr: Cidr, taken: readonly TakenRange[]): string | undefined {
  const text = formatCidr(cidr);
  if (cidrSize(cidr) < RANGE_ADDRESSES_MIN) {
    return `range ${text} is too small: it needs at least ${RANGE_ADDRESSES_MIN} addresses`;
  }
  const special = SPECIAL.find((range) => overlap(range, cidr));
  if (special !== undefined) {
    return `range ${text} overlaps ${formatCidr(special)}, which is special`;
  }
  const other = taken.find((range) => overlap(range.cidr, cidr));
  if (other !== undefined) {
    return `range ${text} overlaps ${formatCidr(other.cidr)} of ${other.owner}`;
  }
  return undefined;
}

/** A range that is somebody's on this machine. */
export interface TakenRange {
  readonly cidr: Cidr;
  /** Whose, for messages. */
  readonly owner: string;
}

/** Ranges that mean the same everywhere, and nowhere a pod. */
const SPECIAL: readonly Cidr[] = [
  ...["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"],
  ...["::/127", "::ffff:0:0/96", "fe80::/10", "ff00::/8"],
].map((text) => parseCidr(text)!);

function overlap(a: Cidr, b: Cidr): boolean {
  return a.bits <= b.bits ? inCidr(b.ip, a) : inCidr(a.ip, b);
}

/** The ranges of this machine's interfaces, and the node's own addresses. */
export function takenRanges(hostIPs: readonly string[]): TakenRange[] {
  const interfaces = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).flatMap(({ cidr }) => {
      const range = cidr === null ? undefined : parseCidr(cidr.replace(/%[^/]*/, ""));
      return range === undefined ? [] : [{ cidr: range, owner: `interface ${name}` }];
    })
  );
  const own = hostIPs.flatMap((ip) => {
    const range = parseCidr(`${ip}/${ip.includes(":") ? 128 : 32}`);
    return range === undefined ? [] : [{ cidr: range, owner: "the node itself" }];
  });
  return [...own, ...interfaces];
}
