;; Reads behind the end of its memory.
(module
  (memory (export "memory") 1)
  (func $read_too_far (export "_start")
    (drop (i32.load (i32.const 0x7fffffff)))))
