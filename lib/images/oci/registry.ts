/**
 * The reading half of the OCI distribution specification, over native `fetch`.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type Asked, refusal } from "./answer.ts";
import { parseChallenge } from "./challenge.ts";
import { PullFailure } from "./failure.ts";
import { MANIFEST_BYTES_MAX, SMALL_BODY_MS_MAX } from "../limits.ts";
import { MANIFEST_TYPES } from "./media_types.ts";
import { isDigest } from "./reference.ts";
import { withRetries } from "./retry.ts";
import { type Access, basic, Tokens } from "./tokens.ts";
import type { Reply, Transport } from "./transport.ts";

export type { Access } from "./tokens.ts";

/** A manifest as the registry sent it. */
export interface FetchedManifest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `Content-Type` without parameters; empty if there was none. */
  readonly mediaType: string;
  /** Of exactly these bytes. */
  readonly digest: string;
}

/** Options of a {@linkcode Registry}. */
export interface RegistryOptions {
  readonly transport: Transport;
  /** Registries, as `host` or `host:port`, that are asked over plain HTTP. */
  readonly insecure: readonly string[];
  /** Milliseconds before the second try. */
  readonly retryMs?: number | undefined;
}

interface Ask {
  readonly method: "GET" | "HEAD";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly wanted: string;
  readonly signal: AbortSignal;
}

/** Reads manifests and blobs. Everything that fails is a `PullFailure`. */
export class Registry {
  readonly #transport: Transport;
  readonly #tokens: Tokens;
  readonly #insecure: ReadonlySet<string>;
  readonly #retryMs: number | undefined;

  constructor(options: RegistryOptions) {
    this.#transport = options.transport;
    this.#tokens = new Tokens(options.transport);
    this.#insecure = new Set(options.insecure);
    this.#retryMs = options.retryMs;
  }

