/**
 * One HTTP request to a registry: time-outs, redirects and limits, and nothing of OCI.
 *
 * @module
 */
import { Clients, type Trust } from "./clients.ts";
import { networkFailure, PullFailure } from "./failure.ts";
import { HEADERS_MS_MAX, IDLE_MS_MAX, REDIRECTS_MAX, UPLOAD_MS_MAX } from "./limits.ts";
import { type Reply, silence, StreamedReply } from "./reply.ts";

export type { Reply } from "./reply.ts";

/** `fetch`, as far as it is used here. `client` is Deno's own option. Bodies are byte streams. */
export type Fetch = (
  url: string,
  init: RequestInit & { client?: Deno.HttpClient },
) => Promise<Response>;

/** A request. Headers other than these are the transport's own. */
export interface Request {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the origin of the URL only, never along a redirect to another one. */
  readonly authorization?: string | undefined;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly signal: AbortSignal;
  /** Whose trust and connections to use: the registry that the request is made for. */
  readonly registry: string;
}

/** Options of a {@linkcode Transport}. */
export interface TransportOptions {
  /** Replaces the runtime's own `fetch`; then no HTTP clients are kept. */
  readonly fetch?: Fetch | undefined;
  /** Whom to believe, and as whom to come. @default {the runtime's authorities, as nobody} */
  readonly trust?: Trust | undefined;
  /** Sent as `User-Agent`. @default {"krustlet"} */
  readonly userAgent?: string | undefined;
  /** Milliseconds to the head of an answer. @default {HEADERS_MS_MAX} */
  readonly headersMs?: number | undefined;
  /** Milliseconds without a byte of a body. @default {IDLE_MS_MAX} */
  readonly idleMs?: number | undefined;
  /** Milliseconds of waiting in which `SLOW_BYTES_MIN` must come. @default {SLOW_MS} */
  readonly slowMs?: number | undefined;
}

/** Sends requests; keeps connections to each registry until closed. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #clients: Clients;

  constructor(options: TransportOptions = {}) {
    this.#options = options;
    this.#clients = new Clients(options.trust);
  }

  /**
   * The answer to one request, whatever its status, after redirects; only those of GET and HEAD are
   * followed.
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
      if (request.method !== "GET" && request.method !== "HEAD") {
        throw new PullFailure(
          `host "${at.host}" redirects a request that holds credentials or content; use the name ` +
            `that it redirects to`,
        );
      }
      if (hops === REDIRECTS_MAX) {
        throw new PullFailure(
          `host "${url.host}" redirects more than ${REDIRECTS_MAX} times; last to "${at.host}"; ` +
            `is this a registry?`,
        );
      }
      const next = redirectTarget(location, at);
      if (next.origin !== at.origin) authorization = undefined;
      at = next;
    }
  }

  /** Closes the kept connections. Requests that are under way end on their own. */
  close(): void {
    this.#clients.close();
  }

  async #sendOnce(url: URL, request: Request): Promise<Reply> {
    const { body, method, registry } = request;
    const { idleMs = IDLE_MS_MAX, slowMs, userAgent = "krustlet" } = this.#options;
    const stop = new AbortController();
    const signal = AbortSignal.any([request.signal, stop.signal]);
    // The answer to a body begins when all of it was sent.
    const headersMs = this.#options.headersMs ??
      (body === undefined || typeof body === "string" ? HEADERS_MS_MAX : UPLOAD_MS_MAX);
    const timer = setTimeout(() => stop.abort(silence(url.host, headersMs)), headersMs);
    try {
      const own = this.#options.fetch;
      const response = await (own ?? fetch)(url.href, {
        ...(own === undefined ? { client: this.#clients.of(url, registry) } : {}),
        method,
        headers: {
          // The digest is that of the bytes sent: nobody may compress them on the way.
          "accept-encoding": "identity",
          "user-agent": userAgent,
          ...request.headers,
          ...(request.authorization === undefined ? {} : { authorization: request.authorization }),
        },
        redirect: "manual",
        signal,
        ...(body === undefined ? {} : { body }),
      });
      return await plain(
        new StreamedReply(response, { stop, signal, url, limits: { idleMs, slowMs } }),
      );
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof PullFailure) throw error;
      throw networkFailure(error, { host: url.host, secure: url.protocol === "https:" });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Nothing is ever unpacked here, so that nobody can send little that becomes much. */
async function plain(reply: Reply): Promise<Reply> {
  const encoding = reply.headers.get("content-encoding") ?? "identity";
  if (encoding.trim().toLowerCase() === "identity") return reply;
  await reply.discard();
  throw new PullFailure(
    `host "${reply.url.host}" packs its answer (Content-Encoding), which was not asked for; the ` +
      `registry or a proxy before it must send content as it is`,
  );
}

/** Where a redirect leads. Never from HTTPS to HTTP, and never to another kind of URL. */
function redirectTarget(location: string, from: URL): URL {
  const next = URL.parse(location, from);
  if (next === null || !/^https?:$/.test(next.protocol)) {
    throw new PullFailure(
      `host "${from.host}" redirects to something that is not a web address; is this a registry?`,
    );
  }
  if (from.protocol === "https:" && next.protocol === "http:") {
    throw new PullFailure(
      `host "${from.host}" redirects from HTTPS to plain HTTP at "${next.host}"; let it redirect to ` +
        `HTTPS`,
    );
  }
  next.username = "";
  next.password = "";
  next.hash = "";
  return next;
}
