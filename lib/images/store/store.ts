/**
 * Content on disk, named by its digest: `<dir>/blobs/sha256/<hex>`.
 *
 * A blob is written beside (`<dir>/partial/`) and renamed when it is whole and its digest is right,
 * so whatever stands under `blobs/` was right once. It is hashed again at its first use after a start.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { namesIn } from "../../files.ts";
import { Flights } from "../flights.ts";
import { DISK_BYTES, PARTIAL_MS_MAX } from "../limits.ts";
import { type Expected, Partial, type Sink } from "./partial.ts";
import { isDigest } from "../oci/reference.ts";
import { diskFailure, ignoreNotFound } from "./disk.ts";
import type { StoreLock } from "./store_lock.ts";

export { diskFailure } from "./disk.ts";

/** A blob on disk. */
export interface Blob {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
}

/** Blobs by digest. Nothing happens on disk before the first call. */
export class BlobStore {
  readonly #dir: string;
  /** Blobs whose bytes were hashed since the start. */
  readonly #verified = new Set<string>();
  readonly #verifying = new Flights<boolean>();
  /** When each blob was last asked for, by this process. */
  readonly #asked = new Map<string, number>();
  readonly #lock: StoreLock | undefined;
  #ready: Promise<void> | undefined;

  /** `lock` is for a store that other processes may use too. */
  constructor(dir: string, lock?: StoreLock) {
    this.#dir = resolve(dir);
    this.#lock = lock;
  }

  /** Where a blob lies, or would lie. Throws a `RangeError` for what is not a digest. */
  path(digest: string): string {
    if (!isDigest(digest)) throw new RangeError(`Cannot name blob "${digest}": not a digest`);
    const [algorithm, hex] = digest.split(":");
    return join(this.#dir, "blobs", algorithm!, hex!);
  }

  /**
   * The blob if it is here and sound. A torn or changed one is removed, and is then not here.
   *
   * Its size is looked at each time, its bytes once after each start.
   */
  async find(digest: string, size: number, signal: AbortSignal): Promise<Blob | undefined> {
    const blob = { path: this.path(digest), digest, size };
    try {
      await this.#prepared();
      this.#asked.set(digest, Date.now());
      return await this.#check(blob, signal);
    } catch (error) {
      throw diskFailure(error, this.#dir);
    }
  }

  /**
   * Takes a blob in. `fill` writes its bytes; then size and digest are checked.
   *
   * Throws a `PullFailure` if they are wrong or the disk refuses; then nothing is left behind.
   */
  async add(expected: Expected, fill: (sink: Sink) => Promise<void>): Promise<Blob> {
    let partial: Partial | undefined;
    try {
      await this.#prepared();
      partial = await Partial.create(join(this.#dir, "partial"), expected);
      await fill(partial);
      const { digest, size } = await partial.finish();
      const path = this.path(digest);
      await Deno.mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
      await Deno.rename(partial.path, path);
      this.#asked.set(digest, Date.now());
      this.#verified.add(digest);
      return { path, digest, size };
    } catch (error) {
      await partial?.drop();
      throw diskFailure(error, this.#dir);
    }
  }

  /** The first bytes of a blob. */
  async head(blob: Blob, bytes: number): Promise<Uint8Array> {
    try {
      using file = await Deno.open(blob.path);
      const buffer = new Uint8Array(bytes);
      return buffer.subarray(0, await file.read(buffer) ?? 0);
    } catch (error) {
      throw diskFailure(error, this.#dir);
    }
  }

  async #check(blob: Blob, signal: AbortSignal): Promise<Blob | undefined> {
    const { path, digest, size } = blob;
    const info = await Deno.stat(path).catch(ignoreNotFound);
    if (info?.isFile && info.size === size) {
      if (this.#verified.has(digest)) return blob;
      const sound = await this.#verifying.join(
        digest,
        signal,
        (signal) => this.#verify(blob, signal),
      );
      if (sound) return blob;
    }
    this.#verified.delete(digest);
    if (info !== undefined) await Deno.remove(path).catch(ignoreNotFound);
    return undefined;
  }

  /**
   * Removes a blob that came, and was last asked for, before `beforeMs`. Returns the bytes that this
   * frees.
   */
  async remove(digest: string, beforeMs: number): Promise<number> {
    const path = this.path(digest);
    if ((this.#asked.get(digest) ?? 0) >= beforeMs) return 0;
    const info = await Deno.stat(path).catch(ignoreNotFound);
    if (info === undefined || (info.mtime?.getTime() ?? Infinity) >= beforeMs) return 0;
    await Deno.remove(path).catch(ignoreNotFound);
    this.#verified.delete(digest);
    this.#asked.delete(digest);
    return info.size;
  }

  /** All blobs that lie here, looked at or not. */
  async *list(): AsyncGenerator<Pick<Blob, "digest" | "path">> {
    for (const algorithm of await namesIn(join(this.#dir, "blobs"))) {
      for (const hex of await namesIn(join(this.#dir, "blobs", algorithm))) {
        const digest = `${algorithm}:${hex}`;
        if (isDigest(digest)) yield { digest, path: this.path(digest) };
      }
    }
  }

  async #prepared(): Promise<void> {
    try {
      await (this.#ready ??= this.#prepare());
    } catch (error) {
      // The disk may be in order the next time.
      this.#ready = undefined;
      throw error;
    }
  }

  /** Removes what earlier runs left unfinished. */
  async #prepare(): Promise<void> {
    const alone = await this.#lock?.alone(() => this.#clear(Infinity));
    // Another process writes there as well, so only what nobody writes any more is removed.
    if (alone === undefined || alone === "shared") await this.#clear(Date.now() - PARTIAL_MS_MAX);
  }

  async #clear(beforeMs: number): Promise<"cleared"> {
    const dir = join(this.#dir, "partial");
    for (const name of await namesIn(dir)) {
      const path = join(dir, name);
      const info = await Deno.stat(path).catch(ignoreNotFound);
      if ((info?.mtime?.getTime() ?? Infinity) >= beforeMs) continue;
      await Deno.remove(path).catch(ignoreNotFound);
    }
    return "cleared";
  }

  async #verify({ path, digest }: Blob, signal: AbortSignal): Promise<boolean> {
    const hash = createHash(digest.split(":")[0]!);
    using file = await Deno.open(path);
    const buffer = new Uint8Array(DISK_BYTES);
    for (let n = await file.read(buffer); n !== null; n = await file.read(buffer)) {
      signal.throwIfAborted();
      hash.update(buffer.subarray(0, n));
    }
    if (`${digest.split(":")[0]}:${hash.digest("hex")}` !== digest) return false;
    this.#verified.add(digest);
    return true;
  }
}
