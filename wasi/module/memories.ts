import type { Declaration } from "./declarations.ts";
import { MemoryLimitError } from "./errors.ts";
import { PAGE_BYTES, PAGES64_MAX, PAGES_MAX } from "./limits.ts";
import { resize } from "./resize.ts";
import type { Edit } from "./sections.ts";
import { divide } from "./shares.ts";

/** A memory that the host must create, with exactly these limits, before the module can be linked. */
export interface ImportedMemory {
  /** The namespace of the import, as `env`. */
  readonly module: string;
  /** The name in it, as `memory`. */
  readonly name: string;
  /** Pages of 64 KiB at its start. */
  readonly minimumPages: number;
  /** Pages that it may grow to: always said, because a shared memory needs it. */
  readonly maximumPages: number;
  /** Several threads may use it at once. */
  readonly shared: boolean;
  /** It is addressed by numbers of 64 bits. */
  readonly address64: boolean;
}

/** What becomes of the memories of a module. */
export interface MemoryPlan {
  readonly edits: readonly Edit[];
  readonly imported: readonly ImportedMemory[];
}

/**
 * Lowers the maximums of all memories, imported ones too, so that together they can never have more
 * than `bytesMax` bytes; `memory.grow` then answers -1, as on a machine that has no more.
 *
 * Several memories share what their minimums leave in equal parts; what one does not want, by its own
 * declared maximum, goes to the others.
 *
 * @throws {MemoryLimitError} If the minimums exceed it already.
 */
export function planMemories(
  memories: readonly Declaration[],
  bytesMax: number | undefined,
): MemoryPlan {
  const claims = memories.map(({ minimum, maximum, address64 }) => {
    const most = address64 ? PAGES64_MAX : PAGES_MAX;
    return { minimum, maximum: Math.max(minimum, Math.min(maximum ?? most, most)) };
  });
  const pagesMax = bytesMax === undefined ? Infinity : Math.floor(bytesMax / PAGE_BYTES);
  const shares = divide(claims, pagesMax);
  if (shares === undefined) {
    const bytes = claims.reduce((sum, { minimum }) => sum + minimum, 0) * PAGE_BYTES;
    throw new MemoryLimitError(
      `Module starts with ${bytes} bytes of memory: its limit is ${bytesMax}`,
    );
  }
  const edits = memories.flatMap((memory, index) =>
    shares[index]! < declared(memory, claims[index]!.maximum)
      ? [resize(memory, shares[index]!)]
      : []
  );
  const imported = memories.flatMap((memory, index) =>
    memory.import === undefined ? [] : [{
      ...memory.import,
      minimumPages: memory.minimum,
      maximumPages: shares[index]!,
      shared: memory.shared,
      address64: memory.address64,
    }]
  );
  return { edits, imported };
}

/** V8 refuses a maximum that it cannot give, which the format allows with 64-bit addresses. */
function declared({ address64, maximum }: Declaration, most: number): number {
  return address64 ? maximum ?? most : most;
}
