/** A program for one system and one kind of processor. */
export interface Executable {
  readonly os: "linux" | "darwin" | "windows";
  readonly arch: "amd64" | "arm64";
  /** Libraries that the system's loader brings, by the names in the file, in order. */
  readonly libraries: readonly string[];
  /** The oldest system that it starts on, where the file tells: `glibc 2.27`, `macOS 11.0.0`. */
  readonly needs?: string;
}

/** No name in a program is as long: what is longer is no name. */
const NAME_BYTES_MAX = 1024;

/** The text at this place, up to its NUL; a `RangeError` if it has none. */
export function textAt(view: DataView, offset: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const end = bytes.subarray(offset, offset + NAME_BYTES_MAX).indexOf(0);
  if (offset < 0 || end < 0) throw new RangeError(`There is no text at ${offset}`);
  return new TextDecoder().decode(bytes.subarray(offset, offset + end));
}
