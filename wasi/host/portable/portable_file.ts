import type { BigIntStats } from "node:fs";
import { FDFLAG, FILETYPE, WHENCE } from "../../abi.ts";
import { ERRNO } from "../../errno.ts";
import type { Vectors } from "../../memory.ts";
import type { Answer, FileStat, HostFile, Times } from "../host.ts";
import { tellStream } from "../standard.ts";
import { node } from "./node.ts";
import { attempt } from "./node_error.ts";
import { filetypeOf, fill, secondsOf } from "./portable_stat.ts";
import { setTimes } from "./set_times.ts";

/** How {@linkcode PortableFile} came by its descriptor. */
export interface PortableFileOptions {
  /** WASI's `fdflags` that it was opened with. */
  readonly flags: number;
  /** The same file, opened to append; without it the end is looked for before each write. */
  readonly appendFd?: number;
  /** The descriptor is the process's own: it is never closed, and others share its position. */
  readonly borrowed?: boolean;
  /** Says what type the guest is told, from the one that was found. */
  readonly tellFiletype?: (found: number) => number;
}

/** Bytes that are copied together for one write: as many as a guest may make the host hold. */
const GATHERED_BYTES_MAX = 1_048_576;

/** Milliseconds between two looks at a pipe that has nothing to give or take. */
const PIPE_PAUSE_MS = 5;

/**
 * A descriptor of `node:fs`. It keeps the position itself, because `node:fs` is slower without one and
 * cannot tell it.
 */
export class PortableFile implements HostFile {
  readonly type = "file";
  readonly filetype: number;
  readonly #fd: number;
  readonly #appendFd: number | undefined;
  readonly #borrowed: boolean;
  #flags: number;
  #position = 0;

