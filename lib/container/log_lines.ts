/**
 * A container's log line by line, each with the stream that it was written to.
 *
 * @module
 */
import { type LogOptions, readPieces } from "./log_file.ts";

/** One record of the log: a line with its newline, or a part of a long one without. */
export interface LogLine {
  readonly stream: "stdout" | "stderr";
  /** Valid until the next line is asked for. */
  readonly text: Uint8Array;
}

/** Bytes of one record: four times what the longest one of a CRI log has. */
const RECORD_BYTES_MAX = 64 * 1024;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const PARTIAL = "P".charCodeAt(0);
/** `stdout` and `stderr` differ in their fourth letter. */
const OUT = "o".charCodeAt(0);

/**
 * Reads a log's records as they are, oldest first; see {@linkcode LogOptions}. Of one that is longer than any can be
 * nothing is held: the file is written by the process of a guest.
 */
export async function* logLines(options: LogOptions): AsyncGenerator<LogLine> {
  let rest = new Uint8Array(0);
  let tooLong = false;
  for await (const piece of readPieces(options)) {
    if (piece === "next file") continue;
    let bytes = join(rest, piece);
    if (tooLong) {
      const end = bytes.indexOf(NEWLINE);
      if (end < 0) continue;
      bytes = bytes.subarray(end + 1);
      tooLong = false;
    }
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
      const line = parse(bytes.subarray(0, end + 1));
      if (line !== undefined) yield line;
      bytes = bytes.subarray(end + 1);
    }
    tooLong = bytes.length > RECORD_BYTES_MAX;
    rest = tooLong ? new Uint8Array(0) : bytes.slice();
  }
}

/** `<time> <stream> <tag> <text>`; what is no record is passed over. */
function parse(record: Uint8Array): LogLine | undefined {
  const stream = record.indexOf(SPACE) + 1;
  const tag = record.indexOf(SPACE, stream) + 1;
  const text = record.indexOf(SPACE, tag) + 1;
  if (stream === 0 || tag === 0 || text === 0) return undefined;
  const end = record[tag] === PARTIAL ? record.length - 1 : record.length;
  return {
    stream: record[stream + 3] === OUT ? "stdout" : "stderr",
    text: record.subarray(text, end),
  };
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
