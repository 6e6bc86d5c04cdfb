/**
 * The files of an OCI image layout, wherever they lie: in a folder, or in an archive.
 *
 * @module
 */
import { messageOf } from "../../errors.ts";
import { PullFailure } from "../oci/failure.ts";

/** Files by their names in the layout, as `blobs/sha256/<hex>`. */
export interface LayoutFiles {
  /** The folder or the archive. */
  readonly path: string;
  /** Opens a file. Throws a `PullFailure` if it is not there. */
  open(name: string): Promise<LayoutFile>;
}

/** An open file of a layout. It is read by one reader at a time. */
export class LayoutFile implements Disposable {
  /** What it is called in messages. */
  readonly shown: string;
  /** Bytes. */
  readonly size: number;
  readonly #file: Deno.FsFile;
  readonly #from: number;
  #at = -1;

  /** The `size` bytes of `file` that begin at `from`; closes it at the end. */
  constructor(
    file: Deno.FsFile,
    { shown, from, size }: { readonly shown: string; readonly from: number; readonly size: number },
  ) {
    this.#file = file;
    this.shown = shown;
    this.size = size;
    this.#from = from;
  }

  /**
   * Fills `into` with the bytes from `at` on, and answers how many there were: fewer only at the end.
   *
   * Throws a `PullFailure` if the system does not let it be read.
   */
  async read(at: number, into: Uint8Array): Promise<number> {
    const wanted = into.subarray(0, Math.max(0, this.size - at));
    try {
      if (this.#at !== at) await this.#file.seek(this.#from + at, Deno.SeekMode.Start);
      let filled = 0;
      while (filled < wanted.length) {
        const n = await this.#file.read(wanted.subarray(filled));
        if (n === null) break;
        filled += n;
      }
      this.#at = at + filled;
      return filled;
    } catch (error) {
      this.#at = -1;
      throw new PullFailure(`${this.shown} cannot be read (${messageOf(error)})`, { cause: error });
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}
