import assert from "node:assert/strict";

const TIMES = 50;

/**
 * Rejects if this leaves descriptors open (Linux). Other tests of this process open and close theirs meanwhile, so
 * it is done again until their number is the same behind it: what leaks does so each time.
 */
export async function leavesNothingOpen(deed: () => void | Promise<void>): Promise<void> {
  for (let time = 0; time < TIMES; time++) {
    const before = count();
    await deed();
    if (count() === before) return;
  }
  assert.fail(`It leaves descriptors open, ${TIMES} times in a row`);
}

function count(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}
