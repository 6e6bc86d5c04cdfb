import { type BuiltinCall, forEach, print } from "./call.ts";
import { openInput } from "./cat.ts";
import { parseFlags } from "./flags.ts";
import type { Source } from "./streams.ts";

interface Counts {
  lines: number;
  words: number;
  bytes: number;
}

/** `wc [-lwc] [FILE...]`: lines, words and bytes. */
export async function wc(call: BuiltinCall): Promise<number> {
  const { given, operands } = parseFlags(call.args, { flags: "lwc" });
  const total: Counts = { lines: 0, words: 0, bytes: 0 };
  const show = async (counts: Counts, name: string): Promise<void> => {
    const numbers = ([["l", "lines"], ["w", "words"], ["c", "bytes"]] as const)
      .filter(([letter]) => given.size === 0 || given.has(letter))
      .map(([, what]) => String(counts[what]).padStart(given.size === 1 ? 0 : 7));
    await print(call.stdout, `${numbers.join(" ")}${name === "-" ? "" : ` ${name}`}\n`);
  };
  const names = operands.length === 0 ? ["-"] : operands;
  const code = await forEach(call, names, async (name) => {
    const source = openInput(call, name);
    try {
      const counts = await count(source);
      for (const what of ["lines", "words", "bytes"] as const) total[what] += counts[what];
      await show(counts, name);
    } finally {
      source.close();
    }
  });
  if (names.length > 1) await show(total, "total");
  return code;
}

async function count(source: Source): Promise<Counts> {
  const counts: Counts = { lines: 0, words: 0, bytes: 0 };
  let inWord = false;
  for (let bytes = await source.read(); bytes !== undefined; bytes = await source.read()) {
    counts.bytes += bytes.length;
    for (const byte of bytes) {
      if (byte === 10) counts.lines++;
      const space = byte === 32 || (byte >= 9 && byte <= 13);
      if (!space && !inWord) counts.words++;
      inWord = !space;
    }
  }
  return counts;
}
