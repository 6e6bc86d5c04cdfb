/**
 * A server that is there and does not answer.
 *
 * @module
 */
import { machineAddress } from "./ports.ts";

/** A connection that the system can queue is made in less. */
const FULL_AFTER_MS = 2_000;

/** Whoever connects to it waits: nobody takes connections from the system's queue, and that is full. */
export class SilentServer implements Disposable {
  readonly #listener = Deno.listen({ hostname: machineAddress(), port: 0 });
  readonly #waiting: Deno.Conn[] = [];

  static async start(): Promise<SilentServer> {
    const server = new SilentServer();
    while (await server.#queues());
    return server;
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#waiting) connection.close();
  }

  async #queues(): Promise<boolean> {
    const { hostname, port } = this.#listener.addr;
    // The last one ends when the listener is closed.
    const queued = Deno.connect({ hostname, port })
      .then((connection) => this.#waiting.push(connection), () => 0);
    const late = new Promise<undefined>((resolve) =>
      setTimeout(() => resolve(undefined), FULL_AFTER_MS)
    );
    return await Promise.race([queued, late]) !== undefined;
  }
}
