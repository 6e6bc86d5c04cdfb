import { libcPaths } from "../host/libc/paths.ts";

const SYMBOLS = {
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
} as const;
/** Where Deno reads flags of V8 from, beside the command line. */
const VARIABLE = "DENO_V8_FLAGS";

/**
 * Begins this program anew in the same process, with flags of V8, which can only be given at its start:
 * same command line, environment, streams and process id. Comes back only with true, if it has the flags
 * already, or false where that cannot be done: outside of Linux, or without leave to call libc.
 *
 * Costs 11 ms of CPU if it is called before the program's other modules are loaded: Deno's own start.
 */
export function restartWithFlags(flags: readonly string[]): boolean {
  if (Deno.build.os !== "linux" || !allowed()) return false;
  const given = Deno.env.get(VARIABLE) ?? "";
  // Whatever came of it, it is tried once.
  if (flags.every((flag) => given.split(",").includes(flag))) return true;
  const all = [...given.split(",").filter((flag) => flag !== ""), ...flags];
  const env = { ...Deno.env.toObject(), [VARIABLE]: all.join(",") };
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}\0`);
  const args = strings(Deno.readTextFileSync("/proc/self/cmdline"));
  // Code that was cached under other flags is of no use: reading it and writing anew costs 15 ms.
  if (args[1] === "run\0") args.splice(2, 0, "--no-code-cache\0");
  for (const path of libcPaths()) {
    try {
      const library = Deno.dlopen(path, SYMBOLS);
      const file = new TextEncoder().encode(`${Deno.execPath()}\0`);
      const [argv, envp] = [new Pointers(args), new Pointers(variables)];
      library.symbols.execve(file, argv.table, envp.table);
      library.close();
      return false;
    } catch {
      // Not there: the next path.
    }
  }
  return false;
}

/** Without asking at the terminal. */
function allowed(): boolean {
  const wanted = [{ name: "ffi" }, { name: "env" }, { name: "read" }, { name: "sys" }] as const;
  return wanted.every((one) => Deno.permissions.querySync(one).state === "granted");
}

/** What the kernel writes as one: each text with its NUL. */
function strings(text: string): string[] {
  return text.split("\0").slice(0, -1).map((one) => `${one}\0`);
}

/** An array of pointers to texts, as C has it: the last is null. */
class Pointers {
  readonly table: BigUint64Array<ArrayBuffer>;
  /** Kept, because the table alone does not hold them. */
  readonly #texts: readonly Uint8Array<ArrayBuffer>[];

  constructor(texts: readonly string[]) {
    this.#texts = texts.map((text) => new TextEncoder().encode(text));
    const addresses = this.#texts.map((text) =>
      Deno.UnsafePointer.value(Deno.UnsafePointer.of(text))
    );
    this.table = new BigUint64Array([...addresses, 0n]);
  }
}
