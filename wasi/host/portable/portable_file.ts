import type { BigIntStats } from "node:fs";
import { FDFLAG, FILETYPE, WHENCE } from "../../abi.ts";
import { ERRNO } from "../../errno.ts";
import type { Vectors } from "../../memory.ts";
import type { Answer, FileStat, HostFile, Times } from "../host.ts";
import { node } from "./node.ts";
import { attempt } from "./node_error.ts";
import { datesOf, filetypeOf, fill } from "./portable_stat.ts";

/**
 * A descriptor of `node:fs`. It keeps the position itself, because `node:fs` is slower without one;
 * and `append` looks for the end before each write, so that the flag can be taken off.
 */
export class PortableFile implements HostFile {
  readonly type = "file";
  readonly filetype: number;
  readonly #fd: number;
  readonly #borrowed: boolean;
  #flags: number;
  #position = 0;

  constructor(fd: number, options: { flags: number; borrowed?: boolean }) {
    this.#fd = fd;
    this.#flags = options.flags;
    this.#borrowed = options.borrowed ?? false;
    this.filetype = filetypeOf(this.#stats());
  }

  read(into: Vectors): Answer {
    return this.#moving(this.#readAt(into, this.#position));
  }

  write(from: Vectors): Answer {
    if (this.#appends) this.#position = Number(this.#stats().size);
    return this.#moving(this.#writeAt(from, this.#position));
  }

  pread(into: Vectors, offset: bigint): Answer {
    return this.#readAt(into, Number(offset));
  }

  pwrite(from: Vectors, offset: bigint): Answer {
    // As in Linux: a file opened to append takes even a pwrite at its end.
    return this.#writeAt(from, this.#appends ? Number(this.#stats().size) : Number(offset));
  }

  seek(offset: number, whence: number): Answer {
    if (!this.#seekable) return -ERRNO.spipe;
    return attempt(() => {
      const from = whence === WHENCE.set
        ? 0
        : whence === WHENCE.cur
        ? this.#position
        : Number(this.#stats().size);
      if (from + offset < 0) return -ERRNO.inval;
      return this.#position = from + offset;
    });
  }

  stat(out: FileStat): Answer {
    return attempt(() => fill(this.#stats(), out));
  }

  setTimes(times: Times): Answer {
    return attempt(() => node.fs.futimesSync(this.#fd, ...datesOf(times, this.#stats())));
  }

  setSize(size: number): Answer {
    return attempt(() => node.fs.ftruncateSync(this.#fd, size));
  }

  /** Makes the file long enough; it reserves no blocks. */
  allocate(offset: number, length: number): Answer {
    return attempt(() => {
      if (this.#stats().size < offset + length) node.fs.ftruncateSync(this.#fd, offset + length);
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
    return this.#borrowed ? 0 : attempt(() => node.fs.closeSync(this.#fd));
  }

  /** Bytes from the position to the end; undefined for a stream, where nobody knows. */
  get bytesLeft(): number | undefined {
    return this.#seekable ? Math.max(0, Number(this.#stats().size) - this.#position) : undefined;
  }

  /** A borrowed file's position belongs to everybody who shares it, so it is left to the system. */
  get #seekable(): boolean {
    return !this.#borrowed && this.filetype === FILETYPE.regularFile;
  }

  #stats(): BigIntStats {
    return node.fs.fstatSync(this.#fd, { bigint: true });
  }

  get #appends(): boolean {
    return (this.#flags & FDFLAG.append) !== 0 && this.#seekable;
  }

  #moving(answer: Answer): Answer {
    if (answer > 0) this.#position += answer;
    return answer;
  }

  #readAt(into: Vectors, offset: number): Answer {
    return this.#transfer(into, {
      offset,
      move: (buffer, at) => node.fs.readSync(this.#fd, buffer, 0, buffer.length, at),
    });
  }

  #writeAt(from: Vectors, offset: number): Answer {
    return this.#transfer(from, {
      offset,
      move: (buffer, at) => node.fs.writeSync(this.#fd, buffer, 0, buffer.length, at),
    });
  }

  #transfer(
    vectors: Vectors,
    { offset, move }: {
      offset: number;
      move: (buffer: Uint8Array<ArrayBuffer>, at: number | null) => number;
    },
  ): Answer {
    let done = 0;
    const failed = attempt(() => {
      for (let index = 0; index < vectors.count; index++) {
        const buffer = vectors.view(index);
        const count = move(buffer, this.#seekable ? offset + done : null);
        done += count;
        if (count < buffer.length) break;
      }
    });
    return failed < 0 && done === 0 ? failed : done;
  }
}
