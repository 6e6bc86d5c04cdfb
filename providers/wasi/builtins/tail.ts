import { type BuiltinCall, forEach, print, Trouble } from "./call.ts";
import { openInput } from "./cat.ts";
import { parseCount, parseFlags } from "./flags.ts";
import { linesOf } from "./lines.ts";
import type { Bytes, Sink, Source } from "./streams.ts";

const LINES_DEFAULT = 10;
/** Bytes that are held to find the end of something: an endless file must not take all memory. */
const HELD_BYTES_MAX = 32 * 1024 * 1024;

/**
 * `tail [-n [+]LINES | -c [+]BYTES] [FILE...]`: how something ends. With `+`, all from that line or byte
 * on, counted from 1, as `kubectl cp` goes on with a copy that broke off.
 */
export async function tail(call: BuiltinCall): Promise<number> {
  const args = call.args.map((arg) => /^-\d+$/.test(arg) ? `-n${arg.slice(1)}` : arg);
  const { values, operands } = parseFlags(args, { valued: "nc", flags: "q" });
  const [bytes, lines] = [values.get("c"), values.get("n")];
  if (bytes !== undefined && lines !== undefined) throw new Trouble("-n and -c exclude each other");
  const wanted = bytes ?? lines ?? String(LINES_DEFAULT);
  const from = wanted.startsWith("+");
  const count = parseCount(wanted.replace(/^[+-]/, ""));
  const unit = bytes === undefined ? "lines" : "bytes";
  const names = operands.length === 0 ? ["-"] : operands;
  return await forEach(call, names, async (name) => {
    const source = openInput(call, name);
    try {
      if (names.length > 1) await print(call.stdout, `==> ${name} <==\n`);
      const ending = { count, to: call.stdout };
      if (!from) await last(pieces(source, unit), ending);
      else if (unit === "lines") await linesFrom(source, ending);
      else await bytesFrom(source, ending);
    } finally {
      source.close();
    }
  });
}

interface Ending {
  readonly count: number;
  readonly to: Sink;
}

async function bytesFrom(source: Source, { count, to }: Ending): Promise<void> {
  let skip = Math.max(0, count - 1);
  for (let bytes = await source.read(); bytes !== undefined; bytes = await source.read()) {
    if (skip < bytes.length) await to.write(bytes.subarray(skip));
    skip = Math.max(0, skip - bytes.length);
  }
}

async function linesFrom(source: Source, { count, to }: Ending): Promise<void> {
  let skip = Math.max(0, count - 1);
  for await (const line of linesOf(source)) {
    if (skip === 0) await to.write(line);
    else if (line[line.length - 1] === 10) skip--;
  }
}

/** Pieces of a source, and how much each of them counts. */
async function* pieces(
  source: Source,
  unit: "lines" | "bytes",
): AsyncGenerator<{ bytes: Bytes; counts: number }, void> {
  if (unit === "lines") {
    for await (const bytes of linesOf(source)) yield { bytes, counts: 1 };
    return;
  }
  for (let bytes = await source.read(); bytes !== undefined; bytes = await source.read()) {
    yield { bytes: bytes.slice(), counts: bytes.length };
  }
}

/** Keeps the last pieces that count so much together, and writes them. */
async function last(
  all: AsyncIterable<{ bytes: Bytes; counts: number }>,
  { count, to }: Ending,
): Promise<void> {
  let held: { bytes: Bytes; counts: number }[] = [];
  let [first, counted, length] = [0, 0, 0];
  for await (const piece of all) {
    held.push(piece);
    counted += piece.counts;
    length += piece.bytes.length;
    while (first < held.length && counted - held[first]!.counts >= count) {
      counted -= held[first]!.counts;
      length -= held[first]!.bytes.length;
      first++;
    }
    if (first > held.length / 2) [held, first] = [held.slice(first), 0];
    if (length > HELD_BYTES_MAX) {
      throw new Trouble(`the end is larger than ${HELD_BYTES_MAX} bytes`);
    }
  }
  for (const { bytes, counts } of held.slice(first)) {
    // More than was asked for only where the first piece counts more than one.
    await to.write(bytes.subarray(Math.max(0, counted - count)));
    counted -= counts;
  }
}
