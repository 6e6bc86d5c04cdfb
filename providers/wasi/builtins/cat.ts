import { type BuiltinCall, forEach, pathOf } from "./call.ts";
import { parseFlags } from "./flags.ts";
import { borrowed, fileSource, type Sink, type Source } from "./streams.ts";

/** `cat [FILE...]`: files, or standard input, one after the other. */
export async function cat(call: BuiltinCall): Promise<number> {
  const { operands } = parseFlags(call.args, { flags: "u" });
  return await forEach(call, operands.length === 0 ? ["-"] : operands, async (name) => {
    await copy(openInput(call, name), call.stdout);
  });
}

/** A file, or standard input for `-`. */
export function openInput(call: BuiltinCall, name: string): Source {
  return name === "-" ? borrowed(call.stdin) : fileSource(call.view.open(pathOf(call, name)));
}

/** Passes everything on, and closes what it came from. */
export async function copy(from: Source, to: Sink): Promise<void> {
  try {
    for (let bytes = await from.read(); bytes !== undefined; bytes = await from.read()) {
      await to.write(bytes);
    }
  } finally {
    from.close();
  }
}
