import { FILETYPE } from "../../abi.ts";
import type { Answer, FileStat } from "../host.ts";
import { AT_EMPTY_PATH, STATX_BASIC_STATS } from "./constants.ts";
import type { Library } from "./library.ts";

const STATX_BYTES = 256;
const EMPTY = new Uint8Array(1);

/** By the top four bits of a mode, which are the types of a directory's entries as well. */
const FILETYPES: Readonly<Record<number, number>> = {
  2: FILETYPE.characterDevice,
  4: FILETYPE.directory,
  6: FILETYPE.blockDevice,
  8: FILETYPE.regularFile,
  10: FILETYPE.symbolicLink,
  12: FILETYPE.socketStream,
};

/** WASI's `filetype` for an `S_IFMT >> 12` or a `DT_` number; pipes have none of their own. */
export function filetypeOf(kind: number): number {
  return FILETYPES[kind] ?? FILETYPE.unknown;
}

/** Asks the kernel about files, with one buffer that is used again and again. */
export class Stat {
  readonly #library: Library;
  readonly #bytes = new Uint8Array(STATX_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);

  constructor(library: Library) {
    this.#library = library;
  }

  /** Looks at an open descriptor, or with `path` at a name in a directory. */
  look(fd: number, at: { path: Uint8Array<ArrayBuffer>; flags: number } = DESCRIPTOR): Answer {
    return this.#library.answer(
      this.#library.calls.statx(
        { fd, name: at.path },
        { flags: at.flags, mask: STATX_BASIC_STATS },
        this.#bytes,
      ),
    );
  }

  /** WASI's `filetype` of what was last looked at. */
  get filetype(): number {
    return filetypeOf(this.#view.getUint16(28, true) >> 12);
  }

  /** Tells what was last looked at (offsets of `struct statx`). */
  fill(out: FileStat): void {
    const view = this.#view;
    out.filetype = this.filetype;
    out.nlink = BigInt(view.getUint32(16, true));
    out.ino = view.getBigUint64(32, true);
    out.size = view.getBigUint64(40, true);
    out.atimNs = this.#time(64);
    out.ctimNs = this.#time(96);
    out.mtimNs = this.#time(112);
    out.dev = BigInt(view.getUint32(136, true)) << 32n | BigInt(view.getUint32(140, true));
  }

  #time(offset: number): bigint {
    return this.#view.getBigInt64(offset, true) * 1_000_000_000n +
      BigInt(this.#view.getUint32(offset + 8, true));
  }
}

const DESCRIPTOR = { path: EMPTY, flags: AT_EMPTY_PATH };
