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

const NEWLINE = 0x0a;
const SPACE = 0x20;
const PARTIAL = "P".charCodeAt(0);
/** `stdout` and `stderr` differ in their fourth letter. */
const OUT = "o".charCodeAt(0);

/** Reads a log's records as they are, oldest first; see {@linkcode LogOptions}. */
export async function* logLines(options: LogOptions): AsyncGenerator<LogLine> {
  let rest = new Uint8Array(0);
  for await (const piece of readPieces(options)) {
    if (piece === "next file") continue;
    let bytes = join(rest, piece);
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
      const line = parse(bytes.subarray(0, end + 1));
      if (line !== undefined) yield line;
      bytes = bytes.subarray(end + 1);
    }
    rest = bytes.slice();
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
