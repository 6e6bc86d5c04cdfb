import type { Limits } from "./declarations.ts";
import { leb128 } from "./reader.ts";
import type { Edit } from "./sections.ts";

/** The same limits with another maximum. */
export function resize({ minimum, shared, address64, start, end }: Limits, maximum: number): Edit {
  const flags = 1 | (shared ? 2 : 0) | (address64 ? 4 : 0);
  const bytes = Uint8Array.from([flags, ...leb128(minimum), ...leb128(maximum)]);
  return { start, end, bytes };
}
