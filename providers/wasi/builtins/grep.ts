import { type BuiltinCall, complain, pathOf, print, Trouble } from "./call.ts";
import { openInput } from "./cat.ts";
import { parseFlags } from "./flags.ts";
import { linesOf } from "./lines.ts";
import type { Bytes, Source } from "./streams.ts";
import { walk } from "./walk.ts";

interface Search {
  readonly given: ReadonlySet<string>;
  readonly matches: (line: string) => boolean;
  /** Names go before the lines. */
  readonly named: boolean;
}

const decoder = new TextDecoder();

/**
 * `grep [-EFivclnqrhHs] [-e] PATTERN [FILE...]`: lines that hold a pattern, which is a regular expression of
 * JavaScript, or with `-F` a text. Answers 0 if one was found, 1 if none, 2 if something failed.
 */
export async function grep(call: BuiltinCall): Promise<number> {
  const { given, values, operands } = parseFlags(call.args, {
    flags: "EFivclnqrRhHs",
    valued: "e",
  });
  const pattern = values.get("e") ?? operands[0];
  if (pattern === undefined) throw new Trouble("it needs a pattern", 2);
  const files = values.has("e") ? operands : operands.slice(1);
  const deep = given.has("r") || given.has("R");
  const names = files.length > 0 ? files : [deep ? "." : "-"];
  const matches = matcher(pattern, given);
  const named = given.has("H") || (!given.has("h") && (deep || names.length > 1));
  let [found, failed] = [false, false];
  const fail = async (name: string, error: unknown): Promise<void> => {
    failed = true;
    if (!given.has("s")) await complain(call, name, error);
  };
  for (const name of names) {
    const paths = deep && name !== "-" ? filesIn(call, name, fail) : [name];
    for await (const path of paths) {
      try {
        const source = openInput(call, path);
        const hit = await search(call, { name: path, source }, { given, matches, named });
        found ||= hit;
        if (hit && given.has("q")) return 0;
      } catch (error) {
        await fail(path, error);
      }
    }
  }
  return failed ? 2 : found ? 0 : 1;
}

function matcher(pattern: string, given: ReadonlySet<string>): Search["matches"] {
  const wanted = given.has("F") ? RegExp.escape(pattern) : pattern;
  try {
    const expression = new RegExp(wanted, given.has("i") ? "iu" : "u");
    return (line) => expression.test(line) !== given.has("v");
  } catch {
    throw new Trouble(`"${pattern}" is no regular expression`, 2);
  }
}

async function search(
  call: BuiltinCall,
  { name, source }: { readonly name: string; readonly source: Source },
  { given, matches, named }: Search,
): Promise<boolean> {
  const told = named ? `${name === "-" ? "(standard input)" : name}:` : "";
  let [count, number] = [0, 0];
  try {
    for await (const line of linesOf(source)) {
      number++;
      if (!matches(textOf(line))) continue;
      count++;
      if (given.has("q") || given.has("l")) break;
      if (given.has("c")) continue;
      await print(call.stdout, told + (given.has("n") ? `${number}:` : ""));
      await call.stdout.write(line);
      if (line[line.length - 1] !== 10) await print(call.stdout, "\n");
    }
  } finally {
    source.close();
  }
  if (given.has("q")) return count > 0;
  if (given.has("l")) {
    if (count > 0) await print(call.stdout, `${name}\n`);
  } else if (given.has("c")) await print(call.stdout, `${told}${count}\n`);
  return count > 0;
}

function textOf(line: Bytes): string {
  return decoder.decode(line[line.length - 1] === 10 ? line.subarray(0, -1) : line);
}

/** The files of a tree, named as the tree was. */
async function* filesIn(
  call: BuiltinCall,
  name: string,
  onError: (name: string, error: unknown) => Promise<void>,
): AsyncGenerator<string, void> {
  const base = pathOf(call, name);
  const told = (path: string): string => name + path.slice(base.length);
  const errors = (path: string, error: unknown): Promise<void> => onError(told(path), error);
  for await (const { path, stat } of walk(call.view, base, { follow: true, onError: errors })) {
    if (stat.kind === "file") yield told(path);
  }
}