  /** The digest behind a tag, without the manifest; undefined if the registry does not tell it. */
  async resolve(access: Access, tag: string, signal: AbortSignal): Promise<string | undefined> {
    return await this.#small(signal, async (signal) => {
      const reply = await this.#send(access, manifestAsk("HEAD", access, { target: tag, signal }));
      await reply.discard();
      const digest = reply.headers.get("docker-content-digest") ?? "";
      return reply.status === 200 && isDigest(digest) ? digest : undefined;
    });
  }

  /** A manifest or an index by tag or digest. What was asked for by digest is checked. */
  async manifest(access: Access, target: string, signal: AbortSignal): Promise<FetchedManifest> {
    return await this.#small(signal, async (signal) => {
      const ask = manifestAsk("GET", access, { target, signal });
      const reply = await this.#send(access, ask);
      if (reply.status !== 200) throw await refusal(reply, asked(access, this.#base(access), ask));
      const bytes = await reply.bytes(MANIFEST_BYTES_MAX);
      const said = reply.headers.get("docker-content-digest") ?? "";
      const expected = isDigest(target) ? target : isDigest(said) ? said : undefined;
      const digest = digestOf(bytes, expected);
      if (expected !== undefined && digest !== expected) {
        throw new PullFailure(
          `digest mismatch: registry "${access.registry}" sent a manifest with digest ${digest} for ` +
            expected,
        );
      }
      const mediaType = (reply.headers.get("content-type") ?? "").split(";")[0]!.trim();
      return { bytes, mediaType, digest };
    });
  }

  /** A small blob, such as a config, whole and checked against its digest. */
  async smallBlob(access: Access, digest: string, signal: AbortSignal): Promise<Uint8Array> {
    return await this.#small(signal, async (signal) => {
      const reply = await this.blob(access, digest, { fromByte: 0, signal });
      const bytes = await reply.bytes(MANIFEST_BYTES_MAX);
      const found = digestOf(bytes, digest);
      if (found === digest) return bytes;
      throw new PullFailure(
        `digest mismatch: registry "${access.registry}" sent a blob with digest ${found} for ${digest}`,
      );
    });
  }

  /**
   * The head of a blob's answer: 200 with all of it, or 206 with the bytes from `fromByte` on. The
   * caller reads it, checks the digest, and retries.
   */
  async blob(
    access: Access,
    digest: string,
    { fromByte, signal }: { readonly fromByte: number; readonly signal: AbortSignal },
  ): Promise<Reply> {
    const ask: Ask = {
      method: "GET",
      path: `/v2/${access.repository}/blobs/${digest}`,
      headers: fromByte > 0 ? { range: `bytes=${fromByte}-` } : {},
      wanted: `blob "${digest}" of "${access.repository}"`,
      signal,
    };
    const reply = await this.#send(access, ask);
    if (reply.status === 200) return reply;
    if (reply.status === 206 && rangeBegins(reply, fromByte)) return reply;
    if ((reply.status === 206 || reply.status === 416) && fromByte > 0) {
      await reply.discard();
      return await this.blob(access, digest, { fromByte: 0, signal });
    }
    throw await refusal(reply, asked(access, this.#base(access), ask));
  }

  /** Runs one small exchange with a time limit of its own, several times if need be. */
  #small<T>(signal: AbortSignal, exchange: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withRetries(async () => {
      const late = AbortSignal.timeout(SMALL_BODY_MS_MAX);
      try {
        return await exchange(AbortSignal.any([signal, late]));
      } catch (error) {
        if (error !== late.reason) throw error;
        throw new PullFailure(`no whole answer within ${SMALL_BODY_MS_MAX / 1000} s`, {
          cause: error,
        });
      }
    }, { signal, retryMs: this.#retryMs });
  }

  /** One request; on 401 it gets what the registry asks for and sends it once more. */
  async #send(access: Access, ask: Ask): Promise<Reply> {
    const url = new URL(ask.path, this.#base(access));
    const { method, headers = {}, signal } = ask;
    const send = (authorization: string | undefined): Promise<Reply> =>
      this.#transport.send(url, {
        method,
        headers,
        signal,
        authorization,
        registry: access.registry,
      });
    const kept = this.#tokens.kept(access);
    const reply = await send(kept === undefined ? undefined : `Bearer ${kept}`);
    if (reply.status !== 401) return await throwIfBusy(reply, asked(access, url, ask));
    const authorization = await this.#answer(reply, access, signal);
    // The first answer is then the refusal that the caller puts into words.
    if (authorization === undefined) return reply;
    await reply.discard();
    return await throwIfBusy(await send(authorization), asked(access, url, ask));
  }

  async #answer(reply: Reply, access: Access, signal: AbortSignal): Promise<string | undefined> {
    const challenge = parseChallenge(reply.headers.get("www-authenticate") ?? "");
    if (challenge?.scheme === "bearer") {
      const insecure = this.#insecure.has(access.registry);
      const token = this.#tokens.fetch(challenge, access, { signal, insecure });
      // Whatever becomes of the token, the first answer's body must not keep its connection.
      await token.catch(() => reply.discard());
      return `Bearer ${await token}`;
    }
    const { credential } = access;
    if (challenge === undefined || credential === undefined) return undefined;
    return credential.username === "" ? undefined : basic(credential);
  }

  #base({ registry }: Access): URL {
    const scheme = this.#insecure.has(registry) ? "http" : "https";
    return new URL(`${scheme}://${registry === "docker.io" ? "registry-1.docker.io" : registry}`);
  }
}

function manifestAsk(
  method: "GET" | "HEAD",
  access: Access,
  { target, signal }: { target: string; signal: AbortSignal },
): Ask {
  return {
    method,
    path: `/v2/${access.repository}/manifests/${target}`,
    headers: { accept: MANIFEST_TYPES.join(", ") },
    wanted: `manifest "${target}" of "${access.repository}"`,
    signal,
  };
}

function asked(access: Access, { host }: URL, { wanted }: Ask): Asked {
  return { ...access, host, role: "registry", wanted };
}

/** 429 and 5xx are no answers to the question: they go to whoever tries again. */
async function throwIfBusy(reply: Reply, asked: Asked): Promise<Reply> {
  if (reply.status === 429 || reply.status >= 500) throw await refusal(reply, asked);
  return reply;
}

function rangeBegins(reply: Reply, fromByte: number): boolean {
  const range = reply.headers.get("content-range") ?? "";
  return fromByte > 0 && range.toLowerCase().startsWith(`bytes ${fromByte}-`);
}

/** The digest of `bytes`, by the algorithm of `like`. */
function digestOf(bytes: Uint8Array, like = "sha256:"): string {
  const algorithm = like.split(":")[0]!;
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}
