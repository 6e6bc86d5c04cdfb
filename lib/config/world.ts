/**
 * The few things of this machine that the configuration depends on.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { existsSync } from "node:fs";
import { networkInterfaces } from "node:os";

/** Reads the machine. A test may hand in another one. */
export interface World {
  /** Separates the paths of a list, as in `KUBECONFIG`. */
  readonly pathSeparator: ":" | ";";
  /** The file's text, or `undefined` if there is no such file. Other failures throw. */
  readFile(path: string): string | undefined;
  /** True if there is something under this path that may be looked at. */
  exists(path: string): boolean;
  /** The machine's own name, as the system has it: not checked, any case. */
  hostname(): string;
  /** What a host name resolves to; empty if it does not. */
  resolve(hostname: string): Promise<readonly string[]>;
  /** Addresses of the network interfaces, in the system's order. */
  interfaceAddresses(): readonly string[];
}

/** A name server that does not answer must not keep the agent from looking at its interfaces. */
const RESOLVE_MS_MAX = 5_000;

/** The machine that this program runs on. */
export const MACHINE: World = {
  pathSeparator: Deno.build.os === "windows" ? ";" : ":",
  readFile(path): string | undefined {
    try {
      return Deno.readTextFileSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  },
  exists: existsSync,
  hostname: () => Deno.hostname(),
  resolve(hostname): Promise<readonly string[]> {
    const { promise, resolve } = Promise.withResolvers<readonly string[]>();
    const timer = setTimeout(() => resolve([]), RESOLVE_MS_MAX);
    lookup(hostname, { all: true }).then(
      (found) => resolve(found.map(({ address }) => address)),
      () => resolve([]),
    );
    return promise.finally(() => clearTimeout(timer));
  },
  interfaceAddresses: () =>
    Object.values(networkInterfaces()).flatMap((list) => list ?? []).map(({ address }) => address),
};
