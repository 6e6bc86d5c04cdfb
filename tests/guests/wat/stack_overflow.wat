;; Calls itself without end.
(module
  (memory (export "memory") 1)
  (func $forever (param i32) (result i32)
    (i32.add (i32.const 1) (call $forever (local.get 0))))
  (func (export "_start")
    (drop (call $forever (i32.const 0)))))
