import { type BuiltinCall, forEach, print, Trouble } from "./call.ts";
import { openInput } from "./cat.ts";
import { parseCount, parseFlags } from "./flags.ts";
import { linesOf } from "./lines.ts";
import type { Sink, Source } from "./streams.ts";

const LINES_DEFAULT = 10;

/** `head [-n LINES | -c BYTES] [FILE...]`: how something begins. `-5` is `-n 5`. */
export async function head(call: BuiltinCall): Promise<number> {
  const args = call.args.map((arg) => /^-\d+$/.test(arg) ? `-n${arg.slice(1)}` : arg);
  const { values, operands } = parseFlags(args, { valued: "nc", flags: "q" });
  const [bytes, lines] = [values.get("c"), values.get("n")];
  if (bytes !== undefined && lines !== undefined) throw new Trouble("-n and -c exclude each other");
  const count = parseCount(bytes ?? lines ?? String(LINES_DEFAULT));
  const begin = bytes === undefined ? firstLines : firstBytes;
  const names = operands.length === 0 ? ["-"] : operands;
  return await forEach(call, names, async (name) => {
    const source = openInput(call, name);
    try {
      if (names.length > 1) await print(call.stdout, `==> ${name} <==\n`);
      await begin(source, { count, to: call.stdout });
    } finally {
      source.close();
    }
  });
}

interface Beginning {
  readonly count: number;
  readonly to: Sink;
}

async function firstLines(source: Source, { count, to }: Beginning): Promise<void> {
  let left = count;
  if (left === 0) return;
  for await (const line of linesOf(source)) {
    await to.write(line);
    if (line[line.length - 1] === 10 && --left === 0) return;
  }
}

async function firstBytes(source: Source, { count, to }: Beginning): Promise<void> {
  for (let left = count; left > 0;) {
    const bytes = await source.read();
    if (bytes === undefined) return;
    await to.write(bytes.subarray(0, left));
    left -= bytes.length;
  }
}
