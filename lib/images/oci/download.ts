/**
 * A whole blob into a sink: in parts where that is possible, taken up again where it broke off, and
 * from a mirror where there is one.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { PullFailure } from "./failure.ts";
import { PACE_MS, PART_BYTES, PARTS_MAX, PARTS_TOTAL_MAX, SLOW_BYTES_PER_S } from "./limits.ts";
import { Parts, type Sink } from "./parts.ts";
import type { Place } from "./places.ts";
import { mismatch, openBlob, type Visit } from "./reading.ts";
import type { Reply } from "./reply.ts";
import type { Session } from "./session.ts";

/** A blob by its name and its size. */
export interface BlobName {
  /** Algorithm and hexadecimal digits. */
  readonly digest: string;
  /** In bytes, as the manifest names it. */
  readonly size: number;
}

/** Downloads blobs; all its downloads share one allowance of memory for parts. */
export class Downloads {
  readonly #session: Session;
  #partsUnderWay = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Brings a blob from the first of these places that has all of it.
   *
   * What came from mirrors is checked here and dropped if it is wrong, so that no mirror can spoil
   * what the registry could give. What the last place sends is for the sink's owner to check.
   */
  async download(
    places: readonly [...Place[], Place],
    blob: BlobName,
    options: { readonly sink: Sink; readonly signal: AbortSignal },
  ): Promise<void> {
    const { signal } = options;
    const hashed = places.length > 1 ? new HashingSink(options.sink, blob.digest) : undefined;
    const sink = hashed ?? options.sink;
    if (hashed !== undefined && sink.size > 0) await sink.restart();
    for (const place of places.slice(0, -1)) {
      try {
        await this.#fetch({ session: this.#session, place, signal }, blob, sink);
        const digest = hashed!.digest();
        if (digest === blob.digest) return;
        throw mismatch("a blob", { place, digest, expected: blob.digest });
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof PullFailure)) throw error;
        if (sink.size >= blob.size) await sink.restart();
      }
    }
    const visit: Visit = { session: this.#session, place: places.at(-1)!, signal };
    const mirrored = sink.size > 0;
    await this.#fetchAll(visit, blob, sink);
    if (hashed === undefined || !mirrored || hashed.digest() === blob.digest) return;
    // A mirror's part was wrong, however right the rest is.
    await sink.restart();
    await this.#fetchAll(visit, blob, sink);
  }

  /** As many tries as it takes while each brings the blob on; a few where they do not. */
  async #fetchAll(visit: Visit, blob: BlobName, sink: Sink): Promise<void> {
    for (;;) {
      const before = sink.size;
      try {
        return await this.#session.retry(visit.signal, () => this.#fetch(visit, blob, sink));
      } catch (error) {
        const cameOn = sink.size >= before + PART_BYTES;
        if (!(error instanceof PullFailure) || !error.retry || !cameOn) throw error;
      }
    }
  }

  /** One try, from where the sink stands. */
  async #fetch(visit: Visit, blob: BlobName, sink: Sink): Promise<void> {
    const { digest, size } = blob;
    if (sink.size >= size && size > 0) return;
    const reply = await openBlob(visit, digest, sink.size > 0 ? { from: sink.size } : undefined);
    if (reply.status === 200 && sink.size > 0) await sink.restart();
    await this.#receive(reply, { visit, blob, sink });
    if (sink.size < size) {
      const state =
        `registry "${visit.place.registry}" sent ${sink.size} of ${size} bytes: the rest ` +
        `is missing; push the image again`;
      throw new PullFailure(state, { retry: true });
    }
  }

  /** One stream, and parts for the rest as soon as the stream proves to be slow. */
  async #receive(
    reply: Reply,
    { visit, blob, sink }: { readonly visit: Visit; readonly blob: BlobName; readonly sink: Sink },
  ): Promise<void> {
    const pace = { fromMs: performance.now(), fromByte: sink.size };
    let parts: Parts | undefined;
    let mayPart = true;
    try {
      for await (const bytes of reply.chunks()) {
        const rest = parts === undefined ? bytes.length : parts.from - sink.size;
        await sink.write(bytes.subarray(0, rest));
        if (parts !== undefined && bytes.length >= rest) {
          if (await parts.areSent()) break;
          await this.#stop(parts);
          [parts, mayPart] = [undefined, false];
          if (bytes.length > rest) await sink.write(bytes.subarray(rest));
        }
        if (parts === undefined && mayPart && isSlow(pace, { left: blob.size - sink.size, sink })) {
          parts = this.#start(visit, { ...blob, from: sink.size + PART_BYTES });
        }
      }
      if (parts?.from === sink.size) await parts.writeTo(sink);
    } finally {
      if (parts !== undefined) await this.#stop(parts);
    }
  }

  #start(visit: Visit, options: BlobName & { readonly from: number }): Parts | undefined {
    if (this.#partsUnderWay + PARTS_MAX > PARTS_TOTAL_MAX) return undefined;
    this.#partsUnderWay += PARTS_MAX;
    return new Parts(visit, { ...options, count: PARTS_MAX });
  }

  async #stop(parts: Parts): Promise<void> {
    await parts.stop();
    this.#partsUnderWay -= PARTS_MAX;
  }
}

/** True if one connection has shown that several would help, and there is enough left for them. */
function isSlow(
  { fromMs, fromByte }: { readonly fromMs: number; readonly fromByte: number },
  { left, sink }: { readonly left: number; readonly sink: Sink },
): boolean {
  const tookMs = performance.now() - fromMs;
  if (left < 3 * PART_BYTES || tookMs < PACE_MS) return false;
  return (sink.size - fromByte) / tookMs * 1000 < SLOW_BYTES_PER_S;
}

/** A sink that also knows the digest of what it took. */
class HashingSink implements Sink {
  readonly #sink: Sink;
  readonly #algorithm: string;
  #hash: Hash;

  constructor(sink: Sink, digest: string) {
    this.#sink = sink;
    this.#algorithm = digest.split(":")[0]!;
    this.#hash = createHash(this.#algorithm);
  }

  get size(): number {
    return this.#sink.size;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    await this.#sink.write(bytes);
  }

  async restart(): Promise<void> {
    this.#hash = createHash(this.#algorithm);
    await this.#sink.restart();
  }

  digest(): string {
    return `${this.#algorithm}:${this.#hash.copy().digest("hex")}`;
  }
}
