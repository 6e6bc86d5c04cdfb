/**
 * Requests to one registry, with the authorization that it asks for and with another try where that
 * may help.
 *
 * @module
 */
import { type Asked, refusal } from "./answer.ts";
import { parseChallenge } from "./challenge.ts";
import { fingerprint } from "./credential.ts";
import { PullFailure } from "./failure.ts";
import { SMALL_BODY_MS_MAX, SMALL_TRIES_MS_MAX, TOKENS_MAX } from "./limits.ts";
import type { Place } from "./places.ts";
import { withRetries } from "./retry.ts";
import { basic, type Right, Tokens, type TokenUse } from "./tokens.ts";
import type { Reply, Request, Transport } from "./transport.ts";

/** One request to a registry. */
export interface Ask {
  readonly method: Request["method"];
  /** Behind `/v2/` and the repository's name, as `blobs/sha256:…`; or where a registry's answer led. */
  readonly at: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Request["body"];
  /** What is asked for, for messages: `manifest "v1" of "library/hello"`. */
  readonly wanted: string;
  /** @default {"pull"} */
  readonly right?: Right;
  /** A second repository that must be readable. */
  readonly from?: string;
  readonly signal: AbortSignal;
}

/** Options of a {@linkcode Session}. */
export interface SessionOptions {
  /** Milliseconds before the second try. */
  readonly retryMs?: number | undefined;
}

/** Speaks to registries, and remembers their tokens for the credential that each was given for. */
export class Session {
  readonly #transport: Transport;
  readonly #tokens: Tokens;
  readonly #retryMs: number | undefined;
  /** Who was asked for a password before; it then comes with the first request, and bodies go once. */
  readonly #basic = new Set<string>();

  constructor(transport: Transport, options: SessionOptions = {}) {
    this.#transport = transport;
    this.#tokens = new Tokens(transport);
    this.#retryMs = options.retryMs;
  }

  /**
   * The head of one answer. On a 401 it gets what the registry asks for and asks once more.
   *
   * Throws a `PullFailure` for 429 and 5xx; what other statuses mean is for the caller to say.
   */
  async send(place: Place, ask: Ask): Promise<Reply> {
    const url = urlOf(place, ask.at);
    const { method, headers = {}, body, signal } = ask;
    const send = (authorization: string | undefined): Promise<Reply> =>
      this.#transport.send(url, {
        method,
        headers,
        signal,
        authorization,
        registry: place.registry,
        ...(body === undefined ? {} : { body }),
      });
    // Where an upload is sent elsewhere, that address is its own permission.
    if (url.origin !== place.base.origin) {
      return await this.#busy(await send(undefined), place, ask);
    }
    const known = this.#known(place, ask);
    const reply = await send(known);
    if (reply.status !== 401) return await this.#busy(reply, place, ask);
    const authorization = await this.#answer(reply, place, { ...ask, known });
    // The first answer is then the refusal that the caller puts into words.
    if (authorization === undefined) return reply;
    await reply.discard();
    if (body instanceof ReadableStream) {
      throw new PullFailure(
        `registry "${place.registry}" asked who we are in the middle of a blob`,
        {
          retry: true,
        },
      );
    }
    return await this.#busy(await send(authorization), place, ask);
  }

  /** One exchange with a small body, with a time limit of its own, several times if need be. */
  async small<T>(signal: AbortSignal, exchange: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return await withRetries(() => this.once(signal, exchange), {
      signal,
      retryMs: this.#retryMs,
      withinMs: SMALL_TRIES_MS_MAX,
    });
  }

  /** One exchange with a small body, with a time limit of its own. */
  async once<T>(signal: AbortSignal, exchange: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = AbortSignal.timeout(SMALL_BODY_MS_MAX);
    try {
      return await exchange(AbortSignal.any([signal, late]));
    } catch (error) {
      if (error !== late.reason) throw error;
      throw new PullFailure(
        `no whole answer within ${SMALL_BODY_MS_MAX / 1000} s; is the registry overloaded?`,
        { cause: error, unavailable: true },
      );
    }
  }

  /** Runs `attempt` again where its failure says that this may help, with pauses between. */
  async retry<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    return await withRetries(attempt, { signal, retryMs: this.#retryMs });
  }

  /** What a refusing answer means; reads the rest of it. */
  async refusal(reply: Reply, place: Place, ask: Ask): Promise<PullFailure> {
    return await refusal(reply, askedOf(reply, place, ask));
  }

  /** 429 and 5xx are no answers to the question: they go to whoever tries again. */
  async #busy(reply: Reply, place: Place, ask: Ask): Promise<Reply> {
    if (reply.status !== 429 && reply.status < 500) return reply;
    throw await this.refusal(reply, place, ask);
  }

  async #answer(
    reply: Reply,
    place: Place,
    ask: Ask & { readonly known: string | undefined },
  ): Promise<string | undefined> {
    const challenge = parseChallenge(reply.headers.get("www-authenticate") ?? "");
    if (challenge?.scheme === "bearer") {
      const insecure = place.base.protocol === "http:";
      const { signal } = ask;
      const token = this.#tokens.fetch(challenge, useOf(place, ask), { signal, insecure });
      // Whatever becomes of the token, the first answer's body must not keep its connection.
      await token.catch(() => reply.discard());
      return `Bearer ${await token}`;
    }
    const { credential } = place;
    if (challenge === undefined || credential === undefined || credential.username === "") {
      return undefined;
    }
    const password = basic(credential);
    if (ask.known === password) {
      // Refused just now, it would be refused again.
      this.#basic.delete(basicKey(place));
      return undefined;
    }
    if (this.#basic.size >= TOKENS_MAX) this.#basic.clear();
    this.#basic.add(basicKey(place));
    return password;
  }

  #known(place: Place, ask: Ask): string | undefined {
    const token = this.#tokens.kept(useOf(place, ask));
    if (token !== undefined) return `Bearer ${token}`;
    const { credential } = place;
    return credential !== undefined && this.#basic.has(basicKey(place))
      ? basic(credential)
      : undefined;
  }
}

function urlOf({ base, repository }: Place, at: string | URL): URL {
  if (at instanceof URL) return at;
  return new URL(repository === "" ? `/v2/${at}` : `/v2/${repository}/${at}`, base);
}

function basicKey({ base, credential }: Place): string {
  return `${base.origin} ${fingerprint(credential)}`;
}

function useOf(place: Place, { right = "pull", from }: Ask): TokenUse {
  const { registry, repository, credential } = place;
  return { registry, repository, credential, right, from };
}

function askedOf(reply: Reply, place: Place, { wanted, right = "pull" }: Ask): Asked {
  return {
    registry: place.registry,
    credential: place.credential,
    host: reply.url.host,
    role: "registry",
    right: right === "pull" ? "read" : "write",
    wanted,
  };
}
