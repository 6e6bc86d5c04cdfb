import { timingSafeEqual } from "node:crypto";
import type { GuestNetwork } from "../../../lib/mod.ts";
import {
  ACCEPT_PAUSE_MS,
  ALL_QUESTIONS_PER_S_MAX,
  HELLO_MS_MAX,
  SOCKET_PATH_BYTES_MAX,
  STRANGERS_MAX,
} from "../limits.ts";
import { type Errand, serveVisitor } from "./desk_visitor.ts";
import { Lines } from "./lines.ts";
import { Pace } from "./pace.ts";
import { parseHello } from "./question.ts";
import type { DeskAddress, NetworkTicket } from "./words.ts";

/** How {@linkcode NetworkDesk.admit} lets a run in. */
export interface AdmitOptions {
  /** Aborted when the guest is to take no connections any more. @default {never} */
  readonly stop?: AbortSignal;
  /** Whether a module that cannot bind finds itself listening. */
  readonly listens: boolean;
}

/** What a desk is reached over. */
export type DeskKind = "unix" | "tcp";

/** How {@linkcode NetworkDesk.open} opens one. */
export interface DeskOptions {
  /** @default {"tcp"} on Windows, else "unix" */
  readonly over?: DeskKind;
  /** Questions of all visitors together. @default {ALL_QUESTIONS_PER_S_MAX} */
  readonly questionsPerSecond?: number;
}

/** Leave for one process to ask on behalf of one run. */
export interface Admission extends Disposable {
  /** What the process has to know. */
  readonly ticket: NetworkTicket;
}

/**
 * Where guests' processes ask about their pods' networks: a Unix socket of the agent, or a port of `127.0.0.1` where
 * there are none. Who comes shows the ticket of its run, once, and is served until the run has ended; who has none is
 * told nothing.
 */
export class NetworkDesk implements AsyncDisposable {
  /** Where it is. */
  readonly address: DeskAddress;
  readonly #folder: string | undefined;
  readonly #listener: Deno.UnixListener | Deno.TcpListener;
  readonly #expected = new Map<number, Expected>();
  readonly #visitors = new Set<Visitor>();
  readonly #serving: Promise<void>;
  readonly #closed = new AbortController();
  readonly #pace: Pace;
  /** Who has shown no ticket yet, the first one first. */
  readonly #strangers = new Set<Visitor>();
  #runs = 0;

  /** In a folder of its own, or at a port. */
  private constructor(questionsPerSecond: number, folder?: string) {
    const nowMs = performance.now();
    this.#pace = new Pace({ perSecond: questionsPerSecond, burst: questionsPerSecond, nowMs });
    this.#folder = folder;
    if (folder === undefined) {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      this.#listener = listener;
      this.address = { port: listener.addr.port };
    } else {
      const path = `${folder}/desk`;
      this.#listener = Deno.listen({ transport: "unix", path });
      this.address = { path };
    }
    this.#serving = this.#serve();
  }

