/** A name on the way was swapped for something else while we went: try again. */
export class Swapped extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "Swapped";
}
