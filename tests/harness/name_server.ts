/**
 * A name server over UDP that knows one address for every name.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { machineAddress } from "./ports.ts";

const HEADER_BYTES = 12;
const TYPE_A = 1;

/** Answers at once, on an address of this machine, until it is disposed of. */
export class NameServer implements AsyncDisposable {
  readonly #socket = createSocket("udp4");
  readonly #address: readonly number[];
  /** The names that it was asked for, in their order. */
  readonly asked: string[] = [];

  private constructor(address: string) {
    this.#address = address.split(".").map(Number);
    this.#socket.on("message", (query: Uint8Array, sender) => {
      this.#socket.send(this.#reply(query), sender.port, sender.address, () => {}); // it may have gone
    });
  }

  /** Every name has this address. Without a port the system chooses one. */
  static async start(address: string, port = 0): Promise<NameServer> {
    const server = new NameServer(address);
    server.#socket.bind(port, machineAddress());
    await once(server.#socket, "listening");
    return server;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }

  /** RFC 1035 section 4.1: the question, and for one of type A an answer that is not to be kept. */
  #reply(query: Uint8Array): Uint8Array {
    let end = HEADER_BYTES;
    const labels: string[] = [];
    while (query[end] !== 0) {
      const next = end + 1 + query[end]!;
      labels.push(new TextDecoder().decode(query.subarray(end + 1, next)));
      end = next;
    }
    this.asked.push(labels.join("."));
    const question = query.subarray(HEADER_BYTES, end + 5);
    const known = question.at(-3) === TYPE_A;
    const header = [...query.subarray(0, 2), 0x81, 0x80, 0, 1, 0, known ? 1 : 0, 0, 0, 0, 0];
    const answer = [0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, ...this.#address];
    return new Uint8Array([...header, ...question, ...(known ? answer : [])]);
  }
}
