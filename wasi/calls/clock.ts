import { CLOCK } from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { Calls, GuestState } from "./state.ts";

/** `clock_*`. */
export function clockCalls({ memory, host }: GuestState): Calls {
  return {
    clock_res_get(clock: number, out: number): number {
      if (clock >>> 0 > CLOCK.threadCputime) return ERRNO.inval;
      memory.setU64(out, host.resolutionNs(clock));
      return 0;
    },
    clock_time_get(clock: number, _precision: bigint, out: number): number {
      if (clock >>> 0 > CLOCK.threadCputime) return ERRNO.inval;
      memory.setU64(out, host.clockNs(clock));
      return 0;
    },
  };
}
