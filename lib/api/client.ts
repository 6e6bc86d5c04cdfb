/**
 * Speaks to the API server over Deno's own `fetch`, and keeps nothing.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import { ApiError } from "./api_error.ts";
import { readText, splitLines } from "./body.ts";
import { Deadline, delay, untilAborted } from "./deadline.ts";
import {
  ApiConnectionError,
  type ClusterAccess,
  explainFailure,
  openTransport,
} from "./transport.ts";

export {
  ApiError,
  type ApiErrorInit,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isNotFound,
  isUnauthorized,
} from "./api_error.ts";
export { ApiConnectionError, type ClusterAccess, type ConnectionFailure } from "./transport.ts";

/** Time for one request, from the first byte sent to the last byte read. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** One answer: 500 objects of the largest size that etcd usually stores do not reach it. */
export const RESPONSE_BYTES_MAX = 256 * 1024 * 1024;
/** An error answer: a `metav1.Status`, or a proxy's page of which we quote a line. */
export const ERROR_BYTES_MAX = 1024 * 1024;
/** One line of a watch: a request may have 3 MiB, and its managed fields and escapes add to it. */
export const LINE_BYTES_MAX = 16 * 1024 * 1024;
/** How often a request that was answered 429 with `Retry-After` is sent again. */
export const THROTTLED_RETRIES_MAX = 4;
/** Waits no longer than this for a `Retry-After`, so that one header cannot stall the agent. */
export const THROTTLED_WAIT_MS_MAX = 10_000;

/** What every request may have. */
export interface RequestOptions {
  /** Parameters of the URL, not yet encoded. */
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Ends the request; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Time for the whole request. @default {the client's, {@linkcode REQUEST_TIMEOUT_MS}} */
  readonly timeoutMs?: number | undefined;
  /** Asks for the object's metadata alone, for who does not look at the answer. @default false */
  readonly brief?: boolean | undefined;
}

/** An answer without spec and status (Kubernetes API concepts, "Receiving resources as metadata"). */
const BRIEF = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/** How a patch is to be read: RFC 7396, strategic merge, RFC 6902, or server-side apply. */
export type PatchType = "merge" | "strategic" | "json" | "apply";

/** A request that was answered, or was not. */
export interface ObservedAnswer {
  /** As `GET`; a watch is one as well. */
  readonly method: string;
  /** HTTP status; `undefined` if there was none. */
  readonly status: number | undefined;
  /** Host and port of the server. */
  readonly host: string;
  /** Until the answer began. */
  readonly ms: number;
}

/** One of the kept connections' generations: replaced when the identity changes or time runs out. */
interface Pool {
  readonly access: ClusterAccess;
  readonly http: Deno.HttpClient;
}

interface Send {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly options: RequestOptions;
}

/**
 * A client of one API server with one identity.
 *
 * Every request ends: by its answer, the caller's signal, or the time-out. An answer outside
 * 200–299 rejects with {@linkcode ApiError}, a failed connection with
 * {@linkcode ApiConnectionError}. Deno's `fetch` sends a request again on its own when a kept
 * connection is reset before the answer begins, a POST too: a create may be told `AlreadyExists` of
 * what it has created itself.
 */
export class ApiClient implements Disposable {
  readonly #userAgent: string;
  readonly #timeoutMs: number;
  readonly #streams = new Set<Deadline>();
  /** Hears of each request when its answer begins, or has failed. @default {nobody} */
  onAnswer: ((answer: ObservedAnswer) => void) | undefined;
  #pool: Pool;
  #closed = false;
  #identities = 1;

  /** Throws if the access cannot be used: an unknown scheme, a certificate without its key. */
  constructor(
    access: ClusterAccess,
    options: { readonly userAgent?: string; readonly timeoutMs?: number } = {},
  ) {
    this.#userAgent = options.userAgent ?? "krustlet";
    this.#timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#pool = { access, http: openTransport(access) };
  }

  /** Address of the server, for messages. */
  get server(): string {
    return this.#pool.access.server;
  }

