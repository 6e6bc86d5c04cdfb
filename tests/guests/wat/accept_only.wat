;; Answers each connection on the listener that is descriptor 3, one after the other, and can do no
;; more with the network than preview 1 has.
(module
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\00\04\00\00\00\04\00\00") ;; buffer to read into: 1,024 bytes at 1,024
  (data (i32.const 8) "\20\00\00\00\3f\00\00\00") ;; buffer to write from: 63 bytes at 32
  (data (i32.const 32)
    "HTTP/1.1 200 OK\0d\0aContent-Length: 6\0d\0aConnection: close\0d\0a\0d\0ahello\0a")
  (func (export "_start") (local $errno i32) (local $fd i32)
    (loop $next
      (local.set $errno (call $accept (i32.const 3) (i32.const 0) (i32.const 16)))
      (if (local.get $errno) (then (call $exit (local.get $errno))))
      (local.set $fd (i32.load (i32.const 16)))
      (drop (call $read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 20)))
      (drop (call $write (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 20)))
      (drop (call $close (local.get $fd)))
      (br $next))))
