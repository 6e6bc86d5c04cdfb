/**
 * Sending a blob: whole or in chunks, taken up again where it broke off, or mounted from a neighbour.
 *
 * @module
 */
import { PullFailure } from "./failure.ts";
import { CHUNK_BYTES, CHUNK_BYTES_MAX, RESUMES_MAX } from "./limits.ts";
import type { Visit } from "./reading.ts";
import type { Ask } from "./session.ts";
import type { BlobSource } from "./source.ts";
import type { Reply } from "./transport.ts";

/** How a blob came to be in the repository. */
export type Pushed = "present" | "mounted" | "sent";

/** Options of {@linkcode uploadBlob}. */
export interface UploadOptions {
  /** Another repository of the same registry that may have the blob already. */
  readonly mountFrom?: string | undefined;
  /** Bytes of one chunk; a blob that is not larger goes in one piece. @default {CHUNK_BYTES} */
  readonly chunkBytes?: number | undefined;
  /** Told after each chunk how many bytes the registry has. */
  onProgress?(bytes: number): void;
}

/** Makes sure that the repository has this blob. */
export async function uploadBlob(
  visit: Visit,
  source: BlobSource,
  options: UploadOptions = {},
): Promise<Pushed> {
  if (await isPresent(visit, source.digest)) return "present";
  const upload = new Upload(visit, source, options);
  if (await upload.begin(options.mountFrom) === "mounted") return "mounted";
  await upload.finish();
  return "sent";
}

async function isPresent({ session, place, signal }: Visit, digest: string): Promise<boolean> {
  const ask: Ask = { method: "HEAD", at: `blobs/${digest}`, wanted: `blob "${digest}"`, signal };
  return await session.small(signal, async (signal) => {
    const reply = await session.send(place, { ...ask, right: "push", signal });
    await reply.discard();
    return reply.status === 200;
  });
}

/** One upload session of a registry, and how far it came. */
class Upload {
  readonly #visit: Visit;
  readonly #source: BlobSource;
  readonly #options: UploadOptions;
  #location: URL | undefined;
  #sent = 0;
  #chunkBytes: number;

  constructor(visit: Visit, source: BlobSource, options: UploadOptions) {
    this.#visit = visit;
    this.#source = source;
    this.#options = options;
    this.#chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
  }

  /** Opens a session, unless the registry can mount the blob. */
  async begin(mountFrom?: string): Promise<"mounted" | "open"> {
    const { digest } = this.#source;
    const { session, place, signal } = this.#visit;
    const mount = mountFrom === undefined
      ? ""
      : `?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(mountFrom)}`;
    return await session.small(signal, async (signal) => {
      const ask: Ask = {
        ...this.#ask("POST", `blobs/uploads/${mount}`),
        ...(mountFrom === undefined ? {} : { from: mountFrom }),
        signal,
      };
      const reply = await session.send(place, ask);
      if (reply.status === 201 && mountFrom !== undefined) {
        await reply.discard();
        return "mounted";
      }
      if (reply.status === 202) {
        const least = Number(reply.headers.get("oci-chunk-min-length") ?? 0);
        if (least > this.#chunkBytes) this.#chunkBytes = Math.min(least, CHUNK_BYTES_MAX);
        await this.#follow(reply);
        this.#sent = 0;
        return "open";
      }
      const refusal = await session.refusal(reply, place, ask);
      if (mountFrom === undefined || reply.status === 401) throw refusal;
      // The neighbour may be closed to us, and this repository open all the same.
      return await this.begin();
    });
  }

  /** Sends what is missing, and closes the session. */
  async finish(): Promise<void> {
    const { session, signal } = this.#visit;
    const { size } = this.#source;
    let broke = false;
    for (let resumes = 0;; resumes++) {
      const before = this.#sent;
      try {
        return await session.retry(signal, async () => {
          if (broke) await this.#recover();
          broke = true;
          if (size <= this.#chunkBytes && this.#sent === 0) return await this.#sendWhole();
          return await this.#sendChunks();
        });
      } catch (error) {
        if (!(error instanceof PullFailure)) throw error;
        const cameOn = this.#sent > before;
        if (!error.retry || !cameOn || resumes >= RESUMES_MAX) throw error;
      }
    }
  }

  async #sendWhole(): Promise<void> {
    const [body] = await Array.fromAsync(
      chunksOf(this.#source.open(0), Math.max(1, this.#source.size)),
    );
    await this.#close(body ?? new Uint8Array());
  }

  async #sendChunks(): Promise<void> {
    const { size } = this.#source;
    for (let rounds = 0; this.#sent < size; rounds++) {
      if (rounds > RESUMES_MAX) {
        throw new PullFailure(
          `registry "${this.#visit.place.registry}" does not keep what it is sent`,
        );
      }
      const from = this.#sent;
      for await (const chunk of chunksOf(this.#source.open(from), this.#chunkBytes)) {
        const at = this.#sent;
        const status = await this.#patch(chunk, {
          "content-range": `${at}-${at + chunk.length - 1}`,
        });
        if (status === "refused") return await this.#sendStream();
        // The registry has another part than we thought, and has now said which.
        if (this.#sent !== at + chunk.length) break;
      }
    }
    await this.#close(new Uint8Array());
  }

  /** As older clients send: one request of no said length, for registries that know no chunks. */
  async #sendStream(): Promise<void> {
    await this.begin();
    const body = ReadableStream.from(copies(this.#source.open(0)));
    if (await this.#patch(body, {}) === "refused") {
      throw new PullFailure(
        `registry "${this.#visit.place.registry}" takes blobs neither in chunks nor in one piece`,
      );
    }
    await this.#close(new Uint8Array());
  }

  /** Sends bytes; `refused` if the registry does not take them like this. */
  async #patch(
    body: NonNullable<Ask["body"]>,
    headers: Readonly<Record<string, string>>,
  ): Promise<"taken" | "refused"> {
    const { session, place } = this.#visit;
    const ask = this.#ask("PATCH", this.#location!, {
      body,
      headers: { "content-type": "application/octet-stream", ...headers },
    });
    const reply = await session.send(place, ask);
    if (reply.status === 416 || (reply.status === 404 && this.#sent > 0)) {
      await reply.discard();
      const before = this.#sent;
      await this.#recover();
      return before === 0 && this.#sent === 0 ? "refused" : "taken";
    }
    if (this.#sent === 0 && [400, 404, 405, 411].includes(reply.status)) {
      await reply.discard();
      return "refused";
    }
    if (reply.status < 200 || reply.status > 299) throw await session.refusal(reply, place, ask);
    this.#sent = endOf(reply) ?? (body instanceof Uint8Array ? this.#sent + body.length : 0);
    await this.#follow(reply);
    this.#options.onProgress?.(this.#sent);
    return "taken";
  }

