/**
 * What the API server answers when it refuses, as an error with a status to react to.
 *
 * @module
 */
import type { Status } from "./types.ts";

/** What an {@linkcode ApiError} is made of. */
export interface ApiErrorInit {
  /** HTTP method, as `GET`. */
  readonly method: string;
  /** Path with its query, without the server. */
  readonly path: string;
  /** HTTP status of the answer. */
  readonly status: number;
  /** The answer's body as it came: a `metav1.Status` in JSON, or whatever a proxy made of it. */
  readonly body?: string;
  /** Value of the `Retry-After` header. */
  readonly retryAfter?: string | undefined;
  /** What the reader can do about it; it ends the message. */
  readonly hint?: string;
}

/** An answer outside 200–299. Its message holds the method, the path and the server's own words. */
export class ApiError extends Error {
  /** Always `ApiError`. */
  override readonly name = "ApiError";
  /** HTTP status. In an `ERROR` event of a watch: the code of its status object. */
  readonly status: number;
  /** One word, as `NotFound`; empty if the answer was no `metav1.Status`. */
  readonly reason: string;
  /** Which object it is about, as the server says; absent if the answer was no `metav1.Status`. */
  readonly details: Status["details"];
  /** How long the server asks us to wait; `undefined` if it does not say. */
  readonly retryAfterMs: number | undefined;
  readonly #init: ApiErrorInit;

  /** Reads the answer: reason, details and waiting time are taken from a `metav1.Status`. */
  constructor(init: ApiErrorInit) {
    const answer = parseStatus(init.body ?? "");
    const reason = answer?.reason ?? "";
    const words = answer?.message ?? excerpt(init.body ?? "");
    super(
      `Cannot ${init.method} "${init.path}": the API server answered ${init.status}` +
        `${reason === "" ? "" : ` ${reason}`}${words === "" ? "" : `: ${words}`}` +
        `${init.hint === undefined ? "" : `. ${init.hint}`}`,
    );
    this.#init = init;
    this.status = init.status;
    this.reason = reason;
    this.details = answer?.details;
    this.retryAfterMs = retryAfterMs(init.retryAfter, answer);
  }

  /** The same error with advice at the end of its message. */
  withHint(hint: string): ApiError {
    return new ApiError({ ...this.#init, hint });
  }
}

/** True for a 404: the object, or the whole resource, is not there. */
export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 404;
}

/** True for a create that met an object of the same name. */
export function isAlreadyExists(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 409 && error.reason === "AlreadyExists";
}

/** True for a write that was based on an older version of the object than the server's. */
export function isConflict(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 409 && error.reason !== "AlreadyExists";
}

/** True if the resource version or the continue token is too old: list again. */
export function isGone(error: unknown): error is ApiError {
  return error instanceof ApiError &&
    (error.status === 410 || error.reason === "Expired" || error.reason === "Gone");
}

/** True for a 403: the server knows who asks, and refuses. */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403;
}

/** True for a 401: the server does not know who asks. */
export function isUnauthorized(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 401;
}

/** Characters of a foreign error page that go into a message: enough to see whose page it is. */
const EXCERPT_CHARS_MAX = 200;

function excerpt(body: string): string {
  const text = body.replaceAll(/\s+/g, " ").trim();
  return text.length <= EXCERPT_CHARS_MAX ? text : `${text.slice(0, EXCERPT_CHARS_MAX)}…`;
}

function parseStatus(body: string): Status | undefined {
  if (!body.trimStart().startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    return isStatus(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isStatus(value: unknown): value is Status {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "Status";
}

/** `Retry-After` in seconds (RFC 9110 §10.2.3); Kubernetes never sends the date form. */
function retryAfterMs(header: string | undefined, answer: Status | undefined): number | undefined {
  const seconds = header === undefined ? answer?.details?.retryAfterSeconds : Number(header);
  return seconds !== undefined && Number.isFinite(seconds) && seconds >= 0
    ? seconds * 1_000
    : undefined;
}
