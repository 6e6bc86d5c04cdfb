/**
 * Parts of this room's tests: guests in WAT, one behaviour each, and a provider in a folder of its
 * own.
 *
 * @module
 */
import process from "node:process";
import loadWabt from "wabt";
import type { ContainerRun } from "../../lib/mod.ts";
import type { GuestBehaviour, ProviderFixture } from "../../lib/testing/mod.ts";
import { WasiProvider, type WasiProviderOptions } from "./wasi_provider.ts";

/** The binary form of a module in WAT. */
export async function assemble(wat: string): Promise<Uint8Array<ArrayBuffer>> {
  const wabt = await loadWabt();
  const module = wabt.parseWat("guest.wat", wat, { threads: true });
  try {
    return Uint8Array.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** A fixture that also runs WAT. */
export interface WasiFixture extends ProviderFixture {
  readonly provider: WasiProvider;
  /** Removed with everything in it when the fixture is. */
  readonly folder: string;
  /** A run of this module. */
  guestOf(wat: string, changes?: Partial<ContainerRun>): Promise<ContainerRun>;
}

/** A provider with folders of its own, both removed at the end. `every` is changed in all its runs. */
export async function openFixture(
  options: Partial<WasiProviderOptions> = {},
  every: Partial<ContainerRun> = {},
): Promise<WasiFixture> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const [imagesDir, logsDir, podsDir] = ["images", "logs", "pods"].map((name) =>
    `${folder}/${name}`
  ) as [string, string, string];
  await Promise.all([imagesDir, logsDir, podsDir].map((path) => Deno.mkdir(path)));
  let provider: WasiProvider;
  try {
    provider = new WasiProvider({ version: "1.2.3", imagesDir, logsDir, podsDir, ...options });
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    throw error;
  }
  let runs = 0;

  async function runOf(module: Uint8Array, changes: Partial<ContainerRun>): Promise<ContainerRun> {
    const number = runs++;
    const rootPath = `${podsDir}/${number}`;
    await Deno.mkdir(rootPath);
    const digest = await digestOf(module);
    const path = `${imagesDir}/${digest.slice("sha256:".length)}.wasm`;
    await Deno.writeFile(path, module);
    return {
      id: String(number).padStart(64, "0"),
      pod: { uid: `uid-${number}`, namespace: "default", name: "examined" },
      container: "app",
      attempt: 0,
      module: { path, digest },
      argv: ["guest"],
      env: {},
      rootPath,
      mounts: [],
      logPath: `${logsDir}/${number}.log`,
      limits: {},
      ...every,
      ...changes,
    };
  }

  return {
    provider,
    folder,
    guest: async (behaviour) => await runOf(await moduleFor(behaviour), {}),
    guestOf: async (wat, changes = {}) => await runOf(await assemble(wat), changes),
    async [Symbol.asyncDispose](): Promise<void> {
      await provider.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function digestOf(module: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", Uint8Array.from(module));
  return `sha256:${new Uint8Array(hash).toHex()}`;
}

async function moduleFor(behaviour: GuestBehaviour): Promise<Uint8Array> {
  switch (behaviour.does) {
    case "exits":
      return await assemble(start(`(call $proc_exit (i32.const ${behaviour.code}))`));
    case "traps":
      return await assemble(start("unreachable"));
    case "spins":
      return await assemble(SPINS);
    case "sleeps":
      return await assemble(SLEEPS);
    case "prints":
      return await assemble(start(`
        ${print(1, behaviour.stdout)} ${print(2, behaviour.stderr)}`));
    case "reports":
      return await assemble(REPORTS);
    case "nothing":
      return new TextEncoder().encode("no module at all");
  }
}

/** A module whose `_start` is this code. The calls below are at hand, and 1 MiB of memory. */
export function start(code: string, functions = ""): string {
  const call = (name: string, params: string): string =>
    `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${params}) (result i32)))`;
  return `(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    ${call("fd_write", "i32 i32 i32 i32")} ${call("fd_read", "i32 i32 i32 i32")}
    ${call("args_sizes_get", "i32 i32")} ${call("args_get", "i32 i32")}
    ${call("environ_sizes_get", "i32 i32")} ${call("environ_get", "i32 i32")}
    ${call("poll_oneoff", "i32 i32 i32 i32")} ${call("sched_yield", "")}
    ${call("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32")}
    ${call("path_create_directory", "i32 i32 i32")}
    (memory (export "memory") 16)
    ${functions}
    (func (export "_start") ${code}))`;
}

/** Code that writes a text of single-byte characters. */
export function print(fd: number, text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  const stores = bytes.map((byte, at) =>
    `(i32.store8 (i32.const ${1024 + at}) (i32.const ${byte}))`
  );
  return `${stores.join(" ")}
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const ${bytes.length}))
    (drop (call $fd_write (i32.const ${fd}) (i32.const 0) (i32.const 1) (i32.const 8)))`;
}

/** A loop that calls nothing: only the end of the process ends it. */
export const SPINS = start("(loop $again (br $again))");

/** The same in a start section, which runs before `_start`. */
export const SPINS_BEFORE_START = `(module (memory (export "memory") 1)
  (func $spins (loop $again (br $again))) (start $spins) (func (export "_start")))`;

/** A loop that goes through the host all the time. */
export const SPINS_WITH_CALLS = start("(loop $again (drop (call $sched_yield)) (br $again))");

/** `poll_oneoff` for an hour: one subscription to the clock at 0, with the time-out at 24. */
export const SLEEPS = start(`
  (i32.store (i32.const 16) (i32.const 1))
  (i64.store (i32.const 24) (i64.const 3600000000000))
  (drop (call $poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))`);

/** Opens the file `pipe` of the root for reading, and reads from it. */
export const READS_A_PIPE = start(`
  (i32.store (i32.const 32) (i32.const 0x65706970))
  (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 4) (i32.const 0)
    (i64.const 0x2) (i64.const 0) (i32.const 0) (i32.const 64)))
  (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 16))
  (drop (call $fd_read (i32.load (i32.const 64)) (i32.const 0) (i32.const 1) (i32.const 8)))`);

/** A module with shared memory and these functions, one of which is `_start` or `wasi_thread_start`. */
function threaded(functions: string): string {
  return `(module
    (import "env" "memory" (memory 17 64 shared))
    (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    (import "wasi_snapshot_preview1" "fd_write"
      (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (export "memory" (memory 0))
    (func $start_thread (param $argument i32)
      (if (i32.lt_s (call $spawn (local.get $argument)) (i32.const 0)) (then unreachable)))
    ${functions})`;
}

/** Starts two threads that count to a million together, waits for them, prints a line; leaves with 7. */
export const THREADS = threaded(`
  (func (export "wasi_thread_start") (param $id i32) (param $count i32)
    (loop $next
      (drop (i32.atomic.rmw.add (i32.const 2048) (i32.const 1)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count)))
    (drop (i32.atomic.rmw.add (i32.const 2052) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 2052) (i32.const 1))))
  (func (export "_start")
    (call $start_thread (i32.const 500000)) (call $start_thread (i32.const 500000))
    (loop $wait
      (drop (memory.atomic.wait32 (i32.const 2052) (i32.const 0) (i64.const -1)))
      (drop (memory.atomic.wait32 (i32.const 2052) (i32.const 1) (i64.const -1)))
      (br_if $wait (i32.ne (i32.atomic.load (i32.const 2052)) (i32.const 2))))
    ${print(1, "two threads\n")}
    (if (i32.ne (i32.atomic.load (i32.const 2048)) (i32.const 1000000)) (then unreachable))
    (call $proc_exit (i32.const 7)))`);

/** Two threads in loops, and the first one in an atomic wait without end. */
export const THREADS_STAY = threaded(`
  (func (export "wasi_thread_start") (param i32 i32) (loop $again (br $again)))
  (func (export "_start")
    (call $start_thread (i32.const 0)) (call $start_thread (i32.const 0))
    (drop (memory.atomic.wait32 (i32.const 2052) (i32.const 0) (i64.const -1))))`);

/** argv and environment as they lie in memory, with newlines for the NULs between them. */
const REPORTS = start(
  `(drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
   (drop (call $args_get (i32.const 1024) (i32.const 8192)))
   (call $lines (i32.load (i32.const 4)))
   (drop (call $environ_sizes_get (i32.const 0) (i32.const 4)))
   (drop (call $environ_get (i32.const 1024) (i32.const 8192)))
   (call $lines (i32.load (i32.const 4)))`,
  `(func $lines (param $bytes i32) (local $at i32)
     (block $done (loop $next
       (br_if $done (i32.ge_u (local.get $at) (local.get $bytes)))
       (if (i32.eqz (i32.load8_u (i32.add (i32.const 8192) (local.get $at))))
         (then (i32.store8 (i32.add (i32.const 8192) (local.get $at)) (i32.const 10))))
       (local.set $at (i32.add (local.get $at) (i32.const 1)))
       (br $next)))
     (i32.store (i32.const 16) (i32.const 8192)) (i32.store (i32.const 20) (local.get $bytes))
     (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))`,
);

/** True while the process is there and has not become a zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  if (Deno.build.os !== "linux") {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  }
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    return !/^\d+ \(.*\) [ZX] /s.test(stat);
  } catch {
    return false;
  }
}

/** The state of a process as proc(5) has it, as `R` or `S`; `T` is stopped, and empty is gone. Linux only. */
export async function stateOf(pid: number): Promise<string> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  return /^\d+ \(.*\) (\S)/s.exec(stat)?.[1] ?? "";
}

/** The guest processes, idle or busy, that work in this folder. */
export async function guestProcesses(folder: string): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid,stat,args", "-ww"] })
    .output();
  return new TextDecoder().decode(stdout).split("\n")
    .map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((found) => found !== null)
    .filter(([, , state, args]) => !state!.startsWith("Z") && args!.includes("guest_main.ts"))
    .filter(([, , , args]) => args!.includes(folder))
    .map(([, pid]) => Number(pid));
}

/**
 * Waits until there is an answer that is neither `undefined` nor false; gives up after 90 s, which only a
 * machine that is busy with other things comes near.
 */
export async function until<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  const endMs = performance.now() + 90_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > endMs) throw new Error("Waited 90 s for what did not happen");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
