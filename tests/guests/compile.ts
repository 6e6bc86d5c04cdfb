/**
 * How each language becomes a guest. All of them write `<name>.wasm` files into a folder.
 *
 * @module
 */
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { goNetVersion, writeGoNetOverlay } from "../parts/go_net.ts";
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

/** Every group. Rust is left out where its Wasm target or its crates are missing; the others must work. */
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
    build: (source, output) => buildGo("go", { source, output, flags: [] }),
  },
  {
    folder: "gonet",
    suffixes: [".go", "go.mod"],
    version: async () => `${await goVersion()} ${await goNetVersion()}`,
    build: async (source, output) => {
      const scratch = await Deno.makeTempDir({ prefix: "krustlet-test-" });
      try {
        const flags = [`-overlay=${await writeGoNetOverlay(scratch)}`];
        await buildGo("gonet", { source, output, flags });
      } finally {
        await Deno.remove(scratch, { recursive: true });
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
  {
    folder: "cargo",
    suffixes: [".rs", "Cargo.toml", "Cargo.lock"],
    version: cargoVersion,
    build: async (source, output) => {
      const scratch = await Deno.makeTempDir({ prefix: "krustlet-test-" });
      try {
        await runTool(["cargo", "build", "--locked", "--release", "--target=wasm32-wasip1"], {
          cwd: source,
          // tokio has sockets on WASI only when it is told to.
          env: { CARGO_TARGET_DIR: scratch, RUSTFLAGS: "--cfg tokio_unstable" },
        });
        const built = join(scratch, "wasm32-wasip1", "release");
        for (const file of await filesOf(built, ".wasm")) {
          await Deno.copyFile(join(built, file), join(output, `cargo_${file}`));
        }
      } finally {
        await Deno.remove(scratch, { recursive: true });
      }
    },
  },
];

async function buildGo(
  language: string,
  { source, output, flags }: { source: string; output: string; flags: readonly string[] },
): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(source)) {
    if (!isDirectory) continue;
    const target = join(output, `${language}_${name}.wasm`);
    const command = ["build", ...flags, "-trimpath", "-ldflags", "-s -w", "-o", target];
    await runTool(["go", ...command, `./${name}`], {
      cwd: source,
      env: { GOOS: "wasip1", GOARCH: "wasm", CGO_ENABLED: "0" },
    });
  }
}

async function rustVersion(): Promise<string | undefined> {
  const target = ["rustc", "--print", "target-libdir", "--target", "wasm32-wasip1"] as const;
  if (!await toolWorks(target)) return undefined;
  const installed = await Deno.stat((await runTool(target)).trim()).then(() => true, () => false);
  return installed ? await runTool(["rustc", "--version"]) : undefined;
}

/** Crates come from their registry once, and may not be had everywhere. */
async function cargoVersion(): Promise<string | undefined> {
  const rust = await rustVersion();
  const manifest = fileURLToPath(new URL("./cargo/Cargo.toml", import.meta.url));
  const fetch = ["cargo", "fetch", "--locked", "--manifest-path", manifest] as const;
  return rust !== undefined && await toolWorks(fetch) ? rust : undefined;
}

async function filesOf(folder: string, suffix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) if (name.endsWith(suffix)) names.push(name);
  return names.sort();
}
