import type * as Net from "node:net";
import { node } from "./node.ts";
import { isPermitted, type TextAddress } from "./portable_socket_address.ts";
import type { Wire } from "./portable_socket_connection.ts";

/**
 * Connects from an address of the caller's choice, which Deno's own `connect` cannot.
 *
 * Rejects with the system's error, or when the signal aborts.
 */
export async function connectFrom(
  source: TextAddress,
  { to, signal }: { to: TextAddress; signal: AbortSignal },
): Promise<Wire> {
  // Node tells of a missing permission in a tick of its own, where nobody could catch it.
  for (const { hostname, port } of [source, to]) {
    if (isPermitted({ hostname, port })) continue;
    throw new Deno.errors.NotCapable(`Cannot reach "${hostname}" port ${port}: no permission`);
  }
  const socket = node.net.connect({
    host: to.hostname,
    port: to.port,
    localAddress: source.hostname,
    ...(source.port === 0 ? {} : { localPort: source.port }),
    allowHalfOpen: true,
    signal,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return new NodeWire(socket);
}

/** A socket of Node's that is asked for its bytes. */
class NodeWire implements Wire {
  readonly localAddr: TextAddress;
  readonly remoteAddr: TextAddress;
  readonly #socket: Net.Socket;
  #failure: Error | undefined;

  constructor(socket: Net.Socket) {
    this.#socket = socket;
    this.localAddr = { hostname: socket.localAddress!, port: socket.localPort! };
    this.remoteAddr = { hostname: socket.remoteAddress!, port: socket.remotePort! };
    socket.on("error", (error) => this.#failure = error);
  }

  async read(into: Uint8Array): Promise<number | null> {
    const socket = this.#socket;
    while (true) {
      if (this.#failure !== undefined) throw this.#failure;
      const length = Math.min(into.length, socket.readableLength);
      const bytes: Uint8Array | null = length === 0 ? socket.read(0) : socket.read(length);
      if (bytes !== null) {
        into.set(bytes);
        return bytes.length;
      }
      if (socket.readableEnded || socket.destroyed) return null;
      await moved(socket);
    }
  }

  write(from: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(from.slice(), (error) => {
        if (error) reject(error);
        else resolve(from.length);
      });
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(resolve));
  }

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }

  setKeepAlive(on: boolean): void {
    this.#socket.setKeepAlive(on);
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Settles when there may be something to read, or never will be. */
function moved(socket: Net.Socket): Promise<void> {
  return new Promise((resolve) => {
    const events = ["readable", "end", "error", "close"] as const;
    const done = (): void => {
      for (const event of events) socket.off(event, done);
      resolve();
    };
    for (const event of events) socket.on(event, done);
  });
}