  constructor(fd: number, options: PortableFileOptions) {
    this.#fd = fd;
    this.#appendFd = options.appendFd;
    this.#flags = options.flags;
    this.#borrowed = options.borrowed ?? false;
    const found = filetypeOf(this.#stats());
    this.filetype = options.tellFiletype?.(found) ?? found;
  }

  read(into: Vectors): Answer {
    return this.#moving(this.#readAt(into, this.#position));
  }

  write(from: Vectors): Answer {
    if (this.#appends) return this.#append(from, (end) => this.#position = end);
    return this.#moving(this.#writeAt(from, this.#position));
  }

  pread(into: Vectors, offset: bigint): Answer {
    if (offset > BigInt(Number.MAX_SAFE_INTEGER)) return 0; // no file reaches as far
    return this.#readAt(into, Number(offset));
  }

  pwrite(from: Vectors, offset: bigint): Answer {
    // As in Linux: a file opened to append takes even a pwrite at its end.
    if (this.#appends) return this.#append(from, () => {});
    if (offset > BigInt(Number.MAX_SAFE_INTEGER)) return -ERRNO.fbig;
    return this.#writeAt(from, Number(offset));
  }

  seek(offset: number, whence: number): Answer {
    if (!this.#seekable) return -ERRNO.spipe;
    return attempt(() => {
      const from = whence === WHENCE.set
        ? 0
        : whence === WHENCE.cur
        ? this.#position
        : Number(this.#stats().size);
      const position = from + offset;
      if (position < 0 || !Number.isSafeInteger(position)) return -ERRNO.inval;
      return this.#position = position;
    });
  }

  stat(out: FileStat): Answer {
    if (this.#borrowed && this.filetype !== FILETYPE.regularFile) {
      tellStream(this.filetype, out);
      return 0;
    }
    return attempt(() => fill(this.#stats(), out));
  }

  setTimes(times: Times): Answer {
    return attempt(() => {
      const wanted = setTimes.wanted(times, this.#stats());
      node.fs.futimesSync(this.#fd, ...secondsOf(wanted));
      setTimes.remember(wanted, this.#stats());
    });
  }

  setSize(size: number): Answer {
    return attempt(() => node.fs.ftruncateSync(this.#fd, size));
  }

  /** Makes the file long enough; it reserves no blocks. */
  allocate(offset: number, length: number): Answer {
    if (length === 0) return -ERRNO.inval;
    const size = offset + length;
    if (!Number.isSafeInteger(size)) return -ERRNO.fbig;
    return attempt(() => {
      if (this.#stats().size < size) node.fs.ftruncateSync(this.#fd, size);
    });
  }

  advise(): Answer {
    return 0;
  }

  sync(dataOnly: boolean): Answer {
    return attempt(() => dataOnly ? node.fs.fdatasyncSync(this.#fd) : node.fs.fsyncSync(this.#fd));
  }

  setFlags(flags: number): Answer {
    this.#flags = flags;
    return 0;
  }

  close(): Answer {
    if (this.#borrowed) return 0;
    const appendFd = this.#appendFd;
    if (appendFd !== undefined) node.fs.closeSync(appendFd);
    return attempt(() => node.fs.closeSync(this.#fd));
  }

  /** Bytes from the position to the end; undefined for a stream, where nobody knows. */
  get bytesLeft(): number | undefined {
    return this.#seekable ? Math.max(0, Number(this.#stats().size) - this.#position) : undefined;
  }

  /** A borrowed file's position belongs to everybody who shares it, so it is left to the system. */
  get #seekable(): boolean {
    return !this.#borrowed && this.filetype === FILETYPE.regularFile;
  }

  get #appends(): boolean {
    return (this.#flags & FDFLAG.append) !== 0 && this.#seekable;
  }

  #stats(): BigIntStats {
    return node.fs.fstatSync(this.#fd, { bigint: true });
  }

  #moving(answer: Answer): Answer {
    if (answer > 0) this.#position += answer;
    return answer;
  }

  #readAt(into: Vectors, offset: number): Answer {
    return this.#transfer(into, {
      offset: this.#seekable ? offset : undefined,
      move: (buffer, at) => node.fs.readSync(this.#fd, buffer, 0, buffer.length, at),
    });
  }

  #writeAt(from: Vectors, offset: number): Answer {
    return this.#transfer(from, {
      offset: this.#seekable ? offset : undefined,
      move: (buffer, at) => node.fs.writeSync(this.#fd, buffer, 0, buffer.length, at),
    });
  }

  #append(from: Vectors, arrive: (end: number) => void): Answer {
    if (from.bytes === 0) return 0; // and stays where it is
    const fd = this.#appendFd;
    const answer = fd === undefined
      ? this.#writeAt(from, Number(this.#stats().size))
      : attempt(() => node.fs.writeSync(fd, gathered(from)));
    if (answer >= 0) arrive(Number(this.#stats().size));
    return answer;
  }

  /** Moves buffer by buffer; without an offset it leaves the place to the system. */
  #transfer(
    vectors: Vectors,
    { offset, move }: {
      offset: number | undefined;
      move: (buffer: Uint8Array, at: number | null) => number;
    },
  ): Answer {
    for (let done = 0, index = 0;;) {
      if (index === vectors.count) return done;
      const buffer = vectors.view(index);
      const count = attempt(() => move(buffer, offset === undefined ? null : offset + done));
      if (count === -ERRNO.again && done === 0 && this.#waits) {
        Atomics.wait(never, 0, 0, PIPE_PAUSE_MS);
        continue;
      }
      if (count < 0) return done === 0 ? count : done;
      done += count;
      if (count < buffer.length) return done;
      index++;
    }
  }

  /** A pipe is opened so that it never blocks; a guest that did not ask for that waits here. */
  get #waits(): boolean {
    return !this.#seekable && (this.#flags & FDFLAG.nonblock) === 0;
  }
}

/** All buffers as one, so that nobody else's bytes come between; a short one if there are too many. */
function gathered(vectors: Vectors): Uint8Array {
  if (vectors.count === 1) return vectors.view(0);
  const bytes = new Uint8Array(Math.min(vectors.bytes, GATHERED_BYTES_MAX));
  for (let index = 0, done = 0; done < bytes.length; index++) {
    const part = vectors.view(index).subarray(0, bytes.length - done);
    bytes.set(part, done);
    done += part.length;
  }
  return bytes;
}

const never = new Int32Array(new SharedArrayBuffer(4));
