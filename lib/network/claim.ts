/**
 * Which agent of a machine has a range of addresses: a lock that the kernel keeps.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { messageOf } from "../errors.ts";
import { parseIp } from "./ip.ts";

/** Below the ports that systems give away by themselves, and of no known use. */
const CLAIM_PORT = 6_465;

/** What came of a claim. */
export type Claim =
  /** It is ours until it is disposed of, or this process ends. */
  | { readonly kind: "held"; readonly held: AsyncDisposable }
  /** Another process of this machine has it. */
  | { readonly kind: "taken" }
  /** The machine has no such address. */
  | { readonly kind: "impossible"; readonly why: string };

/**
 * Claims a range by an address of it that no pod is given: a UDP socket is bound there that nobody reads.
 * The claim ends with the process, however that ends, and counts where its addresses count: in one network
 * namespace. It proves as well that programs can bind in the range.
 */
export function claimAddress(ip: string): Promise<Claim> {
  return ip.includes(":") ? Promise.resolve(claimIpv6(ip)) : claimIpv4(ip);
}

function claimIpv4(ip: string): Promise<Claim> {
  const socket = createSocket({ type: "udp4" });
  return new Promise((resolve) => {
    socket.once("error", (error: NodeJS.ErrnoException) => {
      socket.close();
      if (error.code === "EADDRINUSE") resolve({ kind: "taken" });
      else resolve({ kind: "impossible", why: messageOf(error) });
    });
    socket.bind({ address: ip, port: CLAIM_PORT, exclusive: true }, () => {
      socket.unref();
      const end = (): Promise<void> => new Promise((closed) => socket.close(() => closed()));
      resolve({ kind: "held", held: { [Symbol.asyncDispose]: end } });
    });
  });
}

/** Numbers of Linux: `bits/socket.h`, `linux/in6.h`. */
const AF_INET6 = 10;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const IPPROTO_IPV6 = 41;
const IPV6_FREEBIND = 78;
const SOCKADDR_IN6_BYTES = 28;

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * A local route alone lets nobody bind IPv6 addresses of it: Linux wants each socket to be told that it
 * may (`IPV6_FREEBIND`), which the runtime does not do.
 */
function claimIpv6(ip: string): Claim {
  try {
    const library = Deno.dlopen("libc.so.6", SYMBOLS);
    const descriptor = bindFreely(ip, { port: CLAIM_PORT, library });
    if (descriptor !== undefined) {
      const end = (): Promise<void> => {
        library.symbols.close(descriptor);
        library.close();
        return Promise.resolve();
      };
      return { kind: "held", held: { [Symbol.asyncDispose]: end } };
    }
    // With any other port it goes well if somebody has this one.
    const other = bindFreely(ip, { port: 0, library });
    if (other !== undefined) library.symbols.close(other);
    library.close();
    const why = "the kernel has no IPv6, or lets nobody bind such an address";
    return other === undefined ? { kind: "impossible", why } : { kind: "taken" };
  } catch (error) {
    return { kind: "impossible", why: messageOf(error) };
  }
}

/** A UDP socket that is bound there; undefined if that cannot be. */
function bindFreely(
  ip: string,
  { port, library: { symbols } }: {
    readonly port: number;
    readonly library: Deno.DynamicLibrary<typeof SYMBOLS>;
  },
): number | undefined {
  const descriptor = symbols.socket(AF_INET6, SOCK_DGRAM_CLOEXEC, 0);
  if (descriptor < 0) return undefined;
  const on = new Uint8Array(Int32Array.of(1).buffer);
  symbols.setsockopt(descriptor, IPPROTO_IPV6, IPV6_FREEBIND, on, on.length);
  const address = new Uint8Array(SOCKADDR_IN6_BYTES);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, port);
  address.set(parseIp(ip)!, 8);
  if (symbols.bind(descriptor, address, address.length) === 0) return descriptor;
  symbols.close(descriptor);
  return undefined;
}
