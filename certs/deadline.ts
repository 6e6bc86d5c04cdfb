/**
 * When to ask for the next certificate.
 *
 * @module
 */

/**
 * The time to ask for a new certificate: between 70 % and 90 % of its life, as a kubelet does.
 *
 * `chance` in [0, 1) spreads nodes that were born together.
 *
 * @throws {RangeError} if the certificate ends before it begins, or `chance` is out of range.
 */
export function rotationDeadlineMs(
  life: { readonly notBeforeMs: number; readonly notAfterMs: number },
  chance: number,
): number {
  const { notBeforeMs, notAfterMs } = life;
  if (!(notAfterMs > notBeforeMs)) {
    throw new RangeError(
      `Cannot plan renewal: certificate ends at ${notAfterMs}, before it begins at ${notBeforeMs}`,
    );
  }
  if (!(chance >= 0 && chance < 1)) {
    throw new RangeError(`Cannot plan renewal with chance "${chance}": it is not in [0, 1)`);
  }
  return notBeforeMs + (notAfterMs - notBeforeMs) * (EARLIEST + SPREAD * chance);
}

const EARLIEST = 0.7;
const SPREAD = 0.2;
