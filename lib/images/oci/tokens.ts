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
import { TOKEN_BYTES_MAX, TOKEN_MS_DEFAULT, TOKEN_SLACK_MS, TOKENS_MAX } from "../limits.ts";
import type { Transport } from "./transport.ts";

/** What a token is for. A token is never used for anything else. */
export interface Access {
  readonly registry: string;
  readonly repository: string;
  readonly credential: Credential | undefined;
}

type BearerChallenge = Extract<Challenge, { scheme: "bearer" }>;

/** Gets tokens, and gives them again to the same credential for the same repository. */
export class Tokens {
  readonly #transport: Transport;
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, { readonly token: string; readonly untilMs: number }>();

  constructor(transport: Transport, options: { nowMs?: () => number } = {}) {
    this.#transport = transport;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** A token that was fetched before and is still good for a while. */
  kept(access: Access): string | undefined {
    const kept = this.#kept.get(keyOf(access));
    return kept !== undefined && kept.untilMs > this.#nowMs() ? kept.token : undefined;
  }

  /** A new token. `insecure` allows a token server on plain HTTP. */
  async fetch(
    challenge: BearerChallenge,
    access: Access,
    options: { readonly signal: AbortSignal; readonly insecure: boolean },
  ): Promise<string> {
    const realm = realmOf(challenge, access, options.insecure);
    const { token, validMs } = await this.#ask(realm, {
      challenge,
      access,
      signal: options.signal,
    });
    const key = keyOf(access);
    this.#kept.delete(key);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= TOKENS_MAX && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, { token, untilMs: this.#nowMs() + validMs - TOKEN_SLACK_MS });
    return token;
  }

  async #ask(
    realm: URL,
    { challenge, access, signal }: {
      challenge: BearerChallenge;
      access: Access;
      signal: AbortSignal;
    },
  ): Promise<{ token: string; validMs: number }> {
    const { credential, registry, repository } = access;
    const query = new URLSearchParams(realm.search);
    if (challenge.service !== undefined) query.set("service", challenge.service);
    const scopes = scopesOf(challenge, repository);
    const send = { signal, registry } as const;
    let reply;
    if (credential?.identityToken !== undefined) {
      query.set("grant_type", "refresh_token");
      query.set("client_id", "krustlet");
      query.set("scope", scopes.join(" "));
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
      const wanted = `a token for "${repository}"`;
      throw await refusal(reply, {
        ...access,
        host: realm.host,
        role: "token server",
        wanted,
      });
    }
    return readToken(await reply.bytes(TOKEN_BYTES_MAX), realm.host);
  }
}

/** The `Authorization` header of HTTP Basic (RFC 7617, UTF-8). */
export function basic({ username, password }: Credential): string {
  return `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
}

function keyOf({ registry, repository, credential }: Access): string {
  return `${registry}/${repository} ${fingerprint(credential)}`;
}

function realmOf(challenge: BearerChallenge, access: Access, insecure: boolean): URL {
  const realm = URL.parse(challenge.realm);
  const allowed = insecure ? /^https?:$/ : /^https:$/;
  if (realm === null || !allowed.test(realm.protocol)) {
    throw new PullFailure(
      `registry "${access.registry}" names a token server that is not an HTTPS address`,
    );
  }
  return realm;
}

/** Our own scope, and the registry's own name for the same thing; never more than pull. */
function scopesOf(challenge: BearerChallenge, repository: string): string[] {
  const own = `repository:${repository}:pull`;
  const asked = (challenge.scope ?? "").split(" ")
    .filter((scope) => /^repository:[a-z0-9._\/-]+:pull$/.test(scope) && scope !== own);
  return [own, ...asked.slice(0, 1)];
}

function readToken(bytes: Uint8Array, host: string): { token: string; validMs: number } {
  let body: Record<string, unknown>;
  try {
    body = Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    // No `cause`: a JSON error quotes the text, and the text may hold a token.
    throw new PullFailure(`token server "${host}" sent something that is not JSON`);
  }
  const token = body["token"] ?? body["access_token"];
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw new PullFailure(`token server "${host}" sent no usable token`);
  }
  const seconds = body["expires_in"];
  const validMs = typeof seconds === "number" && seconds > 0 ? seconds * 1000 : TOKEN_MS_DEFAULT;
  return { token, validMs };
}
