/**
 * From log records to what a person reads.
 *
 * A record is `<RFC 3339 time> stdout|stderr F|P text\n` (the CRI log format): `F` ends a line, `P`
 * leaves it open for the next record.
 *
 * @module
 */

/** How records are shown. */
export interface LogTextOptions {
  /** Puts the stored time before each line. @default false */
  readonly timestamps?: boolean;
  /** Leaves out the other stream. @default {both are shown} */
  readonly stream?: "stdout" | "stderr";
  /** Leaves out lines that began before this time (milliseconds). @default {none is left out} */
  readonly sinceMs?: number;
}

/**
 * What stands before the text: a time of at most 35 characters, a stream, tags. A record that has
 * not shown its text by then is none.
 */
export const HEADER_BYTES_MAX = 128;

const NEWLINE = 10;
const SPACE = 32;
const HEADER = /^(\S+) (stdout|stderr) ([FP])\S*$/;

/**
 * Turns bytes of log files into text, in pieces of any size and with bounded memory. Records that
 * are torn or malformed are left out; the text itself may be any bytes.
 */
export class LogText {
  readonly #timestamps: boolean;
  readonly #sinceMs: number;
  readonly #stream: string | undefined;
  #inside: "header" | "text" | "garbage" = "header";
  readonly #header = new Uint8Array(HEADER_BYTES_MAX);
  #headerLength = 0;
  #spaces = 0;
  /** The record under way is of the stream that is left out. */
  #isOther = false;
  /** The record ends its line. */
  #ends = true;
  /** The next record begins a line. */
  #atLineStart = true;
  /** The line under way began too early. */
  #tooEarly = false;
  /** The record under way is not shown. */
  #hidden = false;

  constructor(options: LogTextOptions = {}) {
    this.#timestamps = options.timestamps ?? false;
    this.#sinceMs = options.sinceMs ?? -Infinity;
    this.#stream = options.stream;
  }

  /** Takes the next bytes of the file and gives back the text in them; a new array each time. */
  feed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    // A header gives at most its own time, so text is never longer than its records.
    const out = new Uint8Array(bytes.length + HEADER_BYTES_MAX);
    let length = 0;
    for (let at = 0; at < bytes.length;) {
      if (this.#inside === "header") {
        const shown = this.#takeHeaderByte(bytes[at++]!);
        if (shown !== NOTHING) {
          out.set(shown, length);
          length += shown.length;
        }
        continue;
      }
      const newline = bytes.indexOf(NEWLINE, at);
      const end = newline < 0 ? bytes.length : newline;
      if (this.#inside === "text" && !this.#hidden) {
        const isWhole = newline >= 0 && this.#ends;
        const shown = bytes.subarray(at, isWhole ? end + 1 : end);
        out.set(shown, length);
        length += shown.length;
      }
      at = end + 1;
      if (newline >= 0) this.#endRecord();
    }
    return out.subarray(0, length);
  }

  /** The next bytes come from another file: a record that was torn off is given up. */
  nextFile(): void {
    if (this.#inside === "text") this.#endRecord();
    this.#beginRecord();
  }

  /** Returns the time if it is to be shown. */
  #takeHeaderByte(byte: number): Uint8Array {
    if (byte === SPACE) this.#spaces++;
    if (byte === NEWLINE || this.#spaces === 3) {
      const shown = this.#endHeader();
      // An empty text may come without the space before it.
      if (byte === NEWLINE && this.#inside === "text") {
        const newline = this.#ends && !this.#hidden ? [NEWLINE] : [];
        this.#endRecord();
        return Uint8Array.from([...shown, ...newline]);
      }
      if (byte === NEWLINE) this.#beginRecord();
      return shown;
    }
    if (this.#headerLength === HEADER_BYTES_MAX) this.#inside = "garbage";
    else this.#header[this.#headerLength++] = byte;
    return NOTHING;
  }

  #endHeader(): Uint8Array {
    const header = DECODER.decode(this.#header.subarray(0, this.#headerLength));
    const [, time, stream, tag] = header.match(HEADER) ?? [];
    const timeMs = time === undefined ? NaN : Date.parse(time);
    if (Number.isNaN(timeMs)) {
      this.#inside = "garbage";
      return NOTHING;
    }
    this.#inside = "text";
    this.#ends = tag === "F";
    this.#isOther = this.#stream !== undefined && stream !== this.#stream;
    if (this.#atLineStart && !this.#isOther) this.#tooEarly = timeMs < this.#sinceMs;
    this.#hidden = this.#isOther || this.#tooEarly;
    if (this.#hidden || !this.#atLineStart || !this.#timestamps) return NOTHING;
    return ENCODER.encode(`${time} `);
  }

  #endRecord(): void {
    if (this.#inside === "text" && !this.#isOther) this.#atLineStart = this.#ends;
    this.#beginRecord();
  }

  #beginRecord(): void {
    this.#inside = "header";
    this.#headerLength = 0;
    this.#spaces = 0;
  }
}

/** Does the record that begins here end its line? A torn one does. */
export function endsLine(record: Uint8Array): boolean {
  let at = record.indexOf(SPACE);
  if (at >= 0) at = record.indexOf(SPACE, at + 1);
  return at < 0 || record[at + 1] !== "P".charCodeAt(0);
}

const NOTHING = new Uint8Array(0);
const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();
