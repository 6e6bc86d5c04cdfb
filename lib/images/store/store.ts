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
import { messageOf } from "../../errors.ts";
import { namesIn, removeTree } from "../../files.ts";
import { Flights } from "../flights.ts";
import { DISK_BYTES, PARTIAL_MS_MAX } from "../limits.ts";
import { type Expected, Partial, type Sink } from "./partial.ts";
import { isDigest } from "../oci/reference.ts";
import { diskFailure, ignoreNotFound, isDamage, removeDamaged, spaceFailure } from "./disk.ts";
import { clearLeftovers } from "./leftovers.ts";
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
  readonly #checking = new Flights<boolean>();
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
   * The blob if it is here, sound, and of this size. A torn or changed one is removed, and is then not
   * here; one whose size was only told wrongly stays for others.
   *
   * Its size is looked at each time, its bytes once after each start.
   */
  async find(digest: string, size: number, signal: AbortSignal): Promise<Blob | undefined> {
    const blob = { path: this.path(digest), digest, size };
    try {
      await this.#prepared();
      this.#asked.set(digest, Date.now());
      const sound = await this.#checking.join(
        `${digest} ${size}`,
        signal,
        (signal) => this.#check(blob, signal),
      );
      return sound ? blob : undefined;
    } catch (error) {
      throw await spaceFailure(error, { dir: this.#dir, bytes: undefined });
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
      throw await spaceFailure(error, { dir: this.#dir, bytes: expected.size });
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

  /** True for a blob that is sound. A damaged one is removed. */
  async #check(blob: Blob, signal: AbortSignal): Promise<boolean> {
    const finding = await this.#look(blob, signal);
    if (finding === "sound") return true;
    if (finding === "other") return false;
    this.#verified.delete(blob.digest);
    if (finding !== "absent") await removeDamaged(blob.path, finding.damage);
    return false;
  }

  async #look({ path, digest, size }: Blob, signal: AbortSignal): Promise<Finding> {
    try {
      const info = await Deno.stat(path);
      if (!info.isFile) return { damage: "it is no file" };
      if (info.size === size && this.#verified.has(digest)) return "sound";
      const found = await hashFile(path, { algorithm: digest.split(":")[0]!, signal });
      if (found === digest) this.#verified.add(digest);
      if (info.size === size) {
        return found === digest ? "sound" : { damage: `its content has digest ${found}` };
      }
      return found === digest ? "other" : { damage: `it has ${info.size} of ${size} bytes` };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "absent";
      if (isDamage(error)) return { damage: `it cannot be read: ${messageOf(error)}` };
      throw error;
    }
  }

  /**
   * Removes a blob that came, and was last asked for, before `beforeMs`. Returns the bytes that this
   * frees.
   */
  async remove(digest: string, beforeMs: number): Promise<number> {
    const path = this.path(digest);
    const info = await Deno.stat(path).catch(ignoreNotFound);
    if (info === undefined || (info.mtime?.getTime() ?? Infinity) >= beforeMs) return 0;
    // Behind the wait: somebody may have asked for it meanwhile.
    if ((this.#asked.get(digest) ?? 0) >= beforeMs) return 0;
    await removeTree(path);
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
    const clear = (beforeMs: number): Promise<void> => clearLeftovers(this.#dir, beforeMs);
    const alone = await this.#lock?.alone(() => clear(Infinity));
    // Another process writes there as well, so only what nobody writes any more is removed.
    if (this.#lock === undefined || alone === "shared") await clear(Date.now() - PARTIAL_MS_MAX);
  }
}

/**
 * What lies under a blob's name. `other` is a sound one of another size than is asked for: a manifest
 * that lies must not take it from those that do not.
 */
type Finding = "sound" | "absent" | "other" | { readonly damage: string };

async function hashFile(
  path: string,
  { algorithm, signal }: { readonly algorithm: string; readonly signal: AbortSignal },
): Promise<string> {
  const hash = createHash(algorithm);
  using file = await Deno.open(path);
  const buffer = new Uint8Array(DISK_BYTES);
  for (let n = await file.read(buffer); n !== null; n = await file.read(buffer)) {
    signal.throwIfAborted();
    hash.update(buffer.subarray(0, n));
  }
  return `${algorithm}:${hash.digest("hex")}`;
}
