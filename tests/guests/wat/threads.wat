;; Starts two threads that count to a million together, waits for them and says so; leaves with 7.
(module
  (import "env" "memory" (memory 1 16 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (export "memory" (memory 0))
  (data (i32.const 0) "\08\00\00\00\0c\00\00\00")
  (data (i32.const 8) "two threads\0a")
  (func (export "wasi_thread_start") (param $id i32) (param $count i32)
    (loop $next
      (drop (i32.atomic.rmw.add (i32.const 64) (i32.const 1)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count)))
    (drop (i32.atomic.rmw.add (i32.const 68) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 68) (i32.const 1))))
  (func $start (export "_start")
    (if (i32.lt_s (call $spawn (i32.const 500000)) (i32.const 0)) (then unreachable))
    (if (i32.lt_s (call $spawn (i32.const 500000)) (i32.const 0)) (then unreachable))
    (loop $wait
      (drop (memory.atomic.wait32 (i32.const 68) (i32.const 0) (i64.const -1)))
      (drop (memory.atomic.wait32 (i32.const 68) (i32.const 1) (i64.const -1)))
      (br_if $wait (i32.ne (i32.atomic.load (i32.const 68)) (i32.const 2))))
    (if (i32.ne (i32.atomic.load (i32.const 64)) (i32.const 1000000)) (then unreachable))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (call $proc_exit (i32.const 7))))
