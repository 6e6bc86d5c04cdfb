import { ERRNO } from "../errno.ts";
import { Random } from "./random.ts";
import type { Calls, GuestState } from "./state.ts";

/** `proc_*`, `random_get` and `sched_yield`. */
export function processCalls(state: GuestState): Calls {
  const random = new Random();
  return {
    proc_exit: (code: number): number => state.exit(code >>> 0),
    /** Nobody is there to take a signal; wasmtime answers the same. */
    proc_raise: (): number => ERRNO.notsup,
    random_get(pointer: number, length: number): number {
      random.fill(state.memory.bytes(pointer, length));
      return 0;
    },
    sched_yield(): number {
      state.host.yield();
      return 0;
    },
  };
}
