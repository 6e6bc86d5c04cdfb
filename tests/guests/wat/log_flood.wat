;; Writes 64 MiB to stdout, 64 KiB at a time, with one line end in each.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\00\00\01\00\00\00\01\00")
  (func (export "_start") (local $left i32)
    (memory.fill (i32.const 65536) (i32.const 120) (i32.const 65535))
    (i32.store8 (i32.const 131071) (i32.const 10))
    (local.set $left (i32.const 1024))
    (loop $next
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $next (local.get $left)))))
