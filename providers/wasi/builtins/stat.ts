import { type BuiltinCall, forEach, pathOf, print } from "./call.ts";
import { parseFlags } from "./flags.ts";
import { modeOf } from "./ls.ts";
import type { ViewStat } from "../../../wasi/mod.ts";

const KINDS = {
  file: "regular file",
  folder: "directory",
  link: "symbolic link",
  other: "special file",
};

/** `stat [-L] [-c FORMAT] PATH...`: what is known of files. Formats have `%n %s %F %Y %X %Z %h %i %a %A`. */
export async function stat(call: BuiltinCall): Promise<number> {
  const { given, values, operands } = parseFlags(call.args, { flags: "L", valued: "c" });
  const format = values.get("c") ??
    "  File: %n\n  Size: %s\t%F\n Inode: %i\tLinks: %h\nAccess: (%a/%A)\nModify: %y";
  return await forEach(call, operands, async (name) => {
    const found = call.view.stat(pathOf(call, name), { follow: given.has("L") });
    await print(call.stdout, `${filled(format, name, found)}\n`);
  });
}

function filled(format: string, name: string, stat: ViewStat): string {
  const parts: Record<string, string> = {
    "%": "%",
    A: modeOf(stat),
    a: stat.kind === "file" ? "644" : "755",
    F: KINDS[stat.kind],
    h: String(stat.links),
    i: String(stat.inode),
    n: name,
    s: String(stat.bytes),
    X: secondsOf(stat.atimeNs),
    Y: secondsOf(stat.mtimeNs),
    y: new Date(Number(stat.mtimeNs / 1_000_000n)).toISOString(),
    Z: secondsOf(stat.ctimeNs),
  };
  return format.replace(/%(.)/g, (whole, letter: string) => parts[letter] ?? whole);
}

function secondsOf(ns: bigint): string {
  return String(ns / 1_000_000_000n);
}
