/**
 * What the benchmarks of the WASI provider share: guests in WAT, runs of them, and what the kernel says
 * of a process.
 *
 * @module
 */
import loadWabt from "wabt";
import { WasiProvider, type WasiProviderOptions } from "../../providers/wasi/mod.ts";

/** Everything about one run of one container. */
export type Run = Parameters<WasiProvider["run"]>[0];
/** How a run ended. */
export type RunExit = Awaited<ReturnType<WasiProvider["run"]>>;

/** One benchmark's provider, in a folder that goes with it. */
export class Bench implements AsyncDisposable {
  readonly folder: string;
  readonly provider: WasiProvider;
  #runs = 0;

  private constructor(folder: string, provider: WasiProvider) {
    this.folder = folder;
    this.provider = provider;
  }

  /**
   * Makes the folders and starts the provider with so many warm processes, and with what else its
   * options say.
   */
  static async open(poolSize: number, options: Partial<WasiProviderOptions> = {}): Promise<Bench> {
    const folder = await Deno.makeTempDir({ prefix: "krustlet-bench-" });
    const [imagesDir, logsDir, podsDir] = ["images", "logs", "pods"]
      .map((name) => `${folder}/${name}`) as [string, string, string];
    await Promise.all([imagesDir, logsDir, podsDir].map((path) => Deno.mkdir(path)));
    const provider = new WasiProvider({
      version: "0",
      imagesDir,
      logsDir,
      podsDir,
      poolSize,
      ...options,
    });
    return new Bench(folder, provider);
  }

  /** A run of this module, which may be used once. */
  async runOf(module: Uint8Array, changes: Partial<Run> = {}): Promise<Run> {
    const number = this.#runs++;
    const hash = await crypto.subtle.digest("SHA-256", Uint8Array.from(module));
    const name = new Uint8Array(hash).toHex();
    const [path, rootPath] = [`${this.folder}/images/${name}`, `${this.folder}/pods/${number}`];
    await Promise.all([Deno.writeFile(path, module), Deno.mkdir(rootPath)]);
    return {
      id: String(number).padStart(64, "0"),
      pod: { uid: `uid-${number}`, namespace: "bench", name: "bench" },
      container: "app",
      attempt: 0,
      module: { path, digest: `sha256:${name}` },
      argv: ["guest"],
      env: {},
      rootPath,
      mounts: [],
      logPath: `${this.folder}/logs/${number}.log`,
      limits: {},
      ...changes,
    };
  }

  /** Starts a run; `started` settles at the guest's first instruction, `end` kills it. */
  start(run: Run): { started: Promise<void>; ended: Promise<RunExit>; end(): void } {
    const kill = new AbortController();
    const started = Promise.withResolvers<void>();
    const ended = this.provider.run(run, {
      onStarted: started.resolve,
      stop: new AbortController().signal,
      kill: kill.signal,
    });
    return { started: started.promise, ended, end: () => kill.abort() };
  }

  /** The guest processes of this benchmark. */
  async processes(): Promise<number[]> {
    const found: number[] = [];
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
      if (line.includes("guest_main") && line.includes(this.folder)) found.push(Number(name));
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider.close();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** The binary form of a module whose `_start` is this code, with a few calls at hand. */
export async function guest(code: string, functions = "", memory = "16"): Promise<Uint8Array> {
  const wabt = await loadWabt();
  const module = wabt.parseWat(
    "guest.wat",
    `(module
      (import "wasi_snapshot_preview1" "fd_write"
        (func $fd_write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "poll_oneoff"
        (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
      (import "wasi_snapshot_preview1" "path_open"
        (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (memory (export "memory") ${memory})
      ${functions}
      (func (export "_start") ${code}))`,
  );
  try {
    return Uint8Array.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** Code that sleeps for an hour. */
export const SLEEP = `(i32.store (i32.const 16) (i32.const 1))
  (i64.store (i32.const 24) (i64.const 3600000000000))
  (drop (call $poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))`;

/** Bytes of memory that a process has for itself alone. */
export async function privateBytes(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  let kib = 0;
  for (const [, value] of text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)) {
    kib += Number(value);
  }
  return kib * 1024;
}

/** The value below which this share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
