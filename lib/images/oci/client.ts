/**
 * A client of OCI registries.
 *
 * @module
 */
import { parseChallenge } from "./challenge.ts";
import { type BlobName, Downloads } from "./download.ts";
import { PullFailure } from "./failure.ts";
import { readReferrers, readTags, type Referrer } from "./listing.ts";
import type { Sink } from "./parts.ts";
import { checkMirrors, type Place, placesOf, type Registries, registryOf } from "./places.ts";
import {
  type NewManifest,
  type PushedManifest,
  putManifest,
  removeBlob,
  removeManifest,
} from "./push_manifest.ts";
import {
  type FetchedManifest,
  openBlob,
  type Range,
  readDigest,
  readManifest,
  readSmallBlob,
  tellsBlob,
  type Visit,
} from "./reading.ts";
import { Session } from "./session.ts";
import type { BlobSource } from "./source.ts";
import type { Access } from "./tokens.ts";
import { type Reply, Transport, type TransportOptions } from "./transport.ts";
import { type Pushed, uploadBlob, type UploadOptions } from "./upload.ts";

/** Options of an {@linkcode OciClient}. */
export interface OciClientOptions extends Registries, TransportOptions {
  /** Milliseconds before the second try of a request. @default {RETRY_MS} */
  readonly retryMs?: number | undefined;
}

/** When to stop. */
export interface Until {
  /** Ends the work; what is under way rejects with its reason. */
  readonly signal: AbortSignal;
}

/** What a registry is like. */
export interface Pong {
  /** What it asks of those who come without credentials. */
  readonly asks: "nothing" | "basic" | "bearer";
}

/**
 * Reads and writes repositories (OCI distribution specification 1.1), of any registry.
 *
 * Everything that fails is a `PullFailure`, whose message says what to do; what is aborted rejects
 * with the signal's reason. Reading asks the mirrors first; writing and lists never do. Constructing
 * one does nothing yet.
 */
export class OciClient implements Disposable {
  readonly #registries: Registries;
  readonly #transport: Transport;
  readonly #session: Session;
  readonly #downloads: Downloads;

  /** Opens nothing yet. Throws a `RangeError` for a mirror's address that holds a password. */
  constructor(options: OciClientOptions = {}) {
    checkMirrors(options);
    this.#registries = options;
    this.#transport = new Transport(options);
    this.#session = new Session(this.#transport, { retryMs: options.retryMs });
    this.#downloads = new Downloads(this.#session);
  }

  /**
   * Asks whether this is a registry (`GET /v2/`), and if there is a credential, whether it lets us in.
   */
  async ping(access: Omit<Access, "repository">, until: Until): Promise<Pong> {
    const { session, place } = this.#visit({ ...access, repository: "" }, until);
    return await session.small(until.signal, async (signal) => {
      const ask = { method: "GET", at: "", wanted: "its protocol's version", signal } as const;
      const { registry } = access;
      const url = new URL("/v2/", place.base);
      const first = await this.#transport.send(url, { method: "GET", signal, registry });
      if (first.status !== 200 && first.status !== 401) {
        throw await session.refusal(first, place, ask);
      }
      await first.discard();
      if (first.status === 200) return { asks: "nothing" };
      const challenge = parseChallenge(first.headers.get("www-authenticate") ?? "");
      if (challenge === undefined) throw await session.refusal(first, place, ask);
      if (access.credential === undefined) return { asks: challenge.scheme };
      const reply = await session.send(place, ask);
      if (reply.status !== 200) throw await session.refusal(reply, place, ask);
      await reply.discard();
      return { asks: challenge.scheme };
    });
  }

  /** The digest behind a tag, without the manifest; undefined if nobody tells it. */
  async resolve(access: Access, target: string, until: Until): Promise<string | undefined> {
    return await this.#anywhere(access, until, (visit) => readDigest(visit, target));
  }

  /** A manifest or an index by tag or digest; what was asked for by digest is checked. */
  async manifest(access: Access, target: string, until: Until): Promise<FetchedManifest> {
    return await this.#anywhere(access, until, (visit) => readManifest(visit, target));
  }

  /** A blob of at most `MANIFEST_BYTES_MAX`, such as a config, checked against its digest. */
  async smallBlob(
    access: Access,
    digest: string,
    until: Until,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#anywhere(access, until, (visit) => readSmallBlob(visit, digest));
  }

