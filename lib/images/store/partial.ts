/**
 * A blob on its way: written beside, hashed as it comes, and whole only after its checks.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { join } from "node:path";
import { PullFailure } from "../oci/failure.ts";

/** Bytes of one write that is waited for: 20 µs in the page cache, and the data is still in the CPU's. */
const WRITE_BYTES = 32 * 1024;
/** Milliseconds of one such write that show a disk which keeps its writers waiting. */
const SLOW_WRITE_MS = 20;
/** Writes that are then left to another thread, before the disk is tried again: some 8 MiB. */
const PATIENT_WRITES = 32;

/** What is known of a blob before it is there. */
export interface Expected {
  /** Absent for content that has no digest yet, as a local file. */
  readonly digest?: string;
  /** Exact size, if known. */
  readonly size?: number;
  /** More is refused. */
  readonly bytesMax: number;
  /** Who sends it, for messages, as `registry "ghcr.io"`. */
  readonly from: string;
}

/** Where a blob's bytes go while they come. */
export interface Sink {
  /** Bytes taken so far. */
  readonly size: number;
  write(bytes: Uint8Array): Promise<void>;
  /** Begins again: what was written is dropped. */
  restart(): Promise<void>;
}

/** A file that is being written beside, and the digest of what went into it. */
export class Partial implements Sink {
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #expected: Expected;
  readonly #algorithm: string;
  #patientWrites = 0;
  #hash: Hash;
  #size = 0;
  #open = true;

  /** Makes an empty file of its own in `dir`. */
  static async create(dir: string, expected: Expected): Promise<Partial> {
    // Each time: an operator may empty the store's folder while the agent runs.
    await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    const path = join(dir, crypto.randomUUID());
    const file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
    return new Partial(path, file, expected);
  }

  private constructor(path: string, file: Deno.FsFile, expected: Expected) {
    this.path = path;
    this.#file = file;
    this.#expected = expected;
    this.#algorithm = expected.digest?.split(":")[0] ?? "sha256";
    this.#hash = createHash(this.#algorithm);
  }

  get size(): number {
    return this.#size;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    const { size, bytesMax, from } = this.#expected;
    if (this.#size > (size ?? bytesMax)) {
      throw new PullFailure(
        size === undefined
          ? `${from} holds more than ${bytesMax} bytes, the limit; make it smaller`
          : `${from} sent more than the ${size} bytes that the manifest names; push the image again`,
      );
    }
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length;) {
      if (this.#patientWrites === 0) at += this.#writeNow(bytes.subarray(at, at + WRITE_BYTES));
      else {
        this.#patientWrites--;
        at += await this.#file.write(bytes.subarray(at));
      }
    }
  }

  async restart(): Promise<void> {
    await this.#file.truncate(0);
    await this.#file.seek(0, Deno.SeekMode.Start);
    this.#hash = createHash(this.#algorithm);
    this.#size = 0;
  }

  /** Checks what came, and closes the file. */
  finish(): { digest: string; size: number } {
    this.#close();
    const { digest: wanted, size, from } = this.#expected;
    if (size !== undefined && this.#size !== size) {
      throw new PullFailure(
        `${from} sent ${this.#size} of ${size} bytes: the rest is missing; push the image again`,
      );
    }
    const digest = `${this.#algorithm}:${this.#hash.digest("hex")}`;
    if (wanted !== undefined && digest !== wanted) {
      throw new PullFailure(
        `digest mismatch: ${from} sent content with digest ${digest} for ${wanted}; it is damaged ` +
          `there or was changed on the way: push it again`,
      );
    }
    return { digest, size: this.#size };
  }

  /** Closes and removes the file; also after `finish`. */
  async drop(): Promise<void> {
    this.#close();
    // The failure that led here is what the caller must hear of.
    await Deno.remove(this.path).catch(() => {});
  }

  /**
   * Writes on this thread. To hand each piece to another one costs ten times as much on a busy machine;
   * only a disk that makes its writers wait is worth that.
   */
  #writeNow(bytes: Uint8Array): number {
    const fromMs = performance.now();
    const written = this.#file.writeSync(bytes);
    if (performance.now() - fromMs >= SLOW_WRITE_MS) this.#patientWrites = PATIENT_WRITES;
    return written;
  }

  #close(): void {
    if (this.#open) this.#file.close();
    this.#open = false;
  }
}
