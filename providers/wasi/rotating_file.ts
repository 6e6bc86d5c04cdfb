import { LOG_FILE_BYTES_MAX, LOG_FILES_MAX } from "./limits.ts";
import type { LogLimits } from "./protocol.ts";

/**
 * Bounds of a {@linkcode RotatingFile}, by default {@linkcode LOG_FILE_BYTES_MAX} and
 * {@linkcode LOG_FILES_MAX}, and who hears of trouble.
 */
export interface RotatingFileOptions extends Partial<LogLimits> {
  /** Called once, with the first reason for which bytes were dropped. */
  readonly note: (message: string) => void;
  /** Milliseconds since 1970, for the names of files. @default {Date.now} */
  readonly nowMs?: () => number;
}

/** Digits of the number: as many files as a guest fills while a clock that was set back catches up. */
const COUNT_DIGITS = 7;

/** What is behind the file's own name: a time, and a number in it. */
const ROTATED = /\.(\d{8}-\d{6})(?:\.(\d+))?$/;

/**
 * A file that is appended to and moved aside when it is full, as the kubelet does it:
 * `0.log` becomes `0.log.20260131-235959`, and the oldest are removed.
 *
 * Nothing here throws: a guest does not die of a full disk. Bytes that cannot be written are
 * counted and dropped, and the next write is tried as if nothing had happened.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #bytesMax: number;
  readonly #filesMax: number;
  readonly #note: (message: string) => void;
  #file: Deno.FsFile | undefined;
  #bytes = 0;
  #droppedBytes = 0;
  #noted = false;
  readonly #nowMs: () => number;

  constructor(path: string, options: RotatingFileOptions) {
    this.#path = path;
    this.#bytesMax = options.bytesMax ?? LOG_FILE_BYTES_MAX;
    this.#filesMax = options.filesMax ?? LOG_FILES_MAX;
    this.#note = options.note;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** Bytes that were given and are in no file. */
  get droppedBytes(): number {
    return this.#droppedBytes;
  }

  /** Appends whole lines in one write; they are never spread over two files. */
  write(bytes: Uint8Array): void {
    try {
      let file = this.#file ?? this.#open();
      if (this.#bytes > 0 && this.#bytes + bytes.length > this.#bytesMax) file = this.#rotate();
      this.#append(file, bytes);
    } catch (error) {
      if (!this.#noted) {
        this.#noted = true;
        const reason = error instanceof Error ? error.message : String(error);
        this.#note(`Cannot write container log "${this.#path}", so output is dropped: ${reason}`);
      }
      this.#droppedBytes += bytes.length;
    }
  }

  /** Lets go of the file. A later write opens it again. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #open(): Deno.FsFile {
    const file = Deno.openSync(this.#path, { append: true, create: true, mode: 0o640 });
    this.#bytes = file.statSync().size;
    this.#file = file;
    return file;
  }

  #append(file: Deno.FsFile, bytes: Uint8Array): void {
    let written = 0;
    try {
      while (written < bytes.length) written += file.writeSync(bytes.subarray(written));
    } catch (error) {
      // A torn line would swallow the next good one.
      if (written > 0) file.truncateSync(this.#bytes);
      throw error;
    }
    this.#bytes += written;
  }

  #rotate(): Deno.FsFile {
    Deno.renameSync(this.#path, this.#nextName());
    this.close();
    this.#removeOldest();
    return this.#open();
  }

  /**
   * The kubelet's name for a rotated log, and a number if the guest fills several per second. It comes behind
   * all others in the order of names, which is the order of ages: also when the clock was set back.
   */
  #nextName(): string {
    const stamp = new Date(this.#nowMs()).toISOString().replace(/[-:]|\..*$/g, "");
    const digits = stamp.replace("T", "-");
    const [, lastDigits = "", lastCount = "0"] = ROTATED.exec(this.#rotated().at(-1) ?? "") ?? [];
    if (digits > lastDigits) return `${this.#path}.${digits}`;
    return `${this.#path}.${lastDigits}.${
      String(Number(lastCount) + 1).padStart(COUNT_DIGITS, "0")
    }`;
  }

  #removeOldest(): void {
    const rotated = this.#rotated();
    const surplus = rotated.length - (this.#filesMax - 1);
    for (const name of rotated.slice(0, Math.max(0, surplus))) {
      Deno.removeSync(`${this.#folder}/${name}`);
    }
  }

  /** Names of the files that were moved aside, oldest first. */
  #rotated(): string[] {
    const prefix = `${this.#path.slice(this.#folder.length + 1)}.`;
    return [...Deno.readDirSync(this.#folder)]
      .map((entry) => entry.name)
      .filter((name) => name.startsWith(prefix))
      .sort();
  }

  get #folder(): string {
    return this.#path.slice(0, Math.max(this.#path.lastIndexOf("/"), this.#path.lastIndexOf("\\")));
  }
}
