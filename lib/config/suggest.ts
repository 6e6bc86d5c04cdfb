/**
 * "Did you mean …?"
 *
 * @module
 */

/** The known word that is nearest to a mistyped one, if any is near enough to be meant. */
export function suggest(wrong: string, known: Iterable<string>): string | undefined {
  const plain = simplify(wrong);
  let best: string | undefined;
  // Two letters that changed places are two edits, and the most common slip.
  let bestDistance = Math.max(plain.length < 4 ? 1 : 2, Math.floor(plain.length / 3)) + 1;
  for (const word of known) {
    const distance = editDistance(plain, simplify(word));
    if (distance < bestDistance) [best, bestDistance] = [word, distance];
  }
  return best;
}

/** ` Did you mean --port?`, or nothing; ready to be put behind a sentence. */
export function didYouMean(wrong: string, known: Iterable<string>): string {
  const word = suggest(wrong, known);
  return word === undefined ? "" : ` Did you mean ${word}?`;
}

/** `node_labels`, `node-labels` and `nodeLabels` are the same slip. */
function simplify(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, "");
}

/** Levenshtein's distance: letters to add, drop or change. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, change));
    }
    row = next;
  }
  return row[b.length]!;
}
