import { ERRNO } from "../errno.ts";
import type { Calls, GuestState } from "./state.ts";

/** `clock_*`. */
export function clockCalls({ memory, host }: GuestState): Calls {
  return {
    clock_res_get(clock: number, out: number): number {
      const resolution = clock >>> 0 > 3 ? undefined : host.resolutionNs(clock);
      if (resolution === undefined) return ERRNO.inval;
      memory.setU64(out, resolution);
      return 0;
    },
    clock_time_get(clock: number, _precision: bigint, out: number): number {
      const time = clock >>> 0 > 3 ? undefined : host.clockNs(clock);
      if (time === undefined) return ERRNO.inval;
      memory.setU64(out, time);
      return 0;
    },
  };
}
