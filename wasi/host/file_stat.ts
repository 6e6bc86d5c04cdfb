/**
 * What is told of a file: a `filestat` of preview 1, field by field as the guest will read it, so
 * that a call only copies it. Times are nanoseconds since 1970.
 *
 * Preview 1 has no modes. A file's is told in bytes that its layout leaves unused: the second half of
 * the word of `filetype`. A program that does not know of it never looks there.
 */
export class FileStat {
  /** dev, ino, filetype and mode, nlink, size, atim, mtim, ctim. */
  readonly fields = new BigUint64Array(new ArrayBuffer(64));
  readonly #halves = new Uint32Array(this.fields.buffer);

  /** The device that it is on. */
  set dev(value: bigint) {
    this.fields[0] = value;
  }

  /** Its number on the device. */
  set ino(value: bigint) {
    this.fields[1] = value;
  }

  /** A number of WASI's `filetype`, of something that has no mode. */
  set filetype(value: number) {
    this.setKind(value, 0);
  }

  /** A number of WASI's `filetype`, and the `st_mode` of POSIX: type, special bits and permissions. */
  setKind(filetype: number, mode: number): void {
    this.#halves[4] = filetype;
    this.#halves[5] = mode;
  }

  /** Names that it has. */
  set nlink(value: bigint) {
    this.fields[3] = value;
  }

  /** Its bytes. */
  set size(value: bigint) {
    this.fields[4] = value;
  }

  /** When it was last read. */
  set atimNs(value: bigint) {
    this.fields[5] = value;
  }

  /** When its content was last changed. */
  set mtimNs(value: bigint) {
    this.fields[6] = value;
  }

  /** When anything about it was last changed. */
  set ctimNs(value: bigint) {
    this.fields[7] = value;
  }
}
