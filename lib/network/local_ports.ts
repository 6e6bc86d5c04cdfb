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
import { socketsIn } from "./port_owner.ts";

/** How long an address counts as this machine's, or not, in ms: interfaces come and go rarely. */
const LOCAL_MS = 10_000;
/** Addresses that are remembered: guests choose them. */
const LOCAL_MAX = 1_024;
/** A port that is free on one address may be taken on another: so many are looked at. */
const ATTEMPTS_MAX = 20;
/** What the kernel calls a socket that somebody can reach. */
const LISTENING = { tcp: "0A", udp: "07" } as const;

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
    if (error instanceof Deno.errors.AddrInUse) return true;
    return isUnbindable(ip, error) && isListed({ ip, port }, protocol);
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
  } catch (error) {
    return isUnbindable(ip, error) ? freePortUntried(ip) : 0;
  }
}

/** A port that is free elsewhere, and that nobody has on this address. */
function freePortUntried(ip: string): number {
  if (!isRoutedHere(ip)) return 0;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const port = freePort("127.0.0.1");
    if (!isListed({ ip, port }, "tcp")) return port;
  }
  return 0;
}

/** True if trying proves nothing: guests bind such an address with an option that the runtime does not have. */
function isUnbindable(ip: string, error: unknown): boolean {
  const isAway = error instanceof Deno.errors.AddrNotAvailable ||
    error instanceof Error && "code" in error && error.code === "EADDRNOTAVAIL";
  return isAway && isIPv6(ip) && Deno.build.os === "linux";
}

/** True if the kernel knows somebody who listens there (proc(5)). */
function isListed({ ip, port }: Endpoint, protocol: TransportProtocol): boolean {
  try {
    const sockets = socketsIn(Deno.readTextFileSync(`/proc/net/${protocol}6`));
    return sockets.some((one) =>
      one.port === port && one.state === LISTENING[protocol] && (one.ip === ip || one.ip === "::")
    );
  } catch {
    return false; // the guest's own attempt will tell
  }
}

async function isTakenUdp({ ip, port }: Endpoint): Promise<boolean> {
  const socket = createSocket(isIPv6(ip) ? "udp6" : "udp4");
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once("error", (error: NodeJS.ErrnoException) => {
    const isAway = isUnbindable(ip, error);
    resolve(error.code === "EADDRINUSE" || isAway && isListed({ ip, port }, "udp"));
  });
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
