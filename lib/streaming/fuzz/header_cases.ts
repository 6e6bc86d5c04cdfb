import type { Random } from "../../fuzz/random.ts";

const LETTERS = "abcz-09 \0";

/** Headers of a stream, mostly with odd names. For tests only. */
export function makeHeaders(random: Random): Record<string, string> {
  const entries = random.list(0, 5, () => [
    random.word(LETTERS, 1, 12),
    random.word(LETTERS, 0, 12),
  ]);
  return Object.fromEntries(entries);
}
