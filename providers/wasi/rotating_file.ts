import { LOG_FILE_BYTES_MAX, LOG_FILES_MAX } from "./limits.ts";

/** Bounds of a {@linkcode RotatingFile}, and who hears of trouble. */
export interface RotatingFileOptions {
  /** @default {LOG_FILE_BYTES_MAX} */
  readonly bytesMax?: number;
  /** Files kept, the current one included. @default {LOG_FILES_MAX} */
  readonly filesMax?: number;
  /** Called once, with the first reason for which bytes were dropped. */
  readonly note: (message: string) => void;
}

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
  #lastRotation = { digits: "", count: 0 };

  constructor(path: string, options: RotatingFileOptions) {
    this.#path = path;
    this.#bytesMax = options.bytesMax ?? LOG_FILE_BYTES_MAX;
    this.#filesMax = options.filesMax ?? LOG_FILES_MAX;
    this.#note = options.note;
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
    Deno.renameSync(this.#path, this.#freeName());
    this.close();
    this.#removeOldest();
    return this.#open();
  }

  /** The kubelet's name for a rotated log, and a number if the guest fills several per second. */
  #freeName(): string {
    const digits = new Date().toISOString().replace(/[-:]|\..*$/g, "").replace("T", "-");
    // Counting on from the last name keeps the order of names the order of ages.
    let count = digits === this.#lastRotation.digits ? this.#lastRotation.count + 1 : 0;
    for (;; count++) {
      const number = count === 0 ? "" : `.${String(count).padStart(4, "0")}`;
      const candidate = `${this.#path}.${digits}${number}`;
      if (exists(candidate)) continue;
      this.#lastRotation = { digits, count };
      return candidate;
    }
  }

  #removeOldest(): void {
    const cut = Math.max(this.#path.lastIndexOf("/"), this.#path.lastIndexOf("\\"));
    const [folder, prefix] = [this.#path.slice(0, cut), `${this.#path.slice(cut + 1)}.`];
    const rotated = [...Deno.readDirSync(folder)]
      .map((entry) => entry.name)
      .filter((name) => name.startsWith(prefix))
      .sort(); // names are times, so this is by age
    const surplus = rotated.length - (this.#filesMax - 1);
    for (const name of rotated.slice(0, Math.max(0, surplus))) {
      Deno.removeSync(`${folder}/${name}`);
    }
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
