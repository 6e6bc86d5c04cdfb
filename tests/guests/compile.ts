/**
 * How each language becomes a guest. All of them write `<name>.wasm` files into a folder.
 *
 * @module
 */
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { goVersion } from "../parts/go_program.ts";
import { runTool, toolWorks } from "../parts/run.ts";

/** A group of guests that one tool builds. */
export interface GuestGroup {
  /** The folder of the sources, below `tests/guests/`. */
  readonly folder: string;
  /** Ends the names of files that the result depends on. */
  readonly suffixes: readonly string[];
  /** What else the result depends on; `undefined` if the tool is not on this machine. */
  version(): Promise<string | undefined>;
  build(source: string, output: string): Promise<void>;
}

/** Every group. Rust is left out where its Wasm target is not installed; the others must work. */
export const GUEST_GROUPS: readonly GuestGroup[] = [
  {
    folder: "wat",
    suffixes: [".wat"],
    version: () => Promise.resolve("wabt 1.0.39"),
    build: async (source, output) => {
      const { default: load } = await import("wabt");
      const wabt = await load();
      for (const file of await filesOf(source, ".wat")) {
        const text = await Deno.readTextFile(join(source, file));
        const module = wabt.parseWat(file, text, { threads: true });
        // With names, because the report of a trap shows them.
        const { buffer } = module.toBinary({ write_debug_names: true });
        module.destroy();
        // The compiler of the guests' host checks it: wabt's own check knows no threads.
        void new WebAssembly.Module(buffer as Uint8Array<ArrayBuffer>);
        await Deno.writeFile(join(output, `${basename(file, ".wat")}.wasm`), buffer);
      }
    },
  },
  {
    folder: "go",
    suffixes: [".go", "go.mod"],
    version: goVersion,
    build: async (source, output) => {
      for await (const { name, isDirectory } of Deno.readDir(source)) {
        if (!isDirectory) continue;
        const command = ["build", "-trimpath", "-ldflags", "-s -w"];
        await runTool(["go", ...command, "-o", join(output, `go_${name}.wasm`), `./${name}`], {
          cwd: source,
          env: { GOOS: "wasip1", GOARCH: "wasm", CGO_ENABLED: "0" },
        });
      }
    },
  },
  {
    folder: "assemblyscript",
    suffixes: [".as"],
    version: () => Promise.resolve("assemblyscript 0.28.20"),
    build: async (source, output) => {
      const compiler = fileURLToPath(new URL("./assemblyscript/compile.ts", import.meta.url));
      for (const file of await filesOf(source, ".as")) {
        const target = join(output, `assemblyscript_${basename(file, ".as")}.wasm`);
        await runTool([Deno.execPath(), "run", "-A", compiler, join(source, file), target]);
      }
    },
  },
  {
    folder: "rust",
    suffixes: [".rs"],
    version: rustVersion,
    build: async (source, output) => {
      for (const file of await filesOf(source, ".rs")) {
        const target = join(output, `rust_${basename(file, ".rs")}.wasm`);
        const flags = ["--edition=2021", "--target=wasm32-wasip1", "-O", "-Cstrip=symbols"];
        await runTool(["rustc", ...flags, "-o", target, join(source, file)]);
      }
    },
  },
];

async function rustVersion(): Promise<string | undefined> {
  const target = ["rustc", "--print", "target-libdir", "--target", "wasm32-wasip1"] as const;
  if (!await toolWorks(target)) return undefined;
  const installed = await Deno.stat((await runTool(target)).trim()).then(() => true, () => false);
  return installed ? await runTool(["rustc", "--version"]) : undefined;
}

async function filesOf(folder: string, suffix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) if (name.endsWith(suffix)) names.push(name);
  return names.sort();
}
