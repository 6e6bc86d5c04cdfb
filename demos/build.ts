/**
 * Builds the demos' modules, each beside its source:
 *
 *     deno run -A demos/build.ts [DEMO…]
 *
 * Without a name it builds all of them, and leaves out those whose compiler is not on this machine;
 * a demo that is named must be buildable.
 *
 * @module
 */
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const DEMOS = fileURLToPath(new URL(".", import.meta.url));
/** The compiler that the tests' guests are built with, too. */
const ASSEMBLYSCRIPT = fileURLToPath(
  new URL("../tests/guests/assemblyscript/compile.ts", import.meta.url),
);

interface Demo {
  readonly module: string;
  readonly language: keyof typeof LANGUAGES;
}

const CLANG = Deno.env.get("CC") ?? "clang";
const NOWHERE = Deno.build.os === "windows" ? "NUL" : "/dev/null";

/** What is needed for a language, a program with which to see whether it is there, and how it compiles. */
const LANGUAGES = {
  go: {
    needs: "Go 1.21 or newer: https://go.dev/dl",
    probe: ["go", "version"],
    program: "",
    compile: (output: string) => ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", output, "."],
    env: { GOOS: "wasip1", GOARCH: "wasm" },
  },
  rust: {
    needs: "Rust with its Wasm target: rustup target add wasm32-wasip1",
    probe: ["rustc", "--target=wasm32-wasip1", "--crate-type=lib", "--emit=metadata=-", "-"],
    program: "",
    compile: (output: string) => [
      ...["rustc", "--edition=2021", "--target=wasm32-wasip1", "-O", "-Cstrip=symbols"],
      ...["-o", output, "main.rs"],
    ],
    env: {},
  },
  c: {
    needs: "clang and lld with wasi-libc, or wasi-sdk's clang as $CC",
    probe: [CLANG, "--target=wasm32-wasi", "-xc", "-o", NOWHERE, "-"],
    program: '#include <stdio.h>\nint main(void) { return puts(""); }\n',
    compile: (output: string) => [
      ...[CLANG, "--target=wasm32-wasi", "-O2", "-s"],
      ...["-o", output, "main.c"],
    ],
    env: {},
  },
  assemblyscript: {
    needs: "the AssemblyScript compiler from npm",
    probe: undefined,
    program: "",
    compile: (output: string) => [
      ...[Deno.execPath(), "run", "-A", ASSEMBLYSCRIPT],
      ...["main.as", output],
    ],
    env: {},
  },
} as const;

/** Every demo by the name of its folder. */
const ALL: Readonly<Record<string, Demo>> = {
  "hello-go": { module: "hello.wasm", language: "go" },
  "hello-rust": { module: "hello.wasm", language: "rust" },
  "hello-assemblyscript": { module: "hello.wasm", language: "assemblyscript" },
  "hello-c": { module: "hello.wasm", language: "c" },
  "config-and-secrets": { module: "config.wasm", language: "go" },
  "crash-loop": { module: "crash.wasm", language: "go" },
  "deployment": { module: "beat.wasm", language: "go" },
  "job": { module: "primes.wasm", language: "go" },
};

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => ALL[name] === undefined);
  if (unknown !== undefined) {
    console.error(`Cannot build demo "${unknown}": there are ${Object.keys(ALL).join(", ")}`);
    return 2;
  }
  for (const [name, demo] of Object.entries(ALL)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const { needs, probe, program } = LANGUAGES[demo.language];
    if (probe === undefined || await works(probe, program)) {
      if (!await compile(name, demo)) return 1;
    } else if (names.includes(name)) {
      console.error(`Cannot build demo "${name}": this machine lacks ${needs}`);
      return 1;
    } else {
      console.error(`${name}: left out, this machine lacks ${needs}`);
    }
  }
  return 0;
}

async function compile(name: string, { module, language }: Demo): Promise<boolean> {
  const cwd = join(DEMOS, name);
  const { compile, env } = LANGUAGES[language];
  const [program = "", ...args] = compile(join(cwd, module));
  const { success } = await new Deno.Command(program, { args, cwd, env, stdin: "null" }).spawn()
    .status;
  if (success) console.error(`demos/${name}/${module}`);
  else console.error(`Cannot build demo "${name}": ${basename(program)} failed, as shown above`);
  return success;
}

/** True if the tool accepts that program on its standard input. */
async function works(
  [tool, ...args]: readonly [string, ...string[]],
  program: string,
): Promise<boolean> {
  try {
    const child = new Deno.Command(tool, {
      args,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    // A tool that fails at once may close its input before it is written.
    await writer.write(new TextEncoder().encode(program)).catch(() => {});
    await writer.close().catch(() => {});
    return (await child.status).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
