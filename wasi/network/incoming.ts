import type { HostSocket, SocketAddress, SocketSystem } from "../host/socket.ts";
import { CORRESPONDENTS_MAX } from "../limits.ts";
import { decideIncoming, type Network, type Soon } from "./decision.ts";
import { formatIp, type IpAddress, mapIp, unmapIp } from "./ip.ts";

const LOOPBACK: IpAddress = Uint8Array.of(127, 0, 0, 1);

/** True while connections and datagrams are to be asked about; does what other news demand. */
export function isGuarded({ news }: Network, host: SocketSystem): boolean {
  if (news === undefined) return false;
  const { guarded, closing } = news.look();
  if (closing) host.stopListening?.();
  return guarded;
}

/** Asks whether a connection that has been accepted may be kept. */
export function admitsConnection({ allow }: Network, socket: HostSocket): Soon<boolean> {
  const peer = socket.peerAddress();
  const local = socket.localAddress();
  // Who has gone by now may have left something to read, and nobody can tell who it was.
  if (typeof peer === "number" || typeof local === "number") return false;
  return decideIncoming(allow, { protocol: "tcp", peer, local });
}

/** An address as the guest knows it: the one that stands for its loopback is `127.0.0.1`. */
export function shownAddress({ loopback }: Network, address: SocketAddress): SocketAddress {
  if (loopback === undefined || !isSame(unmapIp(address.ip), loopback)) return address;
  return { ip: address.ip.length === 4 ? LOOPBACK : mapIp(LOOPBACK), port: address.port };
}

/**
 * With whom a socket of datagrams has to do: who may send to it, and under which address the guest knows those that
 * it has sent to. They may always answer, as through a firewall with a memory.
 */
export class Correspondents {
  readonly #network: Network;
  readonly #host: SocketSystem;
  /** Where datagrams went lately, and where the guest had them go. */
  readonly #known = new Map<string, SocketAddress>();

  constructor(network: Network, host: SocketSystem) {
    this.#network = network;
    this.#host = host;
  }

  /** True while not everybody may send. */
  get guarded(): boolean {
    return isGuarded(this.#network, this.#host);
  }

  /** True if what a socket has been sent by this address may be read. */
  admits(socket: HostSocket, from: SocketAddress | undefined): Soon<boolean> {
    if (from === undefined || !this.guarded) return true;
    if (this.#known.has(keyOf(from))) return true;
    // Another thread may have connected it: that was asked about as well.
    const peer = socket.peerAddress();
    if (typeof peer !== "number" && keyOf(peer) === keyOf(from)) return true;
    const local = socket.localAddress();
    if (typeof local === "number") return false;
    return decideIncoming(this.#network.allow, { protocol: "udp", peer: from, local });
  }

  /** Something goes to `address`, which the guest knows as `asked`. */
  remember(address: SocketAddress, asked: SocketAddress): void {
    const key = keyOf(address);
    this.#known.delete(key);
    this.#known.set(key, asked);
    if (this.#known.size <= CORRESPONDENTS_MAX) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  /** The address under which the guest knows a sender. */
  shown(from: SocketAddress): SocketAddress {
    const asked = this.#known.get(keyOf(from));
    if (asked === undefined) return shownAddress(this.#network, from);
    return { ip: from.ip.length === 4 ? asked.ip : mapIp(asked.ip), port: asked.port };
  }
}

function keyOf({ ip, port }: SocketAddress): string {
  return `${formatIp(unmapIp(ip))} ${port}`;
}

function isSame(one: IpAddress, other: IpAddress): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
