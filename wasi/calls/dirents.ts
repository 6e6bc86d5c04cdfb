import { DIRENT_BYTES } from "../abi.ts";
import type { DirectoryEntry } from "../host/directory_entry.ts";

/** A guest's buffer for `fd_readdir`, which is filled with one `dirent` after the other. */
export class Dirents {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #start: number;
  readonly #end: number;
  #at: number;

  /** The buffer is what lies from `start` to `end`; it was checked. */
  constructor(
    memory: { readonly bytes: Uint8Array; readonly view: DataView },
    { start, end }: { start: number; end: number },
  ) {
    this.#bytes = memory.bytes;
    this.#view = memory.view;
    this.#start = this.#at = start;
    this.#end = end;
  }

  /** Bytes that are filled. */
  get used(): number {
    return this.#at - this.#start;
  }

  /**
   * Adds an entry. False if it did not fit and was cut off, which fills the buffer to its end: that
   * tells the guest that there are more.
   */
  add(entry: DirectoryEntry): boolean {
    const { bytes, nameStart, nameEnd } = entry;
    const name = this.#at + DIRENT_BYTES;
    const room = this.#end - name - (nameEnd - nameStart);
    if (room < 0) {
      this.#addCut(entry);
      return false;
    }
    this.#head(this.#view, this.#at, entry);
    // Names are short, and a view to copy from would cost more than the copy.
    for (let index = nameStart; index < nameEnd; index++) {
      this.#bytes[name + index - nameStart] = bytes[index]!;
    }
    this.#at = this.#end - room;
    return true;
  }

  #addCut(entry: DirectoryEntry): void {
    const { bytes, nameStart, nameEnd } = entry;
    const whole = new Uint8Array(DIRENT_BYTES + nameEnd - nameStart);
    this.#head(new DataView(whole.buffer), 0, entry);
    whole.set(bytes.subarray(nameStart, nameEnd), DIRENT_BYTES);
    this.#bytes.set(whole.subarray(0, this.#end - this.#at), this.#at);
    this.#at = this.#end;
  }

  #head(view: DataView, at: number, entry: DirectoryEntry): void {
    view.setBigUint64(at, entry.next, true);
    view.setBigUint64(at + 8, entry.ino, true);
    view.setUint32(at + 16, entry.nameEnd - entry.nameStart, true);
    view.setUint32(at + 20, entry.filetype, true); // and three bytes of padding
  }
}
