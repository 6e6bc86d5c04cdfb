import type { ByteSocket } from "./byte_socket.ts";
import type { MessageSocket } from "./message_socket.ts";

/**
 * Bytes through the binary messages of a WebSocket: KEP-4006, sub-protocol
 * `SPDY/3.1+portforward.k8s.io`. Where a message ends means nothing.
 */
export class Tunnel implements ByteSocket {
  readonly #socket: MessageSocket;

  constructor(socket: MessageSocket) {
    this.#socket = socket;
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
    return this.#socket.close();
  }
}
