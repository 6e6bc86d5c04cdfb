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
import { clean, PullFailure } from "../oci/failure.ts";
import { Flights } from "../flights.ts";
import { DISK_BYTES, PARTIAL_MS_MAX } from "../limits.ts";
import { type Expected, Partial, type Sink } from "./partial.ts";
import { isDigest } from "../oci/reference.ts";

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
  #ready: Promise<void> | undefined;

  constructor(dir: string) {
    this.#dir = resolve(dir);
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
      await (this.#ready ??= this.#prepare());
      partial = await Partial.create(join(this.#dir, "partial"), expected);
      await fill(partial);
      const { digest, size } = await partial.finish();
      const path = this.path(digest);
      await Deno.mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
      await Deno.rename(partial.path, path);
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

  /** Removes what earlier runs left unfinished. */
  async #prepare(): Promise<void> {
    const dir = join(this.#dir, "partial");
    try {
      for await (const { name } of Deno.readDir(dir)) {
        const path = join(dir, name);
        const info = await Deno.stat(path).catch(ignoreNotFound);
        // Another process may share the folder, so only what nobody writes any more is removed.
        const isOld = (info?.mtime?.getTime() ?? Infinity) < Date.now() - PARTIAL_MS_MAX;
        if (isOld) await Deno.remove(path).catch(ignoreNotFound);
      }
    } catch (error) {
      ignoreNotFound(error);
    }
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

/** Puts what the operating system refuses into a person's words; other errors stay as they are. */
export function diskFailure(error: unknown, dir: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (!(error instanceof Error) || typeof code !== "string" || !/^E[A-Z]/.test(code)) return error;
  const states: Readonly<Record<string, string>> = {
    ENOSPC: `no space is left on the disk of "${dir}"; free some or move it`,
    EDQUOT: `the disk quota for "${dir}" is used up; free some or raise it`,
    EROFS: `the disk of "${dir}" is read-only`,
    EACCES: `this process may not read and write "${dir}"`,
    EPERM: `this process may not read and write "${dir}"`,
  };
  return new PullFailure(states[code] ?? `"${dir}" cannot be used: ${clean(error.message)}`, {
    cause: error,
  });
}

function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
  return undefined;
}
