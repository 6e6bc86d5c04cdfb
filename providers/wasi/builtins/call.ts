/**
 * What a builtin is given, and how it says that something is wrong.
 *
 * @module
 */
import type { Sink, Source } from "./streams.ts";
import { type View, ViewError } from "../../../wasi/mod.ts";

/** One call of a builtin: all that it can reach. */
export interface BuiltinCall {
  /** What it was called as. */
  readonly name: string;
  /** Without its name. */
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  /** The container's files, within the walls of its guests. */
  readonly view: View;
  /** The current directory. */
  readonly cwd: string;
  readonly stdin: Source;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** The standard streams are a terminal. */
  readonly tty: boolean;
}

/** A small program of this room. Settles with its exit code. */
export type Builtin = (call: BuiltinCall) => Promise<number>;

/** Ends a builtin with a message. */
export class Trouble extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "Trouble";
  /** Its exit code. */
  readonly code: number;

  /** The message goes behind the builtin's name. */
  constructor(message: string, code = 1) {
    super(message);
    this.code = code;
  }
}

/** What to tell of an error that is somebody's fault; throws any other one on. */
export function messageOf(error: unknown): string {
  if (error instanceof ViewError || error instanceof Trouble) return error.message;
  throw error;
}

/** The absolute path of a name. */
export function pathOf({ cwd }: Pick<BuiltinCall, "cwd">, name: string): string {
  return name.startsWith("/") ? name : `${cwd}/${name}`;
}

/** Writes text. */
export async function print(sink: Sink, text: string): Promise<void> {
  await sink.write(encoder.encode(text));
}

/** Tells on stderr what went wrong with something, in a word of its own. */
export async function complain(call: BuiltinCall, what: string, error: unknown): Promise<void> {
  await print(call.stderr, `${call.name}: ${what}: ${messageOf(error)}\n`);
}

/**
 * Does one thing for each operand and goes on with the next if one fails, as programs do. Answers 0, or 1
 * if anything failed.
 */
export async function forEach(
  call: BuiltinCall,
  operands: readonly string[],
  run: (operand: string) => Promise<void> | void,
): Promise<number> {
  let code = 0;
  for (const operand of operands) {
    try {
      await run(operand);
    } catch (error) {
      await complain(call, operand, error); // throws what is not the operand's fault
      code = 1;
    }
  }
  return code;
}

const encoder = new TextEncoder();
