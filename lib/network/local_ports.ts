/**
 * What of this machine's addresses and ports is there to be had: found out by trying.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import type { Endpoint, TransportProtocol } from "../guest_network.ts";
import { parseIp } from "./ip.ts";
import { LocalRoutes } from "./local_routes.ts";

/** How long an address counts as this machine's, or not, in ms: interfaces come and go rarely. */
const LOCAL_MS = 10_000;
/** Addresses that are remembered: guests choose them. */
const LOCAL_MAX = 1_024;

/** True if somebody listens there already, so that nobody else can. */
export async function isTaken(
  { ip, port }: Endpoint,
  protocol: TransportProtocol,
): Promise<boolean> {
  if (protocol === "udp") return await isTakenUdp({ ip, port });
  try {
    Deno.listen({ hostname: ip, port }).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.AddrInUse;
  }
}

/** True if nobody listens with this TCP port, on all addresses of the machine or on its loopback. */
export function isFree(port: number): boolean {
  try {
    // Some systems let one program have all addresses and another one of them.
    for (const hostname of ["0.0.0.0", "127.0.0.1"]) Deno.listen({ hostname, port }).close();
    return true;
  } catch {
    return false;
  }
}

/** A port that nobody has on this address; 0 if none could be found. */
export function freePort(ip: string): number {
  try {
    using listener = Deno.listen({ hostname: ip, port: 0 });
    return listener.addr.port;
  } catch {
    return 0;
  }
}

async function isTakenUdp({ ip, port }: Endpoint): Promise<boolean> {
  const socket = createSocket(isIPv6(ip) ? "udp6" : "udp4");
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE"));
  socket.once("listening", () => resolve(false));
  socket.bind({ address: ip, port, exclusive: true });
  try {
    return await promise;
  } finally {
    const closed = once(socket, "close");
    socket.close();
    await closed; // before that the port is still taken: by us
  }
}

/** Which addresses are this machine's. */
export class LocalAddresses {
  readonly #near = new Map<string, { readonly isNear: boolean; readonly untilMs: number }>();
  #node: ReadonlySet<string> = new Set();
  #nodeUntilMs = -Infinity;

  /** True for an address of one of its interfaces. */
  isNode(ip: string): boolean {
    const nowMs = performance.now();
    if (nowMs >= this.#nodeUntilMs) {
      this.#node = new Set(Deno.networkInterfaces().map(({ address }) => address));
      this.#nodeUntilMs = nowMs + LOCAL_MS;
    }
    return this.#node.has(ip);
  }

  /** True for one that programs here can listen at, as those of another agent's pods. */
  isNear(ip: string): boolean {
    const nowMs = performance.now();
    const known = this.#near.get(ip);
    if (known !== undefined && nowMs < known.untilMs) return known.isNear;
    const isNear = freePort(ip) !== 0 || isRoutedHere(ip);
    if (this.#near.size >= LOCAL_MAX) this.#near.clear();
    this.#near.set(ip, { isNear, untilMs: nowMs + LOCAL_MS });
    return isNear;
  }
}

/**
 * True for an address of IPv6 that a local route makes this machine's own. Linux lets only those bind it that say
 * they know (`IPV6_FREEBIND`), so that trying proves nothing.
 */
function isRoutedHere(ip: string): boolean {
  const bytes = parseIp(ip);
  if (Deno.build.os !== "linux" || bytes?.length !== 16) return false;
  try {
    using routes = new LocalRoutes();
    return routes.isLocal(bytes);
  } catch {
    return false; // then pods have no such addresses either
  }
}
