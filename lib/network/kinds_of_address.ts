/**
 * What kind of address a text is.
 *
 * @module
 */
import { isIPv4, isIPv6 } from "node:net";

/** True for `0.0.0.0` and `::`. */
export function isWildcard(ip: string): boolean {
  return ip === "0.0.0.0" || ip === "::";
}

/** True for all of `127.0.0.0/8`, and `::1`. */
export function isLoopback(ip: string): boolean {
  return (ip.startsWith("127.") && isIPv4(ip)) || ip === "::1";
}

/** True if both are IPv4, or both are IPv6. */
export function sameFamily(one: string, other: string): boolean {
  return isIPv6(one) === isIPv6(other);
}
