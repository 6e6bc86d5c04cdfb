/**
 * Guests by which a binary shows that it can start what it has to: each ends with a code of its own.
 *
 * @module
 */
import loadWabt from "wabt";

/** A guest in WAT, and how it ends. */
export interface SmokeGuest {
  readonly name: string;
  readonly wat: string;
  readonly code: number;
  /** What it writes to stdout. */
  readonly says?: string;
}

/** Its process begins, and tells its end. */
export const EXITS: SmokeGuest = {
  name: "exits",
  code: 42,
  wat: `(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call $exit (i32.const 42))))`,
};

/** Its output arrives. */
export const SPEAKS: SmokeGuest = {
  name: "speaks",
  code: 0,
  says: "smoke and no fire",
  wat: `(module
    (import "wasi_snapshot_preview1" "fd_write"
      (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\08\\00\\00\\00\\12\\00\\00\\00smoke and no fire\\0a")
    (func (export "_start")
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))))`,
};

/** Needs more stack than V8 has by itself: the flags of guests are in force. */
export const DEEP: SmokeGuest = {
  name: "deep",
  code: 0,
  wat: `(module
    (memory (export "memory") 1)
    (func $down (param $left i64) (result i64)
      (if (result i64) (i64.eqz (local.get $left)) (then (i64.const 0))
        (else (i64.add (i64.const 1) (call $down (i64.sub (local.get $left) (i64.const 1)))))))
    (func (export "_start")
      (if (i64.ne (call $down (i64.const 34000)) (i64.const 34000)) (then (unreachable)))))`,
};

/** Its thread is a Worker, which is found. */
export const THREADS: SmokeGuest = {
  name: "threads",
  code: 7,
  wat: `(module
    (import "env" "memory" (memory 1 1 shared))
    (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (export "memory" (memory 0))
    (func (export "wasi_thread_start") (param i32 i32)
      (i32.atomic.store (i32.const 0) (i32.const 7))
      (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))
    (func (export "_start")
      (if (i32.le_s (call $spawn (i32.const 0)) (i32.const 0)) (then (unreachable)))
      (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 20000000000)))
      (call $exit (i32.atomic.load (i32.const 0)))))`,
};

/** The binary form of a guest. */
export async function assemble({ name, wat }: SmokeGuest): Promise<Uint8Array<ArrayBuffer>> {
  const wabt = await loadWabt();
  const module = wabt.parseWat(`${name}.wat`, wat, { threads: true });
  try {
    return Uint8Array.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}