  /** How many identities it has had: more than before if {@linkcode replaceAccess} was called. */
  get identities(): number {
    return this.#identities;
  }

  /** Gets one object or list. */
  get<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return this.#json<T>({ method: "GET", path, options });
  }

  /** Creates an object (POST). */
  create<T>(path: string, body: unknown, options: RequestOptions = {}): Promise<T> {
    return this.#json<T>({ method: "POST", path, body, options });
  }

  /** Replaces an object (PUT). */
  update<T>(path: string, body: unknown, options: RequestOptions = {}): Promise<T> {
    return this.#json<T>({ method: "PUT", path, body, options });
  }

  /** Changes a part of an object. `fieldManager` and `force` of an apply go into `query`. */
  patch<T>(
    path: string,
    patch: unknown,
    options: RequestOptions & { readonly type: PatchType },
  ): Promise<T> {
    const contentType = PATCH_CONTENT_TYPES[options.type];
    return this.#json<T>({ method: "PATCH", path, body: patch, contentType, options });
  }

  /** Deletes an object; `body` holds `DeleteOptions`, as grace period and preconditions. */
  delete<T>(
    path: string,
    options: RequestOptions & { readonly body?: unknown } = {},
  ): Promise<T> {
    return this.#json<T>({ method: "DELETE", path, body: options.body, options });
  }

