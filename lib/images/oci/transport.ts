/**
 * One HTTP request to a registry: time-outs, redirects and limits, and nothing of OCI.
 *
 * @module
 */
import { networkFailure, PullFailure } from "./failure.ts";
import { CLIENTS_MAX, HEADERS_MS_MAX, IDLE_MS_MAX, REDIRECTS_MAX } from "../limits.ts";
import { type Reply, silence, StreamedReply } from "./reply.ts";

export type { Reply } from "./reply.ts";

/** `fetch`, as far as it is used here. `client` is Deno's own option. */
export type Fetch = (
  url: string,
  init: RequestInit & { client?: Deno.HttpClient },
) => Promise<Response>;

/** A request. Headers other than these are the transport's own. */
export interface Request {
  readonly method: "GET" | "HEAD" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the origin of the URL only, never along a redirect to another one. */
  readonly authorization?: string | undefined;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** Which of the kept HTTP clients to use: the registry that the request is made for. */
  readonly registry: string;
}

/** Options of a {@linkcode Transport}. */
export interface TransportOptions {
  /** Replaces the runtime's own `fetch`; then no HTTP clients are kept. */
  readonly fetch?: Fetch | undefined;
  /** @default {HEADERS_MS_MAX} */
  readonly headersMs?: number | undefined;
  /** @default {IDLE_MS_MAX} */
  readonly idleMs?: number | undefined;
}

/** Sends requests; keeps connections to each registry until closed. */
export class Transport {
  readonly #fetch: Fetch | undefined;
  readonly #headersMs: number;
  readonly #idleMs: number;
  readonly #clients = new Map<string, Deno.HttpClient>();
  #closed = false;

  constructor(options: TransportOptions = {}) {
    this.#fetch = options.fetch;
    this.#headersMs = options.headersMs ?? HEADERS_MS_MAX;
    this.#idleMs = options.idleMs ?? IDLE_MS_MAX;
  }

  /**
   * The answer to one request, whatever its status, after redirects.
   *
   * Throws a `PullFailure` if there is none, and the signal's reason if that was aborted.
   */
  async send(url: URL, request: Request): Promise<Reply> {
    let at = url;
    let authorization = request.authorization;
    for (let hops = 0;; hops++) {
      const reply = await this.#sendOnce(at, { ...request, authorization });
      const location = reply.headers.get("location");
      if (![301, 302, 303, 307, 308].includes(reply.status) || location === null) return reply;
      await reply.discard();
      if (request.method === "POST") {
        throw new PullFailure(`host "${at.host}" redirects a request that holds credentials`);
      }
      if (hops === REDIRECTS_MAX) {
        throw new PullFailure(
          `host "${url.host}" redirects more than ${REDIRECTS_MAX} times; last to "${at.host}"`,
        );
      }
      const next = redirectTarget(location, at);
      if (next.origin !== at.origin) authorization = undefined;
      at = next;
    }
  }

  /** Closes the kept connections. Requests that are under way end on their own. */
  close(): void {
    this.#closed = true;
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #sendOnce(url: URL, request: Request): Promise<Reply> {
    const stop = new AbortController();
    const signal = AbortSignal.any([request.signal, stop.signal]);
    const peer = { host: url.host, secure: url.protocol === "https:" };
    const timer = setTimeout(
      () => stop.abort(silence(url.host, this.#headersMs)),
      this.#headersMs,
    );
    try {
      const fetching = this.#fetch ?? fetch;
      const response = await fetching(url.href, {
        ...this.#client(request.registry),
        method: request.method,
        headers: {
          // The digest is that of the bytes sent: nobody may compress them on the way.
          "accept-encoding": "identity",
          "user-agent": "krustlet",
          ...request.headers,
          ...(request.authorization === undefined ? {} : { authorization: request.authorization }),
        },
        redirect: "manual",
        signal,
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      return new StreamedReply(response, { stop, signal, peer, idleMs: this.#idleMs });
    } catch (error) {
      signal.throwIfAborted();
      throw networkFailure(error, peer);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * The client of one registry: its connections, and later its CAs and its proxy.
   *
   * HTTP/1 only, because a stalled stream of a shared HTTP/2 connection stalls the others.
   */
  #client(registry: string): { client?: Deno.HttpClient } {
    if (this.#fetch !== undefined) return {};
    if (this.#closed) throw new PullFailure("the image store is closed");
    let client = this.#clients.get(registry);
    if (client === undefined) {
      client = Deno.createHttpClient({ http1: true, http2: false });
      const [oldest] = this.#clients.keys();
      if (this.#clients.size >= CLIENTS_MAX && oldest !== undefined) {
        this.#clients.get(oldest)?.close();
        this.#clients.delete(oldest);
      }
    }
    // Put at the end again: the first of the map is the one that was unused for longest.
    this.#clients.delete(registry);
    this.#clients.set(registry, client);
    return { client };
  }
}

/** Where a redirect leads. Never from HTTPS to HTTP, and never to another kind of URL. */
function redirectTarget(location: string, from: URL): URL {
  const next = URL.parse(location, from);
  if (next === null || !/^https?:$/.test(next.protocol)) {
    throw new PullFailure(`host "${from.host}" redirects to something that is not a web address`);
  }
  if (from.protocol === "https:" && next.protocol === "http:") {
    throw new PullFailure(
      `host "${from.host}" redirects from HTTPS to plain HTTP at "${next.host}"`,
    );
  }
  next.username = "";
  next.password = "";
  next.hash = "";
  return next;
}
