/**
 * A client that says whatever it is told to, one connection at a time. For tests only.
 *
 * @module
 */
import { connect, type TLSSocket } from "node:tls";
import { CLUSTER } from "../_test_node.ts";
import { AnswerReader, type ReadAnswer } from "./answers.ts";

/** Time for one answer: real ones take milliseconds, but the machine may be busy. */
const ANSWER_MS_MAX = 60_000;

/** One connection without a certificate. */
export class RawClient {
  readonly #socket: TLSSocket;
  readonly #answers = new AnswerReader();
  #closed = false;
  #wake: (() => void) | undefined;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => {
      this.#answers.add(bytes);
      this.#wake?.();
    });
    // Whatever it says, "close" follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  /** Connects; settles when the server may be written to. */
  static async open(port: number): Promise<RawClient> {
    const socket = connect({ host: "127.0.0.1", port, ca: CLUSTER.certPem });
    // Pieces of a request would wait for each other.
    socket.setNoDelay(true);
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("close", () => reject(new Error("Cannot connect: the server has closed")));
    });
    return client;
  }

  /** True when the server has closed the connection, or {@linkcode leave} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** What has come and is no answer. */
  get rest(): string {
    return this.#answers.rest;
  }

  /** Writes text, byte for character. */
  write(...pieces: readonly string[]): void {
    for (const piece of pieces) if (piece !== "") this.#socket.write(Buffer.from(piece, "latin1"));
  }

  /** The next answer that is not 1xx; `undefined` if the connection is closed before it is complete. */
  async answer(
    { toHead = false }: { readonly toHead?: boolean } = {},
  ): Promise<ReadAnswer | undefined> {
    while (true) {
      const read = this.#answers.next({ toHead, ended: this.#closed });
      if (read !== undefined && (read.status === 101 || read.status >= 200)) return read;
      if (read !== undefined) continue;
      if (this.#closed) return undefined;
      await this.#change("an answer");
    }
  }

  /** Settles when the server has closed the connection, or `enough` holds. */
  async until(enough: () => boolean): Promise<void> {
    while (!this.#closed && !enough()) await this.#change("the end of the connection");
  }

  /** Wakes whoever waits here, because something else has changed. */
  look(): void {
    this.#wake?.();
  }

  /** Says that nothing more comes. */
  end(): void {
    this.#socket.end();
  }

  /** Goes away at once. */
  async leave(): Promise<void> {
    this.#socket.destroy();
    while (!this.#closed) await this.#change("its own end");
  }

  async #change(what: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reject(new Error(`Cannot wait for ${what}: nothing came for ${ANSWER_MS_MAX} ms`)),
      ANSWER_MS_MAX,
    );
    this.#wake = resolve;
    await promise.finally(() => clearTimeout(timer));
    this.#wake = undefined;
  }
}
