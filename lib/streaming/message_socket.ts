/**
 * A WebSocket as messages in both directions, with nothing kept that nobody asked for. The framing of
 * RFC 6455 is the library's.
 *
 * @module
 */
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import type { WebSocket } from "ws";
import { drained } from "./byte_socket.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { StreamingTimes } from "./limits.ts";
import { ClosedError } from "./session.ts";
import { open, shut } from "./tap.ts";

/** Messages to and from a peer. */
export interface MessageSocket {
  /** Aborted when the connection is gone. */
  readonly closed: AbortSignal;
  /** What the peer sends, until it closes or is gone; for one reader. */
  messages(): AsyncIterable<Uint8Array>;
  /**
   * Sends a message, which is not copied: bytes as a binary one, and a string as text. Settles when
   * there is room for more; rejects with a {@linkcode ClosedError} if the connection is gone.
   */
  send(message: Uint8Array | string): Promise<void>;
  /** Closes after what was sent, and waits for that; not for long. Never rejects. */
  close(code?: number): Promise<void>;
}

/** Status codes of RFC 6455, section 7.4.1. */
export const CLOSE_CODE = { normal: 1000, goingAway: 1001, protocolError: 1002 } as const;

/** A {@linkcode MessageSocket} over a WebSocket that is open. It is pinged as long as it is. */
export class OpenWebSocket implements MessageSocket {
  readonly #web: WebSocket;
  readonly #socket: Duplex;
  readonly #lingerMs: number;
  readonly #closed = new AbortController();
  readonly #heartbeat: Heartbeat;
  readonly #kept: Uint8Array[] = [];
  #unanswered: Uint8Array | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  /** `socket` is what lies under `web`. Call it in the turn in which the WebSocket was opened. */
  constructor(web: WebSocket, { socket, times }: { socket: Duplex; times: StreamingTimes }) {
    this.#web = web;
    this.#socket = socket;
    this.#lingerMs = times.lingerMs;
    this.#heartbeat = new Heartbeat(times, {
      ping: () => this.#ping(),
      onIdle: () => void this.close(),
    });
    web.on("message", (data) => {
      this.#heartbeat.alive();
      this.#kept.push(data as Uint8Array);
      // Several may be in one chunk of the socket, and all of them come.
      this.#shut();
      this.#wake?.();
    });
    web.on("pong", () => this.#heartbeat.alive());
    web.on("ping", (words) => {
      this.#heartbeat.alive();
      void this.#answer(words);
    });
    // A wrong frame or a broken connection; "close" follows.
    web.on("error", () => {});
    web.on("close", () => this.#gone());
    this.#shut();
    if (web.readyState === web.CLOSED) this.#gone();
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  async *messages(): AsyncGenerator<Uint8Array> {
    while (true) {
      const message = this.#kept.shift();
      if (message !== undefined) {
        yield message;
        continue;
      }
      if (this.#ended) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      this.#open();
      await promise;
      this.#wake = undefined;
    }
  }

  send(message: Uint8Array | string): Promise<void> {
    if (this.#web.readyState !== this.#web.OPEN) {
      return Promise.reject(new ClosedError("The peer has gone"));
    }
    this.#web.send(message);
    return drained(this.#socket);
  }

  async close(code: number = CLOSE_CODE.normal): Promise<void> {
    if (this.closed.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed.addEventListener("abort", () => resolve(), { once: true });
    const timer = setTimeout(() => this.#web.terminate(), this.#lingerMs);
    this.#web.close(code);
    // The peer's own closing frame comes after all that it has sent; nobody wants the rest.
    this.#ended = true;
    this.#web.removeAllListeners("message");
    this.#web.on("message", () => {});
    this.#open();
    this.#wake?.();
    await promise;
    clearTimeout(timer);
  }

  #shut(): void {
    shut(this.#socket, this.#web);
    this.#heartbeat.listens(false);
  }

  #open(): void {
    open(this.#socket, this.#web);
    this.#heartbeat.listens(true);
  }

  /** Answers the newest ping as soon as there is room: a peer that reads nothing gets one answer. */
  async #answer(words: Uint8Array): Promise<void> {
    const waiting = this.#unanswered !== undefined;
    this.#unanswered = words;
    if (waiting) return;
    await drained(this.#socket).catch(() => {});
    const newest = this.#unanswered;
    this.#unanswered = undefined;
    if (this.#web.readyState === this.#web.OPEN) this.#web.pong(newest);
  }

  #ping(): Promise<void> {
    if (this.#web.readyState === this.#web.OPEN) this.#web.ping();
    return drained(this.#socket);
  }

  #gone(): void {
    this.#heartbeat.stop();
    this.#ended = true;
    this.#closed.abort(new ClosedError("The peer has gone"));
    this.#wake?.();
  }
}
