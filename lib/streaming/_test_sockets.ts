/**
 * Connections without a network, for tests.
 *
 * @module
 */
import { Arrivals } from "./arrivals.ts";
import type { ByteSocket } from "./byte_socket.ts";
import type { MessageSocket } from "./message_socket.ts";
import { ClosedError } from "./session.ts";

/** Both ends of a connection: the test says what comes, and sees what is sent. */
export class FakeSocket implements ByteSocket, MessageSocket {
  /** What was sent, and not looked at. */
  readonly sent: (Uint8Array | string)[] = [];
  /** How it was closed from this side. */
  closeCode: number | undefined;
  /** Chunks or messages that were taken. */
  taken = 0;
  readonly #incoming = new Arrivals<Uint8Array>();
  readonly #closed = new AbortController();

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** The peer sends this. */
  come(...chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.#incoming.add(chunk);
  }

  /** The peer sends nothing more, behind what it has sent. */
  end(): void {
    this.#incoming.end();
  }

  /** The peer goes. */
  go(): void {
    this.#incoming.end();
    this.#closed.abort(new ClosedError("The peer has gone"));
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#incoming) {
      this.taken++;
      yield chunk;
    }
  }

  messages(): AsyncGenerator<Uint8Array> {
    return this.chunks();
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.send(bytes);
  }

  send(message: Uint8Array | string): Promise<void> {
    if (this.closed.aborted) return Promise.reject(new ClosedError("The peer has gone"));
    this.sent.push(message);
    return Promise.resolve();
  }

  close(code = 1000): Promise<void> {
    this.closeCode ??= code;
    this.go();
    return Promise.resolve();
  }
}

/** Waits for what must come true by itself, a turn of the event loop after the other. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn++) {
    if (turn >= TURNS_MAX) throw new Error(`Cannot see that ${holds}: it does not come true`);
    await new Promise((resolve) => setTimeout(resolve, turn < TURNS_FAST ? 0 : 10));
  }
}

const TURNS_FAST = 1_000;
/** Half a minute. */
const TURNS_MAX = 4_000;

/** Bytes of a text, or of hexadecimal digits. */
export function bytesOf(text: string, encoding: "utf-8" | "hex" = "utf-8"): Uint8Array {
  return encoding === "hex"
    ? Uint8Array.fromHex(text.replaceAll(" ", ""))
    : new TextEncoder().encode(text);
}

/** All of a stream, as text. */
export async function textOf(stream: ReadableStream<Uint8Array> | undefined): Promise<string> {
  return await new Response(stream).text();
}
