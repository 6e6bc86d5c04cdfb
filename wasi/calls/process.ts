import { ERRNO } from "../errno.ts";
import { RANDOM_SLICE_BYTES_MAX } from "../limits.ts";
import type { Calls, GuestState } from "./state.ts";

/** `proc_*`, `random_get` and `sched_yield`. */
export function processCalls(state: GuestState): Calls {
  return {
    proc_exit: (code: number): number => state.exit(code >>> 0),
    /** Nobody is there to take a signal; wasmtime answers the same. */
    proc_raise: (): number => ERRNO.notsup,
    random_get(pointer: number, length: number): number {
      const bytes = state.memory.bytes(pointer, length);
      for (let at = 0; at < bytes.length; at += RANDOM_SLICE_BYTES_MAX) {
        crypto.getRandomValues(bytes.subarray(at, at + RANDOM_SLICE_BYTES_MAX));
      }
      return 0;
    },
    sched_yield(): number {
      state.host.yield();
      return 0;
    },
  };
}
