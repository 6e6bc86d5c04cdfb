import { type BuiltinCall, pathOf, Trouble } from "./call.ts";
import type { TarWishes } from "./tar_wishes.ts";
import { createArchive } from "./tar_create.ts";
import { extractArchive } from "./tar_extract.ts";
import { borrowed, fileSink, fileSource } from "./streams.ts";

/** Long options that ask for what is so anyway: WASI has no owners and no modes. */
const GRANTED = [
  "--no-same-permissions",
  "--no-same-owner",
  "--same-owner",
  "--numeric-owner",
  "--preserve-permissions",
  "--same-permissions",
];
/** Letters that ask for what is so anyway. */
const GRANTED_LETTERS = "poBh";

/**
 * `tar -c|-x|-t -f ARCHIVE [-C FOLDER] [-mv] [PATH...]`: makes, extracts and lists archives, as
 * `kubectl cp` calls it. Nothing is extracted outside of the folder, by name or by link.
 */
export async function tar(call: BuiltinCall): Promise<number> {
  const wishes = parseTar(call);
  const { archive } = wishes;
  if (wishes.mode === "create") {
    const sink = archive === "-" ? borrowed(call.stdout) : fileSink(
      call.view.open(pathOf(call, archive), { write: true, create: true, truncate: true }),
    );
    try {
      return await createArchive(call, { wishes, sink });
    } finally {
      sink.close();
    }
  }
  const source = archive === "-"
    ? borrowed(call.stdin)
    : fileSource(call.view.open(pathOf(call, archive)));
  try {
    return await extractArchive(call, { wishes, source });
  } finally {
    source.close();
  }
}

/** Reads the command line; throws {@linkcode Trouble} for one that makes no sense. */
export function parseTar(call: Pick<BuiltinCall, "args" | "cwd">): TarWishes {
  const args = [...call.args];
  // The oldest form: `tar cf - path`.
  if (args[0] !== undefined && !args[0].startsWith("-")) args[0] = `-${args[0]}`;
  let mode: TarWishes["mode"] | undefined;
  let archive = "-";
  let folder = call.cwd;
  let [touch, verbose] = [false, false];
  const operands: { folder: string; name: string }[] = [];
  for (let next = args.shift(); next !== undefined; next = args.shift()) {
    if (next === "--") {
      operands.push(...args.splice(0).map((name) => ({ folder, name })));
    } else if (GRANTED.includes(next)) continue;
    else if (next.startsWith("--")) throw new Trouble(`unrecognized option "${next}"`, 2);
    else if (next === "-" || !next.startsWith("-")) operands.push({ folder, name: next });
    else {
      for (let at = 1; at < next.length; at++) {
        const letter = next[at]!;
        if (letter === "c" || letter === "x" || letter === "t") {
          const wanted = { c: "create", x: "extract", t: "list" }[letter] as TarWishes["mode"];
          if (mode !== undefined && mode !== wanted) throw new Trouble("it does one thing only", 2);
          mode = wanted;
        } else if (letter === "f" || letter === "C") {
          // As in `-xmf - -C folder`: a value is the rest of its word, or the next one.
          const value = next.slice(at + 1) || args.shift();
          if (value === undefined) throw new Trouble(`option "-${letter}" needs a value`, 2);
          if (letter === "f") archive = value;
          else folder = pathOf({ cwd: folder }, value);
          break;
        } else if (letter === "m") touch = true;
        else if (letter === "v") verbose = true;
        else if (letter === "z" || letter === "j" || letter === "J") {
          throw new Trouble("it does not compress", 2);
        } else if (!GRANTED_LETTERS.includes(letter)) {
          throw new Trouble(`unrecognized option "-${letter}"`, 2);
        }
      }
    }
  }
  if (mode === undefined) throw new Trouble("it needs one of -c, -x and -t", 2);
  return { mode, archive, operands, folder, touch, verbose };
}
