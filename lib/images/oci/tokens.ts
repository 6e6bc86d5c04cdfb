/**
 * Bearer tokens: fetched from the server that a registry names, and kept for one credential each.
 *
 * The protocol is the distribution project's token authentication, and its OAuth2 form for identity
 * tokens.
 *
 * @module
 */
import { refusal } from "./answer.ts";
import type { Challenge } from "./challenge.ts";
import { type Credential, fingerprint } from "./credential.ts";
import { PullFailure } from "./failure.ts";
import {
  TOKEN_BYTES_MAX,
  TOKEN_MS_DEFAULT,
  TOKEN_MS_MAX,
  TOKEN_SLACK_MS,
  TOKENS_MAX,
} from "./limits.ts";
import type { Transport } from "./transport.ts";

/** Which repository is meant, and as whom. */
export interface Access {
  /** As in a reference: host and port, or `docker.io`. */
  readonly registry: string;
  /** Path inside the registry. */
  readonly repository: string;
  /** Who we are; undefined for nobody. */
  readonly credential: Credential | undefined;
}

/** What shall be allowed; each includes to read. */
export type Right = "pull" | "push" | "delete";

/** What a token is for. A token is never used for anything else. */
export interface TokenUse extends Access {
  readonly right: Right;
  /** Another repository that is read, for a mount from it. */
  readonly from?: string | undefined;
}

type BearerChallenge = Extract<Challenge, { scheme: "bearer" }>;

/** Gets tokens, and gives them again to the same credential for the same repository. */
export class Tokens {
  readonly #transport: Transport;
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, { readonly token: string; readonly untilMs: number }>();

  constructor(transport: Transport, options: { nowMs?: () => number } = {}) {
    this.#transport = transport;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** A token that was fetched before and is still good for a while. */
  kept(use: TokenUse): string | undefined {
    const kept = this.#kept.get(keyOf(use));
    return kept !== undefined && kept.untilMs > this.#nowMs() ? kept.token : undefined;
  }

  /** A new token. `insecure` allows a token server on plain HTTP. */
  async fetch(
    challenge: BearerChallenge,
    use: TokenUse,
    options: { readonly signal: AbortSignal; readonly insecure: boolean },
  ): Promise<string> {
    const realm = realmOf(challenge, use, options.insecure);
    const { token, validMs } = await this.#ask(realm, {
      challenge,
      use,
      signal: options.signal,
    });
    const key = keyOf(use);
    this.#kept.delete(key);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= TOKENS_MAX && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, { token, untilMs: this.#nowMs() + validMs - TOKEN_SLACK_MS });
    return token;
  }

  async #ask(
    realm: URL,
    { challenge, use, signal }: {
      challenge: BearerChallenge;
      use: TokenUse;
      signal: AbortSignal;
    },
  ): Promise<{ token: string; validMs: number }> {
    const { credential, registry, repository, right } = use;
    const query = new URLSearchParams(realm.search);
    if (challenge.service !== undefined) query.set("service", challenge.service);
    const scopes = scopesOf(challenge, use);
    const send = { signal, registry } as const;
    let reply;
    if (credential?.identityToken !== undefined) {
      query.set("grant_type", "refresh_token");
      query.set("client_id", "krustlet");
      if (scopes.length > 0) query.set("scope", scopes.join(" "));
      query.set("refresh_token", credential.identityToken);
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const url = new URL(realm.pathname, realm);
      reply = await this.#transport.send(url, {
        ...send,
        method: "POST",
        headers,
        body: `${query}`,
      });
    } else {
      for (const scope of scopes) query.append("scope", scope);
      const url = new URL(`?${query}`, realm);
      const authorization = credential === undefined ? undefined : basic(credential);
      reply = await this.#transport.send(url, { ...send, method: "GET", authorization });
    }
    if (reply.status !== 200) {
      const wanted = repository === "" ? "a token" : `a token for "${repository}"`;
      throw await refusal(reply, {
        ...use,
        host: realm.host,
        role: "token server",
        right: right === "pull" ? "read" : "write",
        wanted,
      });
    }
    return readToken(await reply.bytes(TOKEN_BYTES_MAX, "a token"), realm.host);
  }
}

/** The `Authorization` header of HTTP Basic (RFC 7617, UTF-8). */
export function basic({ username, password }: Credential): string {
  return `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
}

function keyOf({ registry, repository, right, from = "", credential }: TokenUse): string {
  return `${registry}/${repository} ${right} ${from} ${fingerprint(credential)}`;
}

function realmOf(challenge: BearerChallenge, use: TokenUse, insecure: boolean): URL {
  const realm = URL.parse(challenge.realm);
  const allowed = insecure ? /^https?:$/ : /^https:$/;
  if (realm === null || !allowed.test(realm.protocol)) {
    throw new PullFailure(
      `registry "${use.registry}" names a token server that is not an HTTPS address; correct the ` +
        `realm in its configuration`,
    );
  }
  return realm;
}

/** Our own scopes, and the registry's own name for the same thing; never more than is needed. */
function scopesOf(challenge: BearerChallenge, { repository, right, from }: TokenUse): string[] {
  if (repository === "") return [];
  const actions = right === "pull" ? ["pull"] : ["pull", right];
  const own = [`repository:${repository}:${actions}`];
  if (from !== undefined && from !== repository) own.push(`repository:${from}:pull`);
  const asked = (challenge.scope ?? "").split(" ").filter((scope) => {
    const [, said] = /^repository:[a-z0-9._\/-]+:([a-z,]+)$/.exec(scope) ?? [];
    return said !== undefined && !own.some((known) => covers(known, scope)) &&
      said.split(",").every((action) => actions.includes(action));
  });
  return [...own, ...asked.slice(0, 1)];
}

/** True if one scope names the other's repository and all its actions. */
function covers(known: string, scope: string): boolean {
  const [mine, theirs] = [known, scope].map((text) => text.split(":"));
  return mine![1] === theirs![1] &&
    theirs![2]!.split(",").every((action) => mine![2]!.split(",").includes(action));
}

function readToken(bytes: Uint8Array, host: string): { token: string; validMs: number } {
  let body: Record<string, unknown>;
  try {
    body = Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    // No `cause`: a JSON error quotes the text, and the text may hold a token.
    throw new PullFailure(`token server "${host}" sent something that is not JSON; is it one?`);
  }
  const token = body["token"] ?? body["access_token"];
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw new PullFailure(`token server "${host}" sent no usable token; look at its log`);
  }
  const seconds = body["expires_in"];
  const validMs = typeof seconds === "number" && seconds > 0
    ? Math.min(seconds * 1000, TOKEN_MS_MAX)
    : TOKEN_MS_DEFAULT;
  return { token, validMs };
}
