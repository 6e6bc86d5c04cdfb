/**
 * A server for names, for programs in pods that bring a resolver of their own.
 *
 * @module
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, isIPv6, type Server, type Socket } from "node:net";
import type { Pod } from "../../api/types.ts";
import { messageOf } from "../../errors.ts";
import type { Endpoint } from "../../guest_network.ts";
import { answerMessage, type Asker, type NameLimits, QUERY_BYTES_MAX } from "./answers.ts";
import type { NameFinder } from "./finder.ts";
import { MessageSplitter, withLength } from "./tcp_messages.ts";

/** Who is served, and where. */
export interface DnsServerOptions {
  /** Finds the names. */
  readonly finder: NameFinder;
  /** Which pod has this address, as it is seen here; whoever is no pod gets no answer. */
  readonly podOf: (ip: string) => Pod | undefined;
  /** What a pod limits itself to. @default {nobody does} */
  readonly limitsOf?: ((pod: Pod) => NameLimits | undefined) | undefined;
  /** Told what a pod was not to look up, and why. @default {nobody is} */
  readonly onRefused?:
    | ((pod: Pod, what: { name: string; reason: "allowed-hosts" | "policy" }) => void)
    | undefined;
  /** Addresses of this machine, of which the first one counts. @default {127.0.0.1} */
  readonly addresses?: readonly string[];
  /** Told when a socket fails. @default {nobody} */
  readonly onTrouble?: (message: string) => void;
}

/** Questions of one pod that wait for an answer. Packets beyond are dropped, and sent again by who asks. */
export const POD_QUESTIONS_MAX = 64;
/** Connections of one pod. */
export const POD_CONNECTIONS_MAX = 16;
/** A connection without a question is closed after so long (RFC 7766, 6.2.3). */
const IDLE_MS = 10_000;
/** A port that is free for packets may be taken for connections: another is tried. */
const PORT_ATTEMPTS_MAX = 20;

/** Listens on one port of loopback, for packets and for connections. */
export class DnsServer implements AsyncDisposable {
  readonly #options: DnsServerOptions;
  readonly #udp: UdpSocket[] = [];
  readonly #tcp: Server[] = [];
  readonly #connections = new Map<Socket, string>();
  readonly #waiting = new Map<string, number>();
  readonly #ending = new AbortController();
  readonly #work = new Set<Promise<void>>();
  #port = 0;

  private constructor(options: DnsServerOptions) {
    this.#options = options;
  }

  /** Listens. Rejects if it cannot. */
  static async open(options: DnsServerOptions): Promise<DnsServer> {
    const server = new DnsServer(options);
    for (let attempt = 1;; attempt++) {
      try {
        await server.#listen();
        return server;
      } catch (error) {
        await server.#close();
        if (attempt < PORT_ATTEMPTS_MAX) continue;
        throw new Error("Cannot listen for questions about names: no port is free", {
          cause: error,
        });
      }
    }
  }

