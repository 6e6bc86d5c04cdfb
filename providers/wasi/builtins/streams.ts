/**
 * Where builtins read from and write to.
 *
 * @module
 */
import type { ViewFile } from "../../../wasi/mod.ts";

/** Bytes, as builtins pass them on. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Something to read from. */
export interface Source {
  /** The next bytes, never none of them; `undefined` at the end. Good until the next call. */
  read(): Promise<Bytes | undefined>;
  /** Nobody reads on. */
  close(): void;
}

/** Something to write to. */
export interface Sink {
  /** Takes the bytes, which are the caller's again once this has settled. Waits while nobody reads. */
  write(bytes: Bytes): Promise<void>;
  /** Nobody writes on. */
  close(): void;
}

/** Nobody reads what was to be written. Ends a program without a word, as SIGPIPE does. */
export class BrokenPipe extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "BrokenPipe";
}

/** Bytes that are read or passed on at once. */
export const CHUNK_BYTES = 64 * 1024;

/** A source that is at its end. */
export const NOTHING: Source = { read: () => Promise.resolve(undefined), close: () => {} };

/** A sink that forgets all. */
export const NOWHERE: Sink = { write: () => Promise.resolve(), close: () => {} };

/**
 * A file as a source, which closes it. It ends where the file ends now: one that grows as fast as it is read, as by
 * `cat f >> f`, would have no end.
 */
export function fileSource(file: ViewFile): Source {
  const buffer = new Uint8Array(CHUNK_BYTES);
  const { kind, bytes } = file.stat();
  // Files that the system makes while they are read say 0.
  let left = kind === "file" && bytes > 0 ? bytes : Infinity;
  return {
    read(): Promise<Bytes | undefined> {
      const count = file.read(buffer.subarray(0, Math.min(left, CHUNK_BYTES)));
      left -= count;
      return Promise.resolve(count === 0 ? undefined : buffer.subarray(0, count));
    },
    close: () => file[Symbol.dispose](),
  };
}

/** A file as a sink, which closes it. */
export function fileSink(file: ViewFile): Sink {
  return {
    write(bytes): Promise<void> {
      file.write(bytes);
      return Promise.resolve();
    },
    close: () => file[Symbol.dispose](),
  };
}

/** A stream that somebody else closes. */
export function borrowed<T extends Source | Sink>(stream: T): T {
  return { ...bound(stream), close: () => {} };
}

function bound<T extends Source | Sink>(stream: T): T {
  return ("read" in stream
    ? { read: () => stream.read() }
    : { write: (bytes: Bytes) => stream.write(bytes) }) as T;
}

/** Joins two programs: what one writes is what the other reads. Holds one write at a time. */
export class Pipe implements Source, Sink {
  #held: Bytes | undefined;
  #ended = false;
  #broken = false;
  /** True while the reader works with what is held. */
  #lent = false;
  #waiting: (() => void)[] = [];

  async read(): Promise<Bytes | undefined> {
    // Only now has the reader done with what it was given: its writer may use the bytes again.
    if (this.#lent) this.#give();
    while (this.#held === undefined && !this.#ended) await this.#change();
    this.#lent = this.#held !== undefined;
    return this.#held;
  }

  async write(bytes: Bytes): Promise<void> {
    if (bytes.length === 0) return;
    if (this.#broken) throw new BrokenPipe();
    this.#held = bytes;
    this.#wake();
    while (this.#held !== undefined && !this.#broken) await this.#change();
    if (this.#broken) throw new BrokenPipe();
  }

  /** The writer's end. */
  get sink(): Sink {
    return { write: (bytes) => this.write(bytes), close: () => this.#end() };
  }

  /** The reader's end. */
  get source(): Source {
    return { read: () => this.read(), close: () => this.close() };
  }

  /** Nobody reads on: whoever writes is told. */
  close(): void {
    this.#broken = true;
    this.#held = undefined;
    this.#wake();
  }

  #give(): void {
    this.#lent = false;
    this.#held = undefined;
    this.#wake();
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
