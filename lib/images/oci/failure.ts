/**
 * What went wrong between this node and a registry, and whether another try may help.
 *
 * @module
 */
import { ERROR_CHARS_MAX } from "./limits.ts";
import { advise, type Problem } from "./problem.ts";

/**
 * An exchange with a registry that did not work, in either direction.
 *
 * The message is the state, and what to do where that is known; the caller says what it was doing.
 */
export class PullFailure extends Error {
  /** Always `PullFailure`. */
  override readonly name = "PullFailure";
  /** The message without the advice. */
  readonly state: string;
  /** What a person could mend. Whoever knows better words than `advise` puts them behind `state`. */
  readonly problem: Problem | undefined;
  /** Another try of the same request may work. */
  readonly retry: boolean;
  /** What the server asked to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The HTTP status, if there was an answer. */
  readonly status: number | undefined;
  /** The peer was not reached, fell silent, or is in trouble: this says nothing about what was wanted. */
  readonly unavailable: boolean;

  /** The state is a clause without a capital or a full stop. */
  constructor(
    state: string,
    options: ErrorOptions & {
      retry?: boolean;
      retryAfterMs?: number | undefined;
      status?: number | undefined;
      problem?: Problem | undefined;
      unavailable?: boolean;
    } = {},
  ) {
    const { cause, problem } = options;
    super(
      problem === undefined ? state : `${state}; ${advise(problem)}`,
      cause === undefined ? {} : { cause },
    );
    this.state = state;
    this.problem = problem;
    this.retry = options.retry ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
    this.unavailable = options.unavailable ?? false;
  }

  /** The same failure, which also tells of the mirrors that failed before. */
  after(mirrors: readonly PullFailure[]): PullFailure {
    if (mirrors.length === 0) return this;
    const told = mirrors.map(({ state }) => clean(state)).join("; ");
    const { cause, problem, retry, retryAfterMs, status, unavailable } = this;
    const state = `${this.state} (its mirrors failed before: ${told})`;
    return new PullFailure(state, { cause, problem, retry, retryAfterMs, status, unavailable });
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
  const { host, secure } = peer;
  const of = `host "${host}"`;
  const fail = (state: string, problem?: Problem): PullFailure =>
    new PullFailure(state, { cause: error, problem });
  const away = (state: string): PullFailure =>
    new PullFailure(state, { cause: error, unavailable: true });

  if (/dns error/i.test(text)) {
    return away(`${of} has no address (DNS): is the name right, and this machine's DNS?`);
  }
  if (/connection refused|os error 10061/i.test(text)) {
    return away(`${of} refuses connections: is it up, and is the port right?`);
  }
  if (/no route to host|network is unreachable/i.test(text)) {
    return away(`${of} is unreachable from this node: is the address right, and the way there?`);
  }
  if (/InvalidContentType/.test(text)) {
    return fail(`${of} does not speak HTTPS`, { kind: "not_https", host });
  }
  if (/certificate/i.test(text)) return certificateFailure(text, { host, error });
  if (/message head is too large/.test(text)) {
    return fail(`${of} sent more headers than any registry needs; is this a registry?`);
  }
  if (/unsuccessful tunnel|proxy/i.test(text)) {
    return away(
      `the proxy of this process does not lead to ${of}; name it in NO_PROXY if it needs none`,
    );
  }
  if (/invalid HTTP version|SendRequest.*pars/i.test(text)) {
    return secure
      ? fail(`${of} does not speak HTTP; is the port right?`)
      : fail(`${of} does not speak plain HTTP`, { kind: "not_http", host });
  }
  if (/ports? .*blocked/i.test(text)) {
    return fail(`the port of ${of} is reserved for another protocol; serve it on another one`);
  }
  return new PullFailure(
    `the connection to ${of} broke: ${clean(text)}; look at its log, and at what is in between`,
    { retry: true, cause: error, unavailable: true },
  );
}

function certificateFailure(
  text: string,
  { host, error }: { readonly host: string; readonly error: unknown },
): PullFailure {
  const of = `the certificate of host "${host}"`;
  const fail = (state: string, problem?: Problem): PullFailure =>
    new PullFailure(state, { cause: error, problem });
  if (/UnknownIssuer/.test(text)) {
    return fail(`${of} is signed by an unknown authority`, { kind: "unknown_authority", host });
  }
  if (/CertificateRequired|certificate required/i.test(text)) {
    return fail(`host "${host}" asks for a client certificate`, {
      kind: "no_client_certificate",
      host,
    });
  }
  const names = /only valid for (.+)$/s.exec(text)?.[1];
  if (names !== undefined) {
    return fail(
      `${of} is for another name: ${clean(names)}; use that one, or renew it for this one`,
    );
  }
  if (/not valid yet|NotValidYet/.test(text)) {
    return fail(`${of} is not valid yet: is this machine's clock right?`);
  }
  if (/expired/i.test(text)) {
    return fail(`${of} has expired: renew it, or is this machine's clock wrong?`);
  }
  return fail(
    `${of} is not acceptable: ${
      clean(text.replace(/^.*invalid peer certificate: /s, ""))
    }; have it renewed`,
  );
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
