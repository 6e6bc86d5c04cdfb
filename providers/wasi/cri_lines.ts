import { LOG_BATCH_BYTES_MAX, LOG_LINE_BYTES_MAX } from "./limits.ts";

/** Where a {@linkcode CriLines} gets its time from and puts its bytes. */
export interface CriLinesOptions {
  readonly stream: "stdout" | "stderr";
  /** Takes whole formatted lines. The bytes are valid during the call only. */
  readonly sink: (bytes: Uint8Array) => void;
  /** The time as RFC 3339 with nine fractional digits. */
  readonly now: () => string;
  /** Writes what has no line end yet at once, as a part of its line. @default false */
  readonly promptly?: boolean;
}

const NEWLINE = 10;
const PART = "P".charCodeAt(0);
const FULL = "F".charCodeAt(0);

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
  /** `<time> <stream> F `, of the write that is under way. */
  readonly #head: Uint8Array;
  #batch = new Uint8Array(4 * 1024);
  #batchBytes = 0;

  constructor(options: CriLinesOptions) {
    this.#options = options;
    this.#head = new TextEncoder().encode(`${options.now()} ${options.stream} F `);
  }

  /** Formats one write of the guest; lines that are complete reach the sink before it returns. */
  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#takeTime();
    let start = 0;
    for (let end; (end = bytes.indexOf(NEWLINE, start)) !== -1; start = end + 1) {
      this.#line(bytes.subarray(start, end));
    }
    this.#hold(start === 0 ? bytes : bytes.subarray(start));
    if (this.#options.promptly === true && this.#pendingBytes > 0) this.#emitPending(PART);
    this.#flush();
  }

  /**
   * The guest has ended. A last line without its end is written as a part, as container runtimes
   * do: a reader then prints it without a newline, which is what the guest wrote.
   */
  end(): void {
    this.#takeTime();
    if (this.#pendingBytes > 0) this.#emitPending(PART);
    this.#flush();
  }

  /** All lines of one write have one time. */
  #takeTime(): void {
    const stamp = this.#options.now();
    // ASCII by construction, and short: a loop beats TextEncoder here.
    for (let i = 0; i < stamp.length; i++) this.#head[i] = stamp.charCodeAt(i);
  }

  /** A piece of a line, and its end. */
  #line(piece: Uint8Array): void {
    if (this.#pendingBytes > 0 || piece.length > LOG_LINE_BYTES_MAX) {
      this.#hold(piece);
      this.#emitPending(FULL);
    } else {
      this.#emit(FULL, piece);
    }
  }

  /** A piece of a line whose end is not there yet. */
  #hold(piece: Uint8Array): void {
    let rest = piece;
    while (rest.length > 0) {
      if (this.#pendingBytes === LOG_LINE_BYTES_MAX) this.#emitPending(PART);
      const part = rest.subarray(0, LOG_LINE_BYTES_MAX - this.#pendingBytes);
      this.#pending.set(part, this.#pendingBytes);
      this.#pendingBytes += part.length;
      rest = rest.subarray(part.length);
    }
  }

  #emitPending(tag: number): void {
    this.#emit(tag, this.#pending.subarray(0, this.#pendingBytes));
    this.#pendingBytes = 0;
  }

  #emit(tag: number, content: Uint8Array): void {
    const head = this.#head;
    const lineBytes = head.length + content.length + 1;
    if (this.#batchBytes + lineBytes > LOG_BATCH_BYTES_MAX) this.#flush();
    this.#reserve(lineBytes);
    const batch = this.#batch;
    const at = this.#batchBytes;
    batch.set(head, at);
    batch[at + head.length - 2] = tag;
    batch.set(content, at + head.length);
    batch[at + lineBytes - 1] = NEWLINE;
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
