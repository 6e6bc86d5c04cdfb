import { READDIR_BYTES_MAX } from "../../limits.ts";
import { DirectoryEntry } from "../directory_entry.ts";
import { ERRNO } from "../../errno.ts";
import type { Answer } from "../host.ts";
import type { Library } from "./library.ts";
import { filetypeOf } from "./stat.ts";

const SEEK_SET = 0;

/** Places in a directory that are remembered: 32 KiB, as much as is read ahead. */
const PLACES_MAX = 4_096;
/** Marks a cookie that is the file system's own place; no place has this bit. */
const OWN_PLACE = 1n << 63n;

/**
 * Reads a directory with `getdents64`, always from a place that the file system has named itself, so
 * that it stays right when entries come and go; what the kernel gave ahead is kept for the next call.
 *
 * Cookies are counted from 1, because places are often of 63 bits and `telldir` of a guest in C has 32;
 * those behind {@linkcode PLACES_MAX} are places. A reader that does not last cannot count.
 */
export class EntryReader {
  readonly #library: Library;
  readonly #fd: number;
  readonly #bytes = new Uint8Array(READDIR_BYTES_MAX);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #entry = new DirectoryEntry();
  /** By cookie: where the file system continues. */
  readonly #places: BigUint64Array | undefined;
  #known = 1;
  #start = 0;
  #end = 0;
  /** The cookie that the bytes from `#start` continue. */
  #cookie = 0n;

  constructor(library: Library, fd: number, { lasts }: { readonly lasts: boolean }) {
    this.#library = library;
    this.#fd = fd;
    this.#entry.bytes = this.#bytes;
    this.#places = lasts ? new BigUint64Array(PLACES_MAX) : undefined;
  }

  /** Visits the entries after `cookie` until told `false`. */
  read(cookie: bigint, visit: (entry: DirectoryEntry) => boolean): Answer {
    if (cookie === 0n) this.#known = 1; // a new listing: POSIX lets cookies of the old one go
    if (cookie === 0n || cookie !== this.#cookie) {
      const place = this.#placeOf(cookie);
      if (place === undefined) return 0;
      const at = this.#library.functions.lseek(this.#fd, BigInt.asIntN(64, place), SEEK_SET);
      if (at < 0n) return nothingAfter(this.#library.answer(-1));
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

  /** Where to continue after a cookie; undefined for one that was not given. */
  #placeOf(cookie: bigint): bigint | undefined {
    if (cookie === 0n || this.#places === undefined) return cookie;
    if (cookie >= OWN_PLACE) return cookie - OWN_PLACE;
    return cookie < this.#known ? this.#places[Number(cookie)] : undefined;
  }

  /** The cookie of a place that follows the one of the present cookie. */
  #cookieOf(place: bigint): bigint {
    if (this.#places === undefined) return place;
    const count = this.#cookie >= OWN_PLACE ? PLACES_MAX : Number(this.#cookie) + 1;
    if (count >= PLACES_MAX) return OWN_PLACE | place;
    this.#places[count] = place;
    this.#known = Math.max(this.#known, count + 1);
    return BigInt(count);
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
    entry.next = this.#cookieOf(this.#view.getBigUint64(start + 8, true));
    entry.filetype = filetypeOf(this.#bytes[start + 18]!);
    let end = start + 19;
    entry.nameStart = end;
    while (this.#bytes[end] !== 0) end++;
    entry.nameEnd = end;
    return entry;
  }
}

/** A place that the file system never named stands behind all that it did. */
function nothingAfter(answer: Answer): Answer {
  return answer === -ERRNO.inval ? 0 : answer;
}
