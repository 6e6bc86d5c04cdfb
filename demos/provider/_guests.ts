/**
 * The guests of the examination, in the text form of WebAssembly.
 *
 * @module
 */
import type { GuestBehaviour } from "../../lib/testing/mod.ts";

/** A module for WASI preview 1 that behaves so. */
export function guestText(behaviour: Exclude<GuestBehaviour, { does: "nothing" }>): string {
  switch (behaviour.does) {
    case "exits":
      return start(`(call $proc_exit (i32.const ${behaviour.code}))`);
    case "traps":
      return start("unreachable");
    case "spins":
      return start("(loop $again (br $again))");
    case "sleeps": // one subscription to the clock at 0, for an hour
      return start(`(i32.store (i32.const 16) (i32.const 1))
        (i64.store (i32.const 24) (i64.const 3600000000000))
        (drop (call $poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))`);
    case "prints":
      return start(`${print(1, behaviour.stdout)} ${print(2, behaviour.stderr)}`);
    case "reports":
      return start(`(drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
        (drop (call $args_get (i32.const 1024) (i32.const 8192)))
        (call $lines (i32.load (i32.const 4)))
        (drop (call $environ_sizes_get (i32.const 0) (i32.const 4)))
        (drop (call $environ_get (i32.const 1024) (i32.const 8192)))
        (call $lines (i32.load (i32.const 4)))`);
  }
}

function start(code: string): string {
  const call = (name: string, params: string): string =>
    `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${params}) (result i32)))`;
  return `(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    ${call("fd_write", "i32 i32 i32 i32")} ${call("poll_oneoff", "i32 i32 i32 i32")}
    ${call("args_sizes_get", "i32 i32")} ${call("args_get", "i32 i32")}
    ${call("environ_sizes_get", "i32 i32")} ${call("environ_get", "i32 i32")}
    (memory (export "memory") 16)
    ${LINES}
    (func (export "_start") ${code}))`;
}

/** Prints strings that lie behind each other at 8192, with newlines for the NULs between them. */
const LINES = `(func $lines (param $bytes i32) (local $at i32)
  (block $done (loop $next
    (br_if $done (i32.ge_u (local.get $at) (local.get $bytes)))
    (if (i32.eqz (i32.load8_u (i32.add (i32.const 8192) (local.get $at))))
      (then (i32.store8 (i32.add (i32.const 8192) (local.get $at)) (i32.const 10))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br $next)))
  (i32.store (i32.const 16) (i32.const 8192)) (i32.store (i32.const 20) (local.get $bytes))
  (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))`;

function print(fd: number, text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  const stores = bytes.map((byte, at) =>
    `(i32.store8 (i32.const ${1024 + at}) (i32.const ${byte}))`
  );
  return `${stores.join(" ")}
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const ${bytes.length}))
    (drop (call $fd_write (i32.const ${fd}) (i32.const 0) (i32.const 1) (i32.const 8)))`;
}
