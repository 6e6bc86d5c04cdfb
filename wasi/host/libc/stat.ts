import { FILETYPE } from "../../abi.ts";
import type { Answer, FileStat } from "../host.ts";
import { AT_EMPTY_PATH } from "./constants.ts";
import type { Library } from "./library.ts";
import { NS_PER_S } from "./times.ts";

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

  /** Looks at an open descriptor. */
  look(fd: number): Answer {
    return this.lookAt(fd, EMPTY, AT_EMPTY_PATH);
  }

  /** Looks at a name in a directory. The name ends with a NUL. */
  lookAt(directory: number, name: Uint8Array<ArrayBuffer>, flags: number): Answer {
    const { calls } = this.#library;
    return this.#library.answer(calls.statx({ fd: directory, name }, flags, this.#bytes));
  }

  /** WASI's `filetype` of what was last looked at. */
  get filetype(): number {
    return filetypeOf(this.#view.getUint16(28, true) >> 12);
  }

  /** Tells what was last looked at (offsets of `struct statx`). */
  fill(out: FileStat): void {
    const { fields } = out;
    const view = this.#view;
    const mode = view.getUint16(28, true);
    fields[0] = BigInt(view.getUint32(136, true)) << 32n | BigInt(view.getUint32(140, true));
    fields[1] = view.getBigUint64(32, true);
    out.setKind(filetypeOf(mode >> 12), mode);
    fields[3] = BigInt(view.getUint32(16, true));
    fields[4] = view.getBigUint64(40, true);
    fields[5] = this.#time(64);
    fields[6] = this.#time(112);
    fields[7] = this.#time(96);
  }

  #time(offset: number): bigint {
    return this.#view.getBigInt64(offset, true) * NS_PER_S +
      BigInt(this.#view.getUint32(offset + 8, true));
  }
}
