/** One entry of a directory. One object may serve all entries of a listing, one after the other. */
export class DirectoryEntry {
  readonly #numbers = new BigUint64Array(new ArrayBuffer(16));
  /** A number of WASI's `filetype`. */
  filetype = 0;
  /** Bytes with the name among them: those before `nameEnd` from `nameStart` on. */
  bytes = new Uint8Array(0);
  /** Where the name begins. */
  nameStart = 0;
  /** Where the name has ended. */
  nameEnd = 0;

  /** The cookie that continues after this entry. */
  get next(): bigint {
    return this.#numbers[0]!;
  }

  set next(value: bigint) {
    this.#numbers[0] = value;
  }

  /** The number of what it names. */
  get ino(): bigint {
    return this.#numbers[1]!;
  }

  set ino(value: bigint) {
    this.#numbers[1] = value;
  }
}
