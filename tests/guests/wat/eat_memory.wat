;; Takes one page of memory after the other and writes to it, until it gets no more; then it traps.
(module
  (memory (export "memory") 1)
  (func $eat (export "_start")
    (local $page i32)
    (loop $again
      (local.set $page (memory.grow (i32.const 1)))
      (if (i32.eq (local.get $page) (i32.const -1)) (then unreachable))
      (i32.store (i32.mul (local.get $page) (i32.const 65536)) (i32.const 1))
      (br $again))))