  /**
   * Opens a desk in this folder, which is its own: made for this user alone, and whatever was in it is gone. Without
   * one, or where its path is too long for a Unix socket, it lies with the system's temporary files. `over` TCP, which
   * is all that Deno has on Windows, it has no folder.
   */
  static async open(
    folder?: string,
    {
      over = Deno.build.os === "windows" ? "tcp" : "unix",
      questionsPerSecond = ALL_QUESTIONS_PER_S_MAX,
    }: DeskOptions = {},
  ): Promise<NetworkDesk> {
    if (over === "tcp") return new NetworkDesk(questionsPerSecond);
    const bytes = new TextEncoder().encode(`${folder}/desk`).length;
    if (folder === undefined || bytes > SOCKET_PATH_BYTES_MAX) {
      const own = await Deno.makeTempDir({ prefix: "krustlet-" });
      return new NetworkDesk(questionsPerSecond, own);
    }
    await Deno.remove(folder, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    await Deno.mkdir(folder, { mode: 0o700 });
    return new NetworkDesk(questionsPerSecond, folder);
  }

  /** Lets a process in that shows the ticket. Disposing of it sends the process away. */
  admit(network: GuestNetwork, { stop, listens }: AdmitOptions): Admission {
    const run = ++this.#runs;
    const token = crypto.getRandomValues(new Uint8Array(32)).toHex();
    const gone = new AbortController();
    const errand = { network, ...(stop === undefined ? {} : { stop }) };
    this.#expected.set(run, { token, errand, gone: gone.signal });
    const { loopback } = network;
    return {
      ticket: {
        at: this.address,
        run,
        token,
        listeners: listens ? network.listeners : [],
        ...(loopback === undefined ? {} : { loopback }),
      },
      [Symbol.dispose]: () => {
        this.#expected.delete(run);
        gone.abort();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#listener.close();
    for (const visitor of this.#visitors) this.#dismiss(visitor);
    await this.#serving;
    if (this.#folder === undefined) return;
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {}); // somebody was quicker
  }

  async #serve(): Promise<void> {
    const visits = new Set<Promise<void>>();
    for (;;) {
      const connection = await this.#accept();
      if (connection === undefined) break;
      // Who keeps silent makes room: over TCP any program of this machine may come.
      const [first] = this.#strangers;
      if (first !== undefined && this.#strangers.size >= STRANGERS_MAX) this.#dismiss(first);
      const visitor = { connection, leave: new AbortController() };
      this.#visitors.add(visitor);
      const visit = this.#receive(visitor).finally(() => {
        visits.delete(visit);
        this.#dismiss(visitor);
      });
      visits.add(visit);
    }
    await Promise.all(visits);
  }

  /** The next who comes; `undefined` once it is closed. */
  async #accept(): Promise<Deno.Conn | undefined> {
    while (!this.#closed.signal.aborted) {
      try {
        const connection = await this.#listener.accept();
        // A word behind another one would wait until that is acknowledged.
        if ("setNoDelay" in connection) connection.setNoDelay();
        return connection;
      } catch {
        // No descriptor is left for who has come, and he waits. To leave would cut all guests to come off.
        await pause(ACCEPT_PAUSE_MS, this.#closed.signal);
      }
    }
    return undefined;
  }

  /** Finds out who has come, and what for. Never rejects. */
  async #receive(visitor: Visitor): Promise<void> {
    const { connection, leave: { signal: gone } } = visitor;
    const lines = new Lines(connection);
    const leave = (): void => this.#dismiss(visitor);
    const late = setTimeout(leave, HELLO_MS_MAX);
    this.#strangers.add(visitor);
    let expected: Expected | undefined;
    try {
      expected = this.#recognise(await lines.next());
    } catch {
      // It has gone.
    } finally {
      clearTimeout(late);
      this.#strangers.delete(visitor);
    }
    if (expected === undefined || expected.gone.aborted) return;
    expected.gone.addEventListener("abort", leave);
    await serveVisitor(expected.errand, { connection, lines, pace: this.#pace, gone });
    expected.gone.removeEventListener("abort", leave);
  }

  #dismiss(visitor: Visitor): void {
    this.#strangers.delete(visitor);
    if (!this.#visitors.delete(visitor)) return;
    visitor.leave.abort();
    visitor.connection.close();
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

interface Visitor {
  readonly connection: Deno.Conn;
  /** Aborted when the connection is closed. */
  readonly leave: AbortController;
}

interface Expected {
  readonly token: string;
  readonly errand: Errand;
  /** The run has ended. */
  readonly gone: AbortSignal;
}

/** Waits for so long, or until the signal is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) return Promise.resolve();
  const end = (): void => resolve();
  const timer = setTimeout(end, ms);
  signal.addEventListener("abort", end);
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  });
}

/** Compares in a time that does not tell how much is right. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [new TextEncoder().encode(one), new TextEncoder().encode(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
