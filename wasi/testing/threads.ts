/**
 * Guests with threads. For tests only.
 *
 * @module
 */
import assert from "node:assert/strict";
import { prepare } from "../guest/guest.ts";
import type { HostKind } from "../host/host.ts";
import type { CompileOptions } from "../module/rewrite.ts";
import type { WasiOptions } from "../options.ts";
import type { Outcome } from "../guest/outcome.ts";
import type { Guest } from "../guest/run.ts";
import { HOSTS } from "./probe.ts";
import { wat } from "./wat.ts";

/** A guest that can spawn: word 0 counts threads that have ended, word 4 adds up arguments. */
export function threaded(body: string, options: CompileOptions = {}): WebAssembly.Module {
  return wat(
    `(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "fd_write"
      (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read"
      (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
      (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_open"
      (func $sock_open (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_bind"
      (func $sock_bind (param i32 i32 i32) (result i32)))
    (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
    (import "env" "memory" (memory 1 4 shared))
    (export "memory" (memory 0))
    (func $finish
      (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
      (drop (memory.atomic.notify (i32.const 0) (i32.const -1))))
    (func $await (param $count i32)
      (loop $again
        (local.get $count)
        (i32.atomic.load (i32.const 0))
        (if (i32.gt_s) (then
          (drop (memory.atomic.wait32 (i32.const 0) (i32.atomic.load (i32.const 0)) (i64.const 1000000)))
          (br $again)))))
    (func $must (param $errno i32)
      (if (local.get $errno) (then (call $exit (local.get $errno)))))
    (func $forever (loop $l (br $l)))
    ${body})`,
    options,
  );
}

/** How a guest ended, and what it was. */
export interface Ran {
  readonly outcome: Outcome;
  readonly guest: Guest;
}

/** Runs a guest to its end. */
export async function run(module: WebAssembly.Module, options: WasiOptions): Promise<Ran> {
  const guest = await prepare(module, options);
  try {
    return { outcome: await guest.run(), guest };
  } finally {
    guest.dispose();
  }
}

/** The test once for each host. */
export function testHosts(name: string, test: (host: HostKind) => Promise<void>): void {
  for (const kind of new Set(HOSTS.map(([, { kind }]) => kind))) {
    Deno.test(`${name} (${kind})`, () => test(kind));
  }
}

/** Threads of this process, where it can be known. */
export function processThreads(): number {
  return Deno.build.os === "linux" ? Array.from(Deno.readDirSync("/proc/self/task")).length : 0;
}

/** Waits for a condition; fails after a minute. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, "it did not happen within a minute");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
