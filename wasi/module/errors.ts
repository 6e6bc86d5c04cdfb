/** A module wants more memory at its start than it may ever have. */
export class MemoryLimitError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "MemoryLimitError";
}

/** A module is more, or wants more, than a named limit of this room allows. */
export class ModuleLimitError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "ModuleLimitError";
}
