/** Ends the script. */
export class ShellExit extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "ShellExit";
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** Leaves loops, or begins their next round. */
export class LoopJump extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "LoopJump";
  readonly how: "break" | "continue";
  levels: number;

  constructor(how: "break" | "continue", levels: number) {
    super(how);
    this.how = how;
    this.levels = levels;
  }
}
