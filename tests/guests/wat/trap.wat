;; Traps in a function of a function, whose names belong into the report.
(module
  (memory (export "memory") 1)
  (func $break_the_glass
    unreachable)
  (func $handle_request
    (call $break_the_glass))
  (func $_start (export "_start")
    (call $handle_request)))
