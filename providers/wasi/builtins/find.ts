import { type BuiltinCall, complain, pathOf, print, Trouble } from "./call.ts";
import { parseCount } from "./flags.ts";
import { globMatcher } from "./glob.ts";
import { nameOf, type Visit, walk } from "./walk.ts";

const TYPES: Readonly<Record<string, string>> = { f: "file", d: "folder", l: "link" };

/**
 * `find [PATH...] [-name GLOB] [-type f|d|l] [-maxdepth N] [-mindepth N] [-empty] [-print|-print0]`: the
 * paths of a tree that all tests hold for. It follows no link.
 */
export async function find(call: BuiltinCall): Promise<number> {
  const split = call.args.findIndex((arg) => arg.startsWith("-"));
  const starts = split < 0 ? call.args : call.args.slice(0, split);
  const { tests, depthMin, depthMax, end } = parseTests(
    call,
    split < 0 ? [] : call.args.slice(split),
  );
  let code = 0;
  for (const start of starts.length === 0 ? ["."] : starts) {
    const base = pathOf(call, start);
    const told = (path: string): string => start + path.slice(base.length);
    const onError = async (path: string, error: unknown): Promise<void> => {
      code = 1;
      await complain(call, told(path), error);
    };
    for await (const visit of walk(call.view, base, { onError, depthMax })) {
      if (visit.when === "leave" || visit.depth < depthMin) continue;
      if (tests.every((test) => test(visit))) await print(call.stdout, told(visit.path) + end);
    }
  }
  return code;
}

interface Tests {
  readonly tests: readonly ((visit: Visit) => boolean)[];
  readonly depthMin: number;
  readonly depthMax: number;
  readonly end: string;
}

function parseTests({ view }: BuiltinCall, args: readonly string[]): Tests {
  const tests: ((visit: Visit) => boolean)[] = [];
  let [depthMin, depthMax, end] = [0, Infinity, "\n"];
  for (let at = 0; at < args.length; at++) {
    const test = args[at]!;
    const value = (): string => {
      const next = args[++at];
      if (next === undefined) throw new Trouble(`"${test}" needs a value`);
      return next;
    };
    if (test === "-print") continue;
    else if (test === "-print0") end = "\0";
    else if (test === "-maxdepth") depthMax = parseCount(value());
    else if (test === "-mindepth") depthMin = parseCount(value());
    else if (test === "-name") {
      const matches = globMatcher(value());
      tests.push(({ path }) => matches(nameOf(path)));
    } else if (test === "-type") {
      const letter = value();
      const kind = TYPES[letter];
      if (kind === undefined) throw new Trouble(`there is no type "${letter}"`);
      tests.push(({ stat }) => stat.kind === kind);
    } else if (test === "-empty") {
      tests.push(({ path, stat }) =>
        stat.kind === "file"
          ? stat.bytes === 0
          : stat.kind === "folder" && view.list(path).next().done === true
      );
    } else throw new Trouble(`unknown test "${test}"`);
  }
  return { tests, depthMin, depthMax, end };
}
