/**
 * What is told of a file: a `filestat` of preview 1, field by field as the guest will read it, so
 * that a call only copies it. Times are nanoseconds since 1970.
 */
export class FileStat {
  /** dev, ino, filetype, nlink, size, atim, mtim, ctim. */
  readonly fields = new BigUint64Array(new ArrayBuffer(64));

  /** The device that it is on. */
  set dev(value: bigint) {
    this.fields[0] = value;
  }

  /** Its number on the device. */
  set ino(value: bigint) {
    this.fields[1] = value;
  }

  /** A number of WASI's `filetype`. */
  set filetype(value: number) {
    this.fields[2] = BigInt(value);
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