  /** Where it listens, for packets and connections; `undefined` if it has no address of this family. */
  endpoint(family: 4 | 6 = 4): Endpoint | undefined {
    const ip = this.#addresses.find((each) => isIPv6(each) === (family === 6));
    return ip === undefined ? undefined : { ip, port: this.#port };
  }

  /** Ends all questions and connections; resolves when nothing is left of them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#close();
    await Promise.all(this.#work);
  }

  get #addresses(): readonly string[] {
    return this.#options.addresses ?? ["127.0.0.1"];
  }

  async #listen(): Promise<void> {
    this.#port = 0;
    for (const address of this.#addresses) {
      const udp = createSocket(isIPv6(address) ? "udp6" : "udp4");
      udp.on("message", (bytes: Uint8Array, from) => this.#packet(udp, { bytes, from }));
      this.#udp.push(udp);
      udp.bind({ address, port: this.#port });
      await once(udp, "listening");
      udp.on("error", (error) => this.#tell(error));
      this.#port = udp.address().port;
      const tcp = createServer((socket) => this.#connection(socket));
      this.#tcp.push(tcp);
      tcp.listen({ host: address, port: this.#port });
      await once(tcp, "listening");
      tcp.on("error", (error) => this.#tell(error));
    }
  }

  async #close(): Promise<void> {
    const closed = [
      ...this.#udp.map((socket) => once(socket, "close")),
      ...this.#tcp.filter(({ listening }) => listening).map((server) => once(server, "close")),
    ];
    for (const socket of this.#udp.splice(0)) socket.close();
    for (const server of this.#tcp.splice(0)) server.close();
    for (const socket of this.#connections.keys()) socket.destroy();
    await Promise.all(closed);
  }

  #packet(
    socket: UdpSocket,
    { bytes, from }: { readonly bytes: Uint8Array; readonly from: RemoteInfo },
  ): void {
    const pod = this.#options.podOf(from.address);
    if (pod === undefined) return;
    const { uid = "" } = pod.metadata ?? {};
    const waiting = this.#waiting.get(uid) ?? 0;
    if (waiting >= POD_QUESTIONS_MAX) return;
    this.#waiting.set(uid, waiting + 1);
    this.#run(async () => {
      const { finder } = this.#options;
      const asker = this.#asker(pod, { over: "udp", signal: this.#ending.signal });
      try {
        const answer = await answerMessage(new Uint8Array(bytes), { finder, asker });
        if (answer === undefined || this.#ending.signal.aborted) return;
        // Who does not take its answer has gone, or asks again.
        socket.send(answer, from.port, from.address, () => {});
      } finally {
        const left = (this.#waiting.get(uid) ?? 1) - 1;
        if (left > 0) this.#waiting.set(uid, left);
        else this.#waiting.delete(uid);
      }
    });
  }

  #connection(socket: Socket): void {
    const pod = this.#options.podOf(socket.remoteAddress ?? "");
    const uid = pod?.metadata?.uid ?? "";
    const others = [...this.#connections.values()].filter((owner) => owner === uid).length;
    socket.on("error", () => {}); // a peer that goes is no trouble
    if (pod === undefined || others >= POD_CONNECTIONS_MAX || this.#ending.signal.aborted) {
      socket.destroy();
      return;
    }
    this.#connections.set(socket, uid);
    socket.on("close", () => this.#connections.delete(socket));
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    this.#run(() => this.#serve(socket, pod));
  }

  /** One question after the other: who asks faster than it is answered is not read from. */
  async #serve(socket: Socket, pod: Pod): Promise<void> {
    const { finder } = this.#options;
    const splitter = new MessageSplitter(QUERY_BYTES_MAX);
    using ending = new Ending(socket, this.#ending.signal);
    const asker = this.#asker(pod, { over: "tcp", signal: ending.signal });
    try {
      for await (const chunk of socket as AsyncIterable<Uint8Array>) {
        for (const bytes of splitter.push(chunk)) {
          const answer = await answerMessage(bytes, { finder, asker });
          if (answer === undefined) return;
          if (!socket.write(withLength(answer))) await once(socket, "drain", ending);
        }
        if (splitter.broken) return;
      }
    } catch {
      // The connection has ended.
    } finally {
      socket.destroy();
    }
  }

  #asker(pod: Pod, how: Pick<Asker, "over" | "signal">): Asker {
    const { limitsOf, onRefused } = this.#options;
    return {
      ...how,
      pod,
      limits: limitsOf?.(pod),
      onRefused: (name, reason) => onRefused?.(pod, { name, reason }),
    };
  }

  #run(work: () => Promise<void>): void {
    const done = work().catch((error) => this.#tell(error)).finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  #tell(error: unknown): void {
    this.#options.onTrouble?.(`Cannot answer a question about names: ${messageOf(error)}`);
  }
}

/** Fires when a connection closes, or all end. */
class Ending implements Disposable {
  readonly #controller = new AbortController();
  readonly #all: AbortSignal;
  readonly #end = (): void => this.#controller.abort();

  constructor(socket: Socket, all: AbortSignal) {
    this.#all = all;
    socket.once("close", this.#end);
    all.addEventListener("abort", this.#end);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#all.removeEventListener("abort", this.#end);
  }
}
