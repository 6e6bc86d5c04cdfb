/**
 * Asking other servers for names.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import type { Endpoint, TransportProtocol } from "../../guest_network.ts";
import {
  MessageError,
  type Question,
  RCODE,
  readQuery,
  readReply,
  type Reply,
  TCP_BYTES_MAX,
} from "./message.ts";
import { lowerLabels } from "./name.ts";
import { MessageSplitter, withLength } from "./tcp_messages.ts";

/** Whom to ask, and how long. */
export interface UpstreamQuestion {
  /** Addresses, in the order in which they are asked. */
  readonly servers: readonly string[];
  /** Who asks: nobody may take the places of all others. */
  readonly asker: string;
  readonly over: TransportProtocol;
  /** For one server. */
  readonly timeoutMs: number;
  /** How often all of them are asked. */
  readonly attempts: number;
  readonly signal: AbortSignal;
}

/** How servers are reached. */
export interface UpstreamOptions {
  /** Where a server really is, as one that has a Service's address; undefined if it cannot be reached now. */
  readonly route?: (to: Endpoint, protocol: TransportProtocol) => Endpoint | undefined;
}

/** Nobody has answered. */
export class UpstreamError extends Error {
  /** Always `UpstreamError`. */
  override readonly name = "UpstreamError";
}

/** Where servers listen. */
const DNS_PORT = 53;
/**
 * Questions that wait for other servers at once, of all pods: each has a socket. A pod may have as many of them as are
 * left for the others, so that some are left however many pods ask.
 */
export const UPSTREAM_QUESTIONS_MAX = 256;
/** What a server says that may be different elsewhere. */
const TRY_ANOTHER: ReadonlySet<number> = new Set([
  RCODE.serverFailure,
  RCODE.refused,
  RCODE.notImplemented,
]);

/** Sends questions as they are, under numbers of its own. */
export class Upstream {
  readonly #options: UpstreamOptions;
  #waiting = 0;
  /** By who asks. */
  readonly #waitingOf = new Map<string, number>();

  constructor(options: UpstreamOptions = {}) {
    this.#options = options;
  }

  /**
   * The answer to a question, as it came, under the question's own number. Believes only whom it has
   * asked, from a socket that is used once.
   *
   * @throws {UpstreamError} if no server answers in time, or too many questions wait already.
   */
  async ask(query: Uint8Array, how: UpstreamQuestion): Promise<Uint8Array> {
    const { asker } = how;
    const own = this.#waitingOf.get(asker) ?? 0;
    if (own >= UPSTREAM_QUESTIONS_MAX - this.#waiting) {
      throw new UpstreamError(
        `Cannot ask for a name: ${own} questions of pod "${asker}" wait already, of ${this.#waiting} \
together; try again when some have an answer`,
      );
    }
    this.#waiting++;
    this.#waitingOf.set(asker, own + 1);
    try {
      return await this.#askAll(query, how);
    } finally {
      this.#waiting--;
      const left = this.#waitingOf.get(asker)! - 1;
      if (left > 0) this.#waitingOf.set(asker, left);
      else this.#waitingOf.delete(asker);
    }
  }

  async #askAll(
    query: Uint8Array,
    { servers, attempts, ...how }: Omit<UpstreamQuestion, "asker">,
  ): Promise<Uint8Array> {
    let best: Uint8Array | undefined;
    let trouble: unknown;
    for (let attempt = 0; attempt < attempts && best === undefined; attempt++) {
      for (const ip of servers) {
        how.signal.throwIfAborted();
        const own = query.slice();
        const [id] = crypto.getRandomValues(new Uint16Array(1));
        new DataView(own.buffer).setUint16(0, id!);
        try {
          const to = { ip, port: DNS_PORT };
          const route = this.#options.route;
          const place = route === undefined ? to : route(to, how.over);
          if (place === undefined) throw new UpstreamError(`Nobody serves at ${ip} now`);
          const { bytes, reply } = await exchange(own, place, how);
          bytes.set(query.subarray(0, 2));
          if (!TRY_ANOTHER.has(reply.rcode)) return bytes;
          best = bytes;
        } catch (error) {
          trouble = error;
        }
      }
    }
    if (best !== undefined) return best;
    how.signal.throwIfAborted();
    throw new UpstreamError(`Cannot ask for a name: no server of ${servers.join(", ")} answers`, {
      cause: trouble,
    });
  }
}

interface Answer {
  readonly bytes: Uint8Array;
  readonly reply: Reply;
}

function exchange(
  query: Uint8Array,
  place: Endpoint,
  { over, ...how }: Pick<UpstreamQuestion, "over" | "timeoutMs" | "signal">,
): Promise<Answer> {
  const asked = readQuery(query);
  const accept = (bytes: Uint8Array): Answer | undefined => {
    try {
      const reply = readReply(bytes);
      const same = reply.id === asked.id && isSame(reply.question, asked.question);
      return same ? { bytes, reply } : undefined;
    } catch (error) {
      if (error instanceof MessageError) return undefined;
      throw error;
    }
  };
  return over === "udp"
    ? overUdp(query, { place, accept, ...how })
    : overTcp(query, { place, accept, ...how });
}

interface Exchange extends Pick<UpstreamQuestion, "timeoutMs" | "signal"> {
  readonly place: Endpoint;
  readonly accept: (bytes: Uint8Array) => Answer | undefined;
}

function overUdp(query: Uint8Array, { place, accept, ...limits }: Exchange): Promise<Answer> {
  const socket = createSocket(isIPv6(place.ip) ? "udp6" : "udp4");
  return limited((resolve, reject) => {
    socket.on("error", reject);
    socket.on("message", (bytes: Uint8Array, from) => {
      if (from.address !== place.ip || from.port !== place.port) return;
      const answer = accept(new Uint8Array(bytes));
      if (answer !== undefined) resolve(answer);
    });
    socket.send(query, place.port, place.ip, (error) => {
      if (error) reject(error);
    });
    return () => socket.close();
  }, limits);
}

function overTcp(query: Uint8Array, { place, accept, ...limits }: Exchange): Promise<Answer> {
  const socket = connect({ host: place.ip, port: place.port });
  const splitter = new MessageSplitter(TCP_BYTES_MAX);
  return limited((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", () => reject(new UpstreamError("The server has closed the connection")));
    socket.on("data", (chunk: Uint8Array) => {
      for (const bytes of splitter.push(chunk)) {
        const answer = accept(bytes);
        if (answer !== undefined) resolve(answer);
      }
    });
    socket.write(withLength(query));
    return () => socket.destroy();
  }, limits);
}

/** Begins, and waits for its end, the time or the signal; then closes. */
async function limited<T>(
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
  { timeoutMs, signal }: Pick<UpstreamQuestion, "timeoutMs" | "signal">,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onAbort = (): void => reject(signal.reason);
  const timer = setTimeout(
    () => reject(new UpstreamError(`No answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  signal.addEventListener("abort", onAbort);
  const close = begin(resolve, reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    close();
  }
}

function isSame(one: Question, other: Question): boolean {
  return one.type === other.type && one.class === other.class &&
    lowerLabels(one.name).join("\0") === lowerLabels(other.name).join("\0");
}
