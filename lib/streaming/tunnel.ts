import type { ByteSocket } from "./byte_socket.ts";
import { CLOSE_CODE, type MessageSocket } from "./message_socket.ts";

/**
 * Bytes through the binary messages of a WebSocket: KEP-4006, sub-protocol
 * `SPDY/3.1+portforward.k8s.io`. Where a message ends means nothing.
 */
export class Tunnel implements ByteSocket {
  readonly #socket: MessageSocket;

  readonly #signal: AbortSignal;

  /** `signal` is aborted when this side goes away, and not only this session. */
  constructor(socket: MessageSocket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
  }

  get closed(): AbortSignal {
    return this.#socket.closed;
  }

  chunks(): AsyncIterable<Uint8Array> {
    return this.#socket.messages();
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#socket.send(bytes);
  }

  close(): Promise<void> {
    return this.#socket.close(this.#signal.aborted ? CLOSE_CODE.goingAway : CLOSE_CODE.normal);
  }
}
