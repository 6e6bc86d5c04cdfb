import { LOG_BATCH_BYTES_MAX, LOG_LINE_BYTES_MAX } from "./limits.ts";

/** Where a {@linkcode CriLines} gets its time from and puts its bytes. */
export interface CriLinesOptions {
  readonly stream: "stdout" | "stderr";
  /** Takes whole formatted lines. The bytes are valid during the call only. */
  readonly sink: (bytes: Uint8Array) => void;
  /** The time as RFC 3339 with nine fractional digits. */
  readonly now: () => string;
}

const NEWLINE = 10;

/**
 * Turns what a guest writes to one stream into lines of the CRI log format:
 * `<time> <stream> F|P <bytes>\n`, where P marks a part of a line that goes on.
 *
 * Bytes are passed through as they are, whether they are text or not. A line without its end is
 * held back until more comes, it grows over {@linkcode LOG_LINE_BYTES_MAX}, or the guest ends.
 */
export class CriLines {
  readonly #options: CriLinesOptions;
  /** Start of a line whose end was not seen. */
  readonly #pending = new Uint8Array(LOG_LINE_BYTES_MAX);
  #pendingBytes = 0;
  #batch = new Uint8Array(4 * 1024);
  #batchBytes = 0;

  constructor(options: CriLinesOptions) {
    this.#options = options;
  }

  /** Formats one write of the guest; lines that are complete reach the sink before it returns. */
  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const stamp = this.#options.now();
    let rest = bytes;
    for (;;) {
      const end = rest.indexOf(NEWLINE);
      if (end === -1) break;
      this.#line(stamp, rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
    this.#hold(stamp, rest);
    this.#flush();
  }

  /**
   * The guest has ended. A last line without its end is written as a part, as container runtimes
   * do: a reader then prints it without a newline, which is what the guest wrote.
   */
  end(): void {
    if (this.#pendingBytes > 0) this.#emitPending(this.#options.now(), "P");
    this.#flush();
  }

  /** A piece of a line, and its end. */
  #line(stamp: string, piece: Uint8Array): void {
    if (this.#pendingBytes > 0 || piece.length > LOG_LINE_BYTES_MAX) {
      this.#hold(stamp, piece);
      this.#emitPending(stamp, "F");
    } else {
      this.#emit(stamp, "F", piece);
    }
  }

  /** A piece of a line whose end is not there yet. */
  #hold(stamp: string, piece: Uint8Array): void {
    let rest = piece;
    while (rest.length > 0) {
      if (this.#pendingBytes === LOG_LINE_BYTES_MAX) this.#emitPending(stamp, "P");
      const part = rest.subarray(0, LOG_LINE_BYTES_MAX - this.#pendingBytes);
      this.#pending.set(part, this.#pendingBytes);
      this.#pendingBytes += part.length;
      rest = rest.subarray(part.length);
    }
  }

  #emitPending(stamp: string, tag: "F" | "P"): void {
    this.#emit(stamp, tag, this.#pending.subarray(0, this.#pendingBytes));
    this.#pendingBytes = 0;
  }

  #emit(stamp: string, tag: "F" | "P", content: Uint8Array): void {
    const head = `${stamp} ${this.#options.stream} ${tag} `;
    const lineBytes = head.length + content.length + 1;
    if (this.#batchBytes + lineBytes > LOG_BATCH_BYTES_MAX) this.#flush();
    this.#reserve(lineBytes);
    const batch = this.#batch;
    let at = this.#batchBytes;
    // ASCII by construction, and short: a loop beats TextEncoder here.
    for (let i = 0; i < head.length; i++) batch[at++] = head.charCodeAt(i);
    batch.set(content, at);
    batch[at + content.length] = NEWLINE;
    this.#batchBytes += lineBytes;
  }

  #reserve(bytes: number): void {
    const needed = this.#batchBytes + bytes;
    if (needed <= this.#batch.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#batch.length * 2));
    grown.set(this.#batch.subarray(0, this.#batchBytes));
    this.#batch = grown;
  }

  #flush(): void {
    if (this.#batchBytes === 0) return;
    this.#options.sink(this.#batch.subarray(0, this.#batchBytes));
    this.#batchBytes = 0;
  }
}
