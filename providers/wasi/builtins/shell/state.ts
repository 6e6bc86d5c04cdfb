import type { BuiltinCall } from "../call.ts";
import type { Sink } from "../streams.ts";
import type { LineInput } from "./line_input.ts";

/** Where a command reads and writes. */
export interface Streams {
  readonly stdin: LineInput;
  readonly stdout: Sink;
  readonly stderr: Sink;
}

/** What a shell knows while it runs, which its special commands change. */
export interface ShellState {
  readonly call: BuiltinCall;
  /** `$1` and so on. */
  args: readonly string[];
  /** The current directory. */
  cwd: string;
  readonly variables: Map<string, string>;
  /** Names of the variables that programs get. */
  readonly exported: Set<string>;
  /** The code of the last command: `$?`. */
  code: number;
  /** `set -e`. */
  exitsOnError: boolean;
}
