/**
 * What went wrong between this node and a registry, and whether another try may help.
 *
 * @module
 */
import { ERROR_CHARS_MAX } from "../limits.ts";

/** A pull that did not work. The message is the state alone; the caller says what it was doing. */
export class PullFailure extends Error {
  override readonly name = "PullFailure";
  /** Another try of the same request may work. */
  readonly retry: boolean;
  /** What the server asked to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The HTTP status, if there was an answer. */
  readonly status: number | undefined;

  constructor(
    message: string,
    options: ErrorOptions & { retry?: boolean; retryAfterMs?: number; status?: number } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.retry = options.retry ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
  }
}

/**
 * Says in a person's words why no answer came from `host`.
 *
 * The runtime tells TLS, DNS and socket errors apart in the message text only.
 */
export function networkFailure(
  error: unknown,
  peer: { readonly host: string; readonly secure: boolean },
): PullFailure {
  const text = innermost(error);
  const host = `"${peer.host}"`;
  const fail = (message: string, retry: boolean): PullFailure =>
    new PullFailure(message, { retry, cause: error });

  if (/dns error/i.test(text)) return fail(`host ${host} has no address (DNS)`, false);
  if (/connection refused|os error 10061/i.test(text)) {
    return fail(`host ${host} refuses connections: is it up, and is the port right?`, false);
  }
  if (/no route to host|network is unreachable/i.test(text)) {
    return fail(`host ${host} is unreachable from this node`, false);
  }
  if (/InvalidContentType/.test(text)) {
    return fail(
      `host ${host} does not speak HTTPS; for a registry on plain HTTP start the node with ` +
        `--insecure-registries ${peer.host}`,
      false,
    );
  }
  if (/certificate/i.test(text)) {
    return fail(certificateState(text, host), false);
  }
  if (!peer.secure && /invalid HTTP version|SendRequest.*pars/i.test(text)) {
    return fail(
      `host ${host} does not speak plain HTTP; if it speaks HTTPS, take it off --insecure-registries`,
      false,
    );
  }
  if (/ports? .*blocked/i.test(text)) {
    return fail(`the port of host ${host} is reserved for another protocol`, false);
  }
  return fail(`the connection to host ${host} broke: ${clean(text)}`, true);
}

function certificateState(text: string, host: string): string {
  const of = `the certificate of host ${host}`;
  if (/UnknownIssuer/.test(text)) {
    return `${of} is signed by an unknown authority; start the agent with the CA's ` +
      `file in DENO_CERT, or with DENO_TLS_CA_STORE=system`;
  }
  const names = /only valid for (.+)$/s.exec(text)?.[1];
  if (names !== undefined) return `${of} is for another name: ${clean(names)}`;
  if (/expired/i.test(text)) return `${of} has expired`;
  if (/not valid yet|NotValidYet/.test(text)) {
    return `${of} is not valid yet: is this node's clock right?`;
  }
  return `${of} is not acceptable: ${clean(text.replace(/^.*invalid peer certificate: /s, ""))}`;
}

/** The text of the cause that has no further cause. */
function innermost(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : innermost(error.cause);
}

/** Makes a peer's words fit for a message: one line, printable, not long. */
export function clean(text: string): string {
  const line = text.replace(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, " ").trim();
  return line.length <= ERROR_CHARS_MAX ? line : `${line.slice(0, ERROR_CHARS_MAX)}…`;
}

/** Milliseconds that a `Retry-After` header asks for; undefined if it says nothing usable. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
