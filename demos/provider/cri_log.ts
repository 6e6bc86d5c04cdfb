/**
 * A container's log file, in the format of the container runtime interface.
 *
 * @module
 */
import type { Readable } from "node:stream";

/** Bytes of a line in the log; a longer one goes on in the next, as container runtimes do it. */
const LINE_BYTES_MAX = 16 * 1024;
const NEWLINE = "\n".charCodeAt(0);

/** Appends what a guest writes. Both streams may be copied at once. */
export class CriLog implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Opens the file, which may be there already. */
  static async open(path: string): Promise<CriLog> {
    return new CriLog(await Deno.open(path, { append: true, create: true, mode: 0o600 }));
  }

  // #region copy
  /** Copies a stream to its end: `<time> <stream> F <line>`, and `P` for a line that goes on. */
  async copy(bytes: Readable, stream: "stdout" | "stderr"): Promise<void> {
    let held = new Uint8Array();
    for await (const chunk of bytes) {
      held = new Uint8Array([...held, ...chunk as Uint8Array]);
      for (let end; (end = endOf(held)) !== undefined; held = held.slice(end.next)) {
        this.#line(`${stream} ${end.tag}`, held.subarray(0, end.bytes));
      }
    }
    if (held.length > 0) this.#line(`${stream} P`, held);
  }
  // #endregion copy

  // In one write, so that lines of the two streams never mix.
  #line(head: string, text: Uint8Array): void {
    const before = new TextEncoder().encode(`${new Date().toISOString()} ${head} `);
    this.#file.writeSync(new Uint8Array([...before, ...text, NEWLINE]));
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** Where the first line of `bytes` ends, and the next begins; `undefined` if that is not to be seen. */
function endOf(
  bytes: Uint8Array,
): { readonly bytes: number; readonly next: number; readonly tag: "F" | "P" } | undefined {
  const at = bytes.indexOf(NEWLINE);
  if (at >= 0 && at <= LINE_BYTES_MAX) return { bytes: at, next: at + 1, tag: "F" };
  if (bytes.length <= LINE_BYTES_MAX) return undefined;
  return { bytes: LINE_BYTES_MAX, next: LINE_BYTES_MAX, tag: "P" };
}
