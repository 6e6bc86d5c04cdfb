import { timingSafeEqual } from "node:crypto";
import type { GuestNetwork } from "../../../lib/mod.ts";
import { HELLO_MS_MAX, SOCKET_PATH_BYTES_MAX, STRANGERS_MAX } from "../limits.ts";
import { type Errand, serveVisitor } from "./desk_visitor.ts";
import { Lines } from "./lines.ts";
import { parseHello } from "./question.ts";
import type { NetworkTicket } from "./words.ts";

/** How {@linkcode NetworkDesk.admit} lets a run in. */
export interface AdmitOptions {
  /** Aborted when the guest is to take no connections any more. @default {never} */
  readonly stop?: AbortSignal;
  /** Whether a module that cannot bind finds itself listening. */
  readonly listens: boolean;
}

/** Leave for one process to ask on behalf of one run. */
export interface Admission extends Disposable {
  /** What the process has to know. */
  readonly ticket: NetworkTicket;
}

/**
 * Where guests' processes ask about their pods' networks: a Unix socket of the agent. Who comes shows the ticket of
 * its run, once, and is served until the run has ended.
 */
export class NetworkDesk implements AsyncDisposable {
  readonly #path: string;
  readonly #folder: string;
  readonly #listener: Deno.UnixListener;
  readonly #expected = new Map<number, Expected>();
  readonly #connections = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;
  #strangers = 0;
  #runs = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#path = `${folder}/desk`;
    this.#listener = Deno.listen({ transport: "unix", path: this.#path });
    this.#serving = this.#serve();
  }

  /**
   * Opens a desk in this folder, which is its own: made for this user alone, and whatever was in it is gone. Without
   * one, or where its path is too long for a Unix socket, it lies with the system's temporary files.
   */
  static async open(folder?: string): Promise<NetworkDesk> {
    const bytes = new TextEncoder().encode(`${folder}/desk`).length;
    if (folder === undefined || bytes > SOCKET_PATH_BYTES_MAX) {
      return new NetworkDesk(await Deno.makeTempDir({ prefix: "krustlet-" }));
    }
    await Deno.remove(folder, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    await Deno.mkdir(folder, { mode: 0o700 });
    return new NetworkDesk(folder);
  }

  /** Lets a process in that shows the ticket. Disposing of it sends the process away. */
  admit(network: GuestNetwork, { stop, listens }: AdmitOptions): Admission {
    const run = ++this.#runs;
    const token = crypto.getRandomValues(new Uint8Array(32)).toHex();
    const gone = new AbortController();
    const errand = { network, ...(stop === undefined ? {} : { stop }) };
    this.#expected.set(run, { token, errand, gone: gone.signal });
    const { loopback, connectPorts } = network;
    return {
      ticket: {
        path: this.#path,
        run,
        token,
        listeners: listens ? network.listeners : [],
        ...(loopback === undefined ? {} : { loopback }),
        ...(connectPorts === undefined ? {} : { connectPorts }),
      },
      [Symbol.dispose]: () => {
        this.#expected.delete(run);
        gone.abort();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    await this.#serving;
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {}); // somebody was quicker
  }

  async #serve(): Promise<void> {
    const visits = new Set<Promise<void>>();
    for await (const connection of this.#listener) {
      if (this.#strangers >= STRANGERS_MAX) {
        connection.close();
        continue;
      }
      this.#connections.add(connection);
      const visit = this.#receive(connection).finally(() => {
        visits.delete(visit);
        if (this.#connections.delete(connection)) connection.close();
      });
      visits.add(visit);
    }
    await Promise.all(visits);
  }

  /** Finds out who has come, and what for. Never rejects. */
  async #receive(connection: Deno.Conn): Promise<void> {
    const lines = new Lines(connection);
    const leave = (): void => {
      if (this.#connections.delete(connection)) connection.close();
    };
    const late = setTimeout(leave, HELLO_MS_MAX);
    this.#strangers++;
    let expected: Expected | undefined;
    try {
      expected = this.#recognise(await lines.next());
    } catch {
      // It has gone.
    } finally {
      clearTimeout(late);
      this.#strangers--;
    }
    if (expected === undefined || expected.gone.aborted) return;
    expected.gone.addEventListener("abort", leave);
    await serveVisitor(expected.errand, { connection, lines });
    expected.gone.removeEventListener("abort", leave);
  }

  /** Whose ticket that is; it is good for once. */
  #recognise(line: string | undefined): Expected | undefined {
    const hello = line === undefined ? undefined : parseHello(line);
    const expected = hello && this.#expected.get(hello.run);
    if (hello === undefined || expected === undefined) return undefined;
    if (!isSame(hello.token, expected.token)) return undefined;
    this.#expected.delete(hello.run);
    return expected;
  }
}

interface Expected {
  readonly token: string;
  readonly errand: Errand;
  /** The run has ended. */
  readonly gone: AbortSignal;
}

/** Compares in a time that does not tell how much is right. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [new TextEncoder().encode(one), new TextEncoder().encode(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
