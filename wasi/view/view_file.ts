import { FileStat } from "../host/file_stat.ts";
import type { Eventual, HostFile, Times } from "../host/host.ts";
import { Vectors } from "../memory.ts";
import { WHENCE } from "../abi.ts";
import { ViewError } from "./view_error.ts";
import { statOf, type ViewStat } from "./view_stat.ts";

/** An open file of a {@linkcode View}. */
export class ViewFile implements Disposable {
  readonly #file: HostFile;
  readonly #path: string;
  readonly #vectors = new Vectors();
  #open = true;

  /** Use `View.open`. */
  constructor(file: HostFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** Fills the bytes from the position and answers how many; 0 is the end. */
  read(into: Uint8Array<ArrayBuffer>): number {
    return into.length === 0 ? 0 : this.#check(this.#file.read(this.#over(into)));
  }

  /** Writes all of the bytes. */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < bytes.length;) {
      at += this.#check(this.#file.write(this.#over(bytes.subarray(at))));
    }
  }

  /** Moves the position to so many bytes from the start, or back from the end if below 0. */
  seek(offset: number): void {
    this.#check(this.#file.seek(offset, offset < 0 ? WHENCE.end : WHENCE.set));
  }

  /** What is known of it. */
  stat(): ViewStat {
    const out = new FileStat();
    this.#check(this.#file.stat(out));
    return statOf(out);
  }

  /** Sets its times. */
  setTimes(times: Times): void {
    this.#check(this.#file.setTimes(times));
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    if (this.#open) this.#file.close();
    this.#open = false;
  }

  /** The bytes as the host takes them. */
  #over(bytes: Uint8Array<ArrayBuffer>): Vectors {
    const vectors = this.#vectors;
    vectors.clear();
    vectors.memory = bytes;
    vectors.address = undefined; // these bytes lie elsewhere than those before
    vectors.add(0, bytes.length);
    return vectors;
  }

  #check(answer: Eventual): number {
    if (typeof answer !== "number") throw new TypeError("Cannot wait for a file");
    if (answer < 0) throw new ViewError(-answer, this.#path);
    return answer;
  }
}
