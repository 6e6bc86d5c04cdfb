import type { BigIntStats } from "node:fs";
import { FDFLAG, FILETYPE, WHENCE } from "../../abi.ts";
import { ERRNO } from "../../errno.ts";
import { type Answer, AT_POSITION, type FileStat, type HostFile, type Times } from "../host.ts";
import { node } from "./node.ts";
import { attempt } from "./node_error.ts";
import { datesOf, filetypeOf, fill } from "./portable_stat.ts";

type Buffers = readonly Uint8Array<ArrayBuffer>[];

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

  read(buffers: Buffers, offset: number): Answer {
    return this.#transfer(buffers, {
      offset,
      move: (buffer, at) => node.fs.readSync(this.#fd, buffer, 0, buffer.length, at),
    });
  }

  write(buffers: Buffers, offset: number): Answer {
    const append = (this.#flags & FDFLAG.append) !== 0 && this.#seekable;
    const end = append ? Number(this.#stats().size) : 0;
    if (append && offset === AT_POSITION) this.#position = end;
    return this.#transfer(buffers, {
      // As in Linux: a file opened to append takes even a pwrite at its end.
      offset: append && offset !== AT_POSITION ? end : offset,
      move: (buffer, at) => node.fs.writeSync(this.#fd, buffer, 0, buffer.length, at),
    });
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

  #transfer(
    buffers: Buffers,
    { offset, move }: {
      offset: number;
      move: (buffer: Uint8Array<ArrayBuffer>, at: number | null) => number;
    },
  ): Answer {
    const start = offset === AT_POSITION ? this.#position : offset;
    let done = 0;
    const failed = attempt(() => {
      for (const buffer of buffers) {
        const count = move(buffer, this.#seekable ? start + done : null);
        done += count;
        if (count < buffer.length) break;
      }
    });
    if (failed < 0 && done === 0) return failed;
    if (offset === AT_POSITION) this.#position = start + done;
    return done;
  }
}
