import { ERRNO } from "../../errno.ts";
import type { Answer } from "../host.ts";
import type { Changes, Ready } from "./portable_socket.ts";
import type { TextAddress } from "./portable_socket_address.ts";
import type { Wire } from "./portable_socket_connection.ts";
import { socketRefusal } from "./portable_socket_error.ts";

/** Takes connections, one ahead of the guest: the others wait in the system's own queue. */
export class Listener {
  readonly #listener: Deno.TcpListener;
  readonly #changes: Changes;
  #next: Wire | Answer | undefined;
  #accepting = false;
  #closed = false;

  constructor(listener: Deno.TcpListener, changes: Changes) {
    this.#listener = listener;
    this.#changes = changes;
  }

  get address(): TextAddress {
    return this.#listener.addr;
  }

  /** What there is to tell; if nothing, begins to accept. */
  readiness(): Ready | undefined {
    if (this.#next !== undefined) return { errno: ERRNO.success, bytes: 0n, hangup: false };
    if (!this.#accepting) void this.#accept();
    return undefined;
  }

  /** The next connection, or why there is none: `again` if nobody has knocked. */
  take(): Wire | Answer {
    if (this.#closed) return -ERRNO.badf;
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) return next;
    this.readiness();
    return -ERRNO.again;
  }

  /** May be called again. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    if (typeof this.#next === "object") this.#next.close();
    this.#changes.wake();
  }

  async #accept(): Promise<void> {
    this.#accepting = true;
    let next: Wire | Answer;
    try {
      next = await this.#listener.accept();
    } catch (error) {
      next = socketRefusal(error);
    }
    this.#accepting = false;
    if (this.#closed && typeof next === "object") next.close();
    else this.#next = next;
    this.#changes.wake();
  }
}
