import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildGuests } from "../../tests/guests/build.ts";
import { cached, hashFolder } from "../../tests/parts/cache.ts";
import { goNetVersion, writeGoNetOverlay } from "../../tests/parts/go_net.ts";
import { goVersion } from "../../tests/parts/go_program.ts";
import { runTool, withProgress } from "../../tests/parts/run.ts";

/** The programs that are measured, and the one that measures. Rust's are absent where its crates are. */
export interface Programs {
  readonly load: string;
  /** A peer: a runtime that hands over listeners, as older versions of wasmtime do. */
  readonly wazero: string;
  readonly go: {
    readonly native: string;
    /** With Go's own `net`: it can serve on a listener that it is handed, on any host. */
    readonly stock: string;
    /** With a `net` that opens sockets. */
    readonly sockets: string;
  };
  readonly rust?: {
    readonly native: string;
    /** It needs nothing but preview 1. */
    readonly stock: string;
    readonly sockets: string;
  };
}

const SOURCES = fileURLToPath(new URL("./programs", import.meta.url));
const CARGO = fileURLToPath(new URL("../../tests/guests/cargo", import.meta.url));
const SELF = fileURLToPath(import.meta.url);
const WASI = { GOOS: "wasip1", GOARCH: "wasm" };

/** Builds all of them, once. */
export async function buildPrograms(): Promise<Programs> {
  const rustWasm = (await buildGuests()).get("cargo_hello");
  const folder = await cached({
    name: "bench_net",
    inputs: [
      await hashFolder(SOURCES, (name) => /\.go$|^go\.(mod|sum)$/.test(name)),
      await hashFolder(CARGO, (name) => /\.rs$|^Cargo\./.test(name)),
      await goVersion(),
      await goNetVersion(),
      String(rustWasm),
      await Deno.readTextFile(SELF),
    ],
    build: (output) =>
      withProgress("the programs of the benchmark", async () => {
        await buildGo(output);
        if (rustWasm !== undefined) await buildRust(output);
      }),
  });
  const at = (name: string): string => join(folder, name);
  return {
    load: at("load"),
    wazero: at("wazero"),
    go: { native: at("hello_go"), stock: at("stock.wasm"), sockets: at("sockets.wasm") },
    ...(rustWasm === undefined ? {} : {
      rust: {
        native: at("hello_rust"),
        stock: at("rust_stock.wasm"),
        sockets: at("rust_sockets.wasm"),
      },
    }),
  };
}

async function buildGo(output: string): Promise<void> {
  const scratch = await Deno.makeTempDir({ prefix: "krustlet-bench-" });
  try {
    const overlay = `-overlay=${await writeGoNetOverlay(scratch)}`;
    const go = (env: Record<string, string>, name: string, ...args: string[]): Promise<string> =>
      runTool(
        ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", join(output, name), ...args],
        {
          cwd: SOURCES,
          env: { CGO_ENABLED: "0", ...env },
        },
      );
    await go({}, "load", "./load");
    await go({}, "wazero", "github.com/tetratelabs/wazero/cmd/wazero");
    await go({}, "hello_go", "./hello");
    await go(WASI, "stock.wasm", "./hello");
    await go(WASI, "sockets.wasm", overlay, "./hello");
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function buildRust(output: string): Promise<void> {
  const scratch = await Deno.makeTempDir({ prefix: "krustlet-bench-" });
  try {
    const env = { CARGO_TARGET_DIR: scratch, RUSTFLAGS: "--cfg tokio_unstable" };
    const build = async (name: string, built: string, ...flags: string[]): Promise<void> => {
      const cargo = ["cargo", "build", "--locked", "--release", "--bin=hello"] as const;
      await runTool([...cargo, ...flags], { cwd: CARGO, env });
      await Deno.copyFile(join(scratch, built), join(output, name));
    };
    const wasi = "--target=wasm32-wasip1";
    await build("hello_rust", "release/hello");
    await build("rust_sockets.wasm", "wasm32-wasip1/release/hello.wasm", wasi);
    await build(
      "rust_stock.wasm",
      "wasm32-wasip1/release/hello.wasm",
      wasi,
      "--no-default-features",
    );
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}