  /**
   * A streamed answer (watch, log), line by line. The time-out covers the wait for its head; after
   * that only the caller's signal and the server end it. It also ends, like an answer that is
   * complete, when {@linkcode replaceAccess} is called. `onOpen` is called when the server has agreed,
   * before the first line.
   */
  async *lines(
    path: string,
    options: RequestOptions & { readonly onOpen?: (() => void) | undefined } = {},
  ): AsyncGenerator<string, void, void> {
    const request: Send = { method: "GET", path, options };
    using deadline = new Deadline(options.signal);
    deadline.restart(options.timeoutMs ?? this.#timeoutMs);
    this.#streams.add(deadline);
    try {
      const response = await this.#send(request, deadline);
      if (!response.ok) throw await this.#refusal(request, response);
      deadline.stop();
      options.onOpen?.();
      if (response.body !== null) yield* splitLines(response.body, LINE_BYTES_MAX);
    } catch (error) {
      if (deadline.signal.reason === REPLACED && deadline.signal.aborted) return;
      throw this.#explain(error, request, deadline);
    } finally {
      this.#streams.delete(deadline);
    }
  }

  /**
   * Uses another identity from now on. Requests under way finish with the old one; streams end, so
   * that their callers open them again with the new one. Throws, and changes nothing, if the new
   * access cannot be used.
   */
  replaceAccess(access: ClusterAccess): void {
    if (this.#closed) throw new Error(`Cannot replace the access to "${this.server}": closed`);
    const http = openTransport(access);
    this.#pool.http.close();
    this.#pool = { access, http };
    this.#identities += 1;
    this.#endStreams();
  }

  /** Closes idle connections and ends streams. New requests are refused. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pool.http.close();
    this.#endStreams();
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #endStreams(): void {
    for (const stream of this.#streams) stream.abort(REPLACED);
  }

  async #json<T>(request: Send): Promise<T> {
    using deadline = new Deadline(request.options.signal);
    deadline.restart(request.options.timeoutMs ?? this.#timeoutMs);
    let refusal: ApiError | undefined;
    try {
      for (let attempt = 0;; attempt++) {
        const response = await this.#send(request, deadline);
        if (response.ok) return await this.#parse<T>(request, response);
        refusal = await this.#refusal(request, response);
        const waitMs = refusal.retryAfterMs;
        if (refusal.status !== 429 || waitMs === undefined || attempt >= THROTTLED_RETRIES_MAX) {
          throw refusal;
        }
        await delay(Math.min(waitMs, THROTTLED_WAIT_MS_MAX), deadline.signal);
      }
    } catch (error) {
      // Time that was up while we waited to ask again is no silence of the server.
      if (deadline.expired && refusal !== undefined) throw refusal;
      throw this.#explain(error, request, deadline);
    }
  }

  async #send(request: Send, deadline: Deadline): Promise<Response> {
    if (this.#closed) {
      throw new ApiConnectionError(
        "network",
        `Cannot ${request.method} "${request.path}": the client is closed`,
      );
    }
    // The pool is taken after the token: an identity that changes meanwhile counts at once.
    const token = await this.#token(request, deadline);
    const { access, http } = this.#pool;
    const headers: Record<string, string> = {
      accept: request.options.brief === true ? BRIEF : "application/json",
      "user-agent": this.#userAgent,
    };
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    if (request.body !== undefined) {
      headers["content-type"] = request.contentType ?? "application/json";
    }
    const url = urlOf(access.server, request);
    const beganMs = performance.now();
    let status: number | undefined;
    try {
      const response = await fetch(url, {
        method: request.method,
        headers,
        client: http,
        // A redirect would carry the credentials to an address that nobody configured.
        redirect: "manual",
        signal: deadline.signal,
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      });
      status = response.status;
      return response;
    } finally {
      const { method } = request;
      const ms = performance.now() - beganMs;
      this.onAnswer?.({ method, status, host: new URL(url).host, ms });
    }
  }

  async #token(request: Send, deadline: Deadline): Promise<string | undefined> {
    try {
      return await untilAborted(Promise.resolve(this.#pool.access.token?.()), deadline.signal);
    } catch (error) {
      if (deadline.signal.aborted) throw error;
      throw new ApiConnectionError(
        "credentials",
        `Cannot ${request.method} "${request.path}": there is no token for the API server ` +
          `"${this.server}": ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  async #parse<T>(request: Send, response: Response): Promise<T> {
    const text = await readText(response.body, RESPONSE_BYTES_MAX);
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw new ApiConnectionError(
        "network",
        `Cannot ${request.method} "${request.path}": "${this.server}" answered ${response.status} ` +
          `with something else than JSON: ${text.slice(0, 100).replaceAll(/\s+/g, " ")}`,
        { cause: error },
      );
    }
  }

  async #refusal(request: Send, response: Response): Promise<ApiError> {
    return new ApiError({
      method: request.method,
      path: pathOf(request),
      status: response.status,
      body: await readText(response.body, ERROR_BYTES_MAX),
      retryAfter: response.headers.get("retry-after") ?? undefined,
    });
  }

  /** What the caller is told: its own reason, the time-out, the refusal, or a failed connection. */
  #explain(error: unknown, request: Send, deadline: Deadline): unknown {
    if (deadline.expired) {
      this.#renewPool();
      return new ApiConnectionError(
        "timeout",
        `Cannot ${request.method} "${pathOf(request)}": no answer from the API server ` +
          `"${this.server}": ${String(deadline.signal.reason?.message)}`,
        { cause: error },
      );
    }
    if (request.options.signal?.aborted) return request.options.signal.reason;
    if (error instanceof ApiError || error instanceof ApiConnectionError) return error;
    return explainFailure(error, {
      method: request.method,
      path: pathOf(request),
      server: this.server,
    });
  }

  /**
   * After a network that drops packets, every kept connection is dead and none knows: each would
   * cost one time-out. So the first time-out throws them all away.
   */
  #renewPool(): void {
    if (this.#closed) return;
    const { access, http } = this.#pool;
    this.#pool = { access, http: openTransport(access) };
    http.close();
  }
}

/** Reason of a stream's end that is no error of the stream. */
const REPLACED = Symbol("replaced");

const PATCH_CONTENT_TYPES: Record<PatchType, string> = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
};

function pathOf(request: Send): string {
  const query = new URLSearchParams(request.options.query).toString();
  return query === "" ? request.path : `${request.path}?${query}`;
}

function urlOf(server: string, request: Send): string {
  return `${server.replace(/\/+$/, "")}${pathOf(request)}`;
}
