/**
 * `port-forward` over a WebSocket by channels: for each port that the request names, one for data and
 * one for an error, and one client.
 *
 * @module
 */
import { Arrivals } from "../arrivals.ts";
import { Budget, Inbox } from "../inbox.ts";
import { ERROR_CHARS_MAX } from "../limits.ts";
import { CLOSE_CODE, type MessageSocket } from "../message_socket.ts";
import { ClosedError, type ForwardedConnection, type PortForwardSession } from "../session.ts";
import type { ChannelCodec } from "./codec.ts";

/** A WebSocket on which ports are to be served. */
export interface ChannelForwardOptions {
  readonly codec: ChannelCodec;
  /** In the order of the channels. */
  readonly ports: readonly number[];
}

/** Serves one client for each of the ports. Closes when all of them have ended. */
export function forwardOverChannels(
  socket: MessageSocket,
  options: ChannelForwardOptions,
): PortForwardSession {
  return new ChannelForward(socket, options);
}

class ChannelForward implements PortForwardSession {
  readonly #socket: MessageSocket;
  readonly #codec: ChannelCodec;
  readonly #budget = new Budget();
  readonly #clients: readonly ChannelForwarded[];
  readonly #ready = new Arrivals<ForwardedConnection>();

  constructor(socket: MessageSocket, { codec, ports }: ChannelForwardOptions) {
    this.#socket = socket;
    this.#codec = codec;
    this.#clients = ports.map((port, index) => {
      const send = (channel: number, bytes: Uint8Array): Promise<void> =>
        socket.send(codec.encode({ channel: 2 * index + channel, bytes }));
      return new ChannelForwarded(port, { send, inbox: new Inbox(this.#budget) });
    });
    for (const client of this.#clients) {
      client.closed.addEventListener("abort", () => this.#closeIfOver(), { once: true });
      this.#ready.add(client);
    }
    this.#ready.end();
    void this.#run();
  }

  get closed(): AbortSignal {
    return this.#socket.closed;
  }

  [Symbol.asyncIterator](): AsyncIterator<ForwardedConnection> {
    return this.#ready[Symbol.asyncIterator]();
  }

  close(): Promise<void> {
    return this.#socket.close(CLOSE_CODE.normal);
  }

  async #run(): Promise<void> {
    const onClosed = (): void => this.#budget.close();
    this.closed.addEventListener("abort", onClosed, { once: true });
    for await (const message of this.#socket.messages()) {
      const read = this.#codec.decode(message);
      const client = read === undefined ? undefined : this.#clients[read.channel / 2];
      if (read === undefined || client === undefined) continue;
      client.inbox.push(read.bytes);
      await this.#budget.roomFor(client.inbox);
    }
    for (const client of this.#clients) client.lose(new ClosedError("The connection is closed"));
    await this.close();
  }

  #closeIfOver(): void {
    if (this.#clients.every(({ closed }) => closed.aborted)) void this.close();
  }
}

class ChannelForwarded implements ForwardedConnection {
  readonly port: number;
  readonly inbox: Inbox;
  readonly data: ReadableWritablePair<Uint8Array, Uint8Array>;
  readonly #send: (channel: number, bytes: Uint8Array) => Promise<void>;
  readonly #closed = new AbortController();

  constructor(
    port: number,
    { send, inbox }: {
      send(channel: number, bytes: Uint8Array): Promise<void>;
      inbox: Inbox;
    },
  ) {
    this.port = port;
    this.inbox = inbox;
    this.#send = send;
    const writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        const onClosed = (): void => controller.error(new ClosedError("The connection is closed"));
        this.closed.addEventListener("abort", onClosed, { once: true });
      },
      write: (bytes) => send(0, bytes),
    });
    this.data = { readable: inbox.readable, writable };
    // Both channels begin with the port, in two bytes, the low one first.
    for (const channel of [0, 1]) {
      void send(channel, Uint8Array.of(port & 0xff, port >>> 8)).catch(() => {});
    }
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** A channel has no end of its own: the WebSocket closes when all clients have ended. */
  end(): Promise<void> {
    this.inbox.discard();
    this.#closed.abort();
    return Promise.resolve();
  }

  async fail(message: string): Promise<void> {
    const bytes = new TextEncoder().encode(message.slice(0, ERROR_CHARS_MAX));
    await this.#send(1, bytes).catch(() => {});
    await this.end();
  }

  /** The WebSocket is gone. */
  lose(error: Error): void {
    this.inbox.fail(error);
    this.#closed.abort();
  }
}
