import { lookup } from "node:dns/promises";
import { isIPv6 } from "node:net";
import type { NameBook } from "./parts.ts";

/** What this machine's own resolver knows, and nothing of a cluster. */
export const machineNames: NameBook = { resolve: (name) => lookUpOnMachine(name) };

/** The addresses that this machine's own resolver has for a name, IPv4 first; none if there is no such name. */
export async function lookUpOnMachine(name: string): Promise<readonly string[]> {
  try {
    const ips = (await lookup(name, { all: true })).map(({ address }) => address);
    return [...ips.filter((ip) => !isIPv6(ip)), ...ips.filter(isIPv6)];
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOTFOUND" || code === "ENODATA") return [];
    throw error;
  }
}
