/**
 * Keeps connections few and short when nothing comes over them.
 *
 * The HTTP server's own time-outs for headers and requests are not enforced by the runtime
 * (measured on Deno 2.9.6), so they are kept here.
 *
 * @module
 */
import type { Socket } from "node:net";

/** How many connections there may be, and how long they may be silent. */
export interface ConnectionLimits {
  /** Connections at once; more are closed as they come. */
  readonly connectionsMax: number;
  /** Connections at once from one address. */
  readonly connectionsPerPeerMax: number;
  /** Time for the TLS handshake and the head of the first request. */
  readonly headMs: number;
  /** Time between the end of an answer and the head of the next request. */
  readonly idleMs: number;
}

/**
 * The part of a socket that is needed. A connection has two: the plain one, which is accepted, and
 * the TLS one, which requests come over. They have the addresses and ports of both ends in common.
 */
export interface PeerSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

interface Connection {
  readonly socket: Socket;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Requests that have no answer yet. */
  asked: number;
}

/** The connections of one server. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #open = new Map<string, Connection>();
  readonly #perAddress = new Map<string | undefined, number>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Takes a new connection's plain socket; closes it if there are too many. */
  add(socket: Socket): void {
    // A peer that goes away without a word is no news.
    socket.on("error", () => socket.destroy());
    const address = socket.remoteAddress;
    const { connectionsMax, connectionsPerPeerMax } = this.#limits;
    const ofPeer = this.#perAddress.get(address) ?? 0;
    if (this.#open.size >= connectionsMax || ofPeer >= connectionsPerPeerMax) {
      socket.destroy();
      return;
    }
    const peer = peerOf(socket);
    this.#perAddress.set(address, ofPeer + 1);
    const connection: Connection = { socket, timer: undefined, asked: 0 };
    this.#open.set(peer, connection);
    arm(connection, this.#limits.headMs);
    socket.once("close", () => {
      clearTimeout(connection.timer);
      if (this.#open.get(peer) === connection) this.#open.delete(peer);
      this.#left(address);
    });
  }

  #left(address: string | undefined): void {
    const rest = (this.#perAddress.get(address) ?? 1) - 1;
    if (rest > 0) this.#perAddress.set(address, rest);
    else this.#perAddress.delete(address);
  }

  /** A request has come: the connection may take its time until the answer has ended. */
  busy(peer: string): void {
    const connection = this.#open.get(peer);
    if (connection === undefined) return;
    clearTimeout(connection.timer);
    connection.asked++;
  }

  /** True while a request has come whose answer has not ended. */
  isBusy(peer: string): boolean {
    return (this.#open.get(peer)?.asked ?? 0) > 0;
  }

  /** The answer has ended. */
  idle(peer: string): void {
    const connection = this.#open.get(peer);
    if (connection === undefined) return;
    connection.asked = Math.max(0, connection.asked - 1);
    arm(connection, this.#limits.idleMs);
  }

  /** Closes all connections, whatever goes on over them. */
  closeAll(): void {
    for (const { socket, timer } of this.#open.values()) {
      clearTimeout(timer);
      socket.destroy();
    }
    this.#open.clear();
  }
}

/**
 * A connection as a key: by both of its ends, since a peer may have connections from one port to several
 * addresses of this machine. A socket forgets them when it closes.
 */
export function peerOf({ remoteAddress, remotePort, localAddress, localPort }: PeerSocket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function arm(connection: Connection, ms: number): void {
  clearTimeout(connection.timer);
  connection.timer = setTimeout(() => connection.socket.destroy(), ms);
}