  /**
   * True if one of the places says that it has the blob (`HEAD`). False is no refusal: not every
   * registry answers this question, and each is asked once only.
   */
  async hasBlob(access: Access, digest: string, { signal }: Until): Promise<boolean> {
    const { places } = await placesOf(access, this.#registries, { signal });
    for (const place of places) {
      try {
        const ask = (signal: AbortSignal): Promise<boolean> =>
          tellsBlob({ session: this.#session, place, signal }, digest);
        if (await this.#session.once(signal, ask)) return true;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof PullFailure)) throw error;
      }
    }
    return false;
  }

  /**
   * The head of a blob's answer: 206 with the range that was asked for, or 200 with the whole blob.
   * The caller reads it, counts and checks it.
   */
  async blob(
    access: Access,
    digest: string,
    options: Until & { readonly range?: Range },
  ): Promise<Reply> {
    const { range, signal } = options;
    const visit = this.#visit(access, { signal });
    return await this.#session.retry(signal, () => openBlob(visit, digest, range));
  }

  /**
   * Brings a blob of any size into a sink, in parts where that is possible, and goes on where it
   * broke off. The sink's owner checks the digest.
   */
  async download(
    access: Access,
    blob: BlobName,
    options: Until & { readonly sink: Sink },
  ): Promise<void> {
    const { places } = await placesOf(access, this.#registries, options);
    await this.#downloads.download(places, blob, options);
  }

  /** The tags of a repository, in the registry's order; asks for the next page when it is needed. */
  tags(
    access: Access,
    options: Until & { readonly pageSize?: number },
  ): AsyncGenerator<string> {
    return readTags(this.#visit(access, options), options);
  }

  /** What refers to the manifest with this digest, such as signatures. */
  async referrers(
    access: Access,
    digest: string,
    options: Until & { readonly artifactType?: string },
  ): Promise<readonly Referrer[]> {
    return await readReferrers(this.#visit(access, options), digest, options);
  }

  /** Makes sure that a repository has a blob: finds it there, mounts it, or sends it. */
  async pushBlob(
    access: Access,
    source: BlobSource,
    options: Until & UploadOptions,
  ): Promise<Pushed> {
    return await uploadBlob(this.#visit(access, options), source, options);
  }

  /** Pushes a manifest under a tag, or by its digest alone; its blobs must be there already. */
  async pushManifest(
    access: Access,
    manifest: NewManifest,
    options: Until & { readonly tag?: string | undefined },
  ): Promise<PushedManifest> {
    return await putManifest(this.#visit(access, options), manifest, options.tag);
  }

  /** Removes a manifest by its digest with all its tags, or one tag by its name. */
  async deleteManifest(access: Access, target: string, until: Until): Promise<void> {
    await removeManifest(this.#visit(access, until), target);
  }

  /** Removes a blob by its digest. */
  async deleteBlob(access: Access, digest: string, until: Until): Promise<void> {
    await removeBlob(this.#visit(access, until), digest);
  }

  /** Closes the kept connections. Requests that are under way end on their own. */
  close(): void {
    this.#transport.close();
  }

  /** The same as {@linkcode OciClient.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #visit(access: Access, { signal }: Until): Visit {
    return { session: this.#session, place: registryOf(access, this.#registries), signal };
  }

  /** Tries each mirror once, and then the registry itself, as often as is usual. */
  async #anywhere<T>(
    access: Access,
    { signal }: Until,
    exchange: (visit: Visit) => Promise<T>,
  ): Promise<T> {
    const found = await placesOf(access, this.#registries, { signal });
    const { places } = found;
    const at = (place: Place, signal: AbortSignal): Promise<T> =>
      exchange({ session: this.#session, place, signal });
    const failures = [...found.failures];
    for (const place of places.slice(0, -1)) {
      try {
        const answer = await this.#session.once(signal, (signal) => at(place, signal));
        if (answer !== undefined) return answer;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof PullFailure)) throw error;
        failures.push(error);
      }
    }
    const last = places.at(-1)!;
    try {
      return await this.#session.small(signal, (signal) => at(last, signal));
    } catch (error) {
      throw error instanceof PullFailure ? error.after(failures) : error;
    }
  }
}