  async #close(body: Uint8Array<ArrayBuffer>): Promise<void> {
    const { session, place } = this.#visit;
    const url = new URL(this.#location!);
    // By hand: a query that is taken apart and put together again may not be the registry's any more.
    url.search += `${url.search === "" ? "?" : "&"}digest=${
      encodeURIComponent(this.#source.digest)
    }`;
    const ask = this.#ask("PUT", url, {
      body,
      headers: { "content-type": "application/octet-stream" },
    });
    const reply = await session.send(place, ask);
    if (reply.status < 200 || reply.status > 299) throw await session.refusal(reply, place, ask);
    await reply.discard();
    this.#options.onProgress?.(this.#source.size);
  }

  /** After a break: finds out what arrived, or begins anew where nobody knows. */
  async #recover(): Promise<void> {
    if (!await this.#askStatus()) await this.begin();
  }

  /** Asks how far the upload came; false if the registry does not know it any more. */
  async #askStatus(): Promise<boolean> {
    const { session, place } = this.#visit;
    const reply = await session.send(place, this.#ask("GET", this.#location!));
    if (reply.status < 200 || reply.status > 299) {
      await reply.discard();
      return false;
    }
    this.#sent = Math.min(endOf(reply) ?? 0, this.#source.size);
    await this.#follow(reply);
    return true;
  }

  #ask(method: Ask["method"], at: string | URL, more: Partial<Ask> = {}): Ask {
    const { place, signal } = this.#visit;
    const wanted = `upload of blob "${this.#source.digest}" to "${place.repository}"`;
    return { method, at, wanted, right: "push", signal, ...more };
  }

  /** Goes on where the registry says; where it says nothing, where we are. */
  async #follow(reply: Reply): Promise<void> {
    await reply.discard();
    const location = reply.headers.get("location");
    const { base } = this.#visit.place;
    const next = location === null ? this.#location : URL.parse(location, reply.url) ?? undefined;
    if (next === undefined || !/^https?:$/.test(next.protocol)) {
      throw new PullFailure(`host "${reply.url.host}" does not say where to send the blob`);
    }
    if (base.protocol === "https:" && next.protocol === "http:") {
      if (next.hostname !== base.hostname) {
        throw new PullFailure(
          `host "${reply.url.host}" wants the blob over plain HTTP at "${next.host}"`,
        );
      }
      // A registry behind a proxy that ends TLS often does not know that it is.
      next.protocol = "https:";
      next.port = base.port;
    }
    this.#location = next;
  }
}

/** Bytes that a registry has, by its `Range` header; `0-0` is what it says of none. */
function endOf(reply: Reply): number | undefined {
  const [, last] = /^(?:bytes=)?0-(\d{1,15})$/.exec(reply.headers.get("range") ?? "") ?? [];
  if (last === undefined) return undefined;
  return last === "0" ? 0 : Number(last) + 1;
}

/** The same bytes in pieces of one size; the last one may be smaller. */
async function* chunksOf(
  pieces: AsyncIterable<Uint8Array>,
  chunkBytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let room = new Uint8Array(chunkBytes);
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const taken = piece.subarray(at, at + chunkBytes - filled);
      room.set(taken, filled);
      filled += taken.length;
      at += taken.length;
      if (filled < chunkBytes) continue;
      yield room;
      room = new Uint8Array(chunkBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield room.subarray(0, filled);
}

/** A stream keeps its pieces for a while, and a source does not. */
async function* copies(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const piece of pieces) yield Uint8Array.from(piece);
}
