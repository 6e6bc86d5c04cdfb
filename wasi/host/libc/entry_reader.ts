import { READDIR_BYTES_MAX } from "../../limits.ts";
import { DirectoryEntry } from "../../directory_entry.ts";
import type { Answer } from "../host.ts";
import type { Library } from "./library.ts";
import { filetypeOf } from "./stat.ts";

const SEEK_SET = 0;

/**
 * Reads a directory with `getdents64`. A cookie is the file system's own position, so it stays
 * right when entries come and go; what the kernel gave ahead is kept for the next call.
 */
export class EntryReader {
  readonly #library: Library;
  readonly #fd: number;
  readonly #bytes = new Uint8Array(READDIR_BYTES_MAX);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #entry = new DirectoryEntry();
  #start = 0;
  #end = 0;
  /** The cookie that the bytes from `#start` continue. */
  #cookie = 0n;

  constructor(library: Library, fd: number) {
    this.#library = library;
    this.#fd = fd;
    this.#entry.bytes = this.#bytes;
  }

  /** Visits the entries after `cookie` until told `false`. */
  read(cookie: bigint, visit: (entry: DirectoryEntry) => boolean): Answer {
    if (cookie === 0n || cookie !== this.#cookie) {
      const at = this.#library.functions.lseek(this.#fd, BigInt.asIntN(64, cookie), SEEK_SET);
      if (at < 0n) return this.#library.answer(-1);
      this.#start = this.#end = 0;
      this.#cookie = cookie;
    }
    while (true) {
      if (this.#start === this.#end) {
        const count = this.#fill();
        if (count <= 0) return count;
      }
      const entry = this.#look();
      if (!visit(entry)) return 0;
      this.#start += this.#view.getUint16(this.#start + 16, true);
      this.#cookie = entry.next;
    }
  }

  #fill(): Answer {
    const count = this.#library.answer(this.#library.calls.getdents64(this.#fd, this.#bytes));
    this.#start = 0;
    this.#end = Math.max(0, count);
    return count;
  }

  /** `struct linux_dirent64`: ino, off, reclen, type, and a name that ends with a NUL. */
  #look(): DirectoryEntry {
    const start = this.#start;
    const entry = this.#entry;
    entry.ino = this.#view.getBigUint64(start, true);
    entry.next = this.#view.getBigUint64(start + 8, true);
    entry.filetype = filetypeOf(this.#bytes[start + 18]!);
    let end = start + 19;
    entry.nameStart = end;
    while (this.#bytes[end] !== 0) end++;
    entry.nameEnd = end;
    return entry;
  }
}
