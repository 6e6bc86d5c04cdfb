/** Who wants to grow: from what it has at its start, at most to what it declares. */
export interface Claim {
  readonly minimum: number;
  readonly maximum: number;
}

/**
 * Divides a total among claims, so that the sum of the answers never exceeds it: each gets its
 * minimum, and the rest is divided equally, except that nobody gets more than it declares; what one
 * leaves goes to the others. Answers `undefined` if the minimums alone exceed the total.
 */
export function divide(claims: readonly Claim[], total: number): number[] | undefined {
  let rest = total - claims.reduce((sum, { minimum }) => sum + minimum, 0);
  if (rest < 0) return undefined;
  const shares = claims.map(({ minimum }) => minimum);
  const modestFirst = claims.map(({ minimum, maximum }, index) => ({
    index,
    wish: maximum - minimum,
  })).sort((a, b) => a.wish - b.wish);
  modestFirst.forEach(({ index, wish }, done) => {
    const more = Math.min(wish, Math.floor(rest / (claims.length - done)));
    shares[index]! += more;
    rest -= more;
  });
  return shares;
}
