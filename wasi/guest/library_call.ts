import { LinkError } from "./link.ts";
import { OptionsError } from "../options.ts";

/** What a function of WebAssembly returns to JavaScript. */
export type Returned = number | bigint | (number | bigint)[] | undefined;

/** A function of a guest, which takes numbers as texts too: JavaScript turns them into numbers. */
export type ExportedFunction = (...args: readonly string[]) => Returned | Promise<Returned>;

/**
 * Finds an exported function that takes these arguments.
 *
 * Throws {@linkcode LinkError} if there is none or it takes another number of them,
 * {@linkcode OptionsError} for a text that is no number.
 */
export function functionFor(
  { exports }: WebAssembly.Instance,
  name: string,
  args: readonly string[],
): ExportedFunction {
  const found = Object.hasOwn(exports, name) ? exports[name] : undefined;
  if (typeof found !== "function") {
    throw new LinkError(`Cannot call "${name}": the module exports no such function`);
  }
  if (found.length !== args.length) {
    throw new LinkError(
      `Cannot call "${name}": it takes ${found.length} arguments, not ${args.length}`,
    );
  }
  const strange = args.find((arg) => arg.trim() === "" || Number.isNaN(Number(arg)));
  if (strange !== undefined) {
    throw new OptionsError(`Cannot pass "${strange}" to "${name}": it is no number`);
  }
  return found as ExportedFunction;
}

/** What was returned, as a list. */
export function resultsOf(returned: Returned): readonly (number | bigint)[] {
  return Array.isArray(returned) ? returned : returned === undefined ? [] : [returned];
}

/** A fraction that was passed as an `i64`, which no check could tell before; else the error itself. */
export function explainArgument(error: unknown): unknown {
  return error instanceof SyntaxError && /BigInt/.test(error.message)
    ? new OptionsError(`Cannot pass an argument: ${error.message}`, { cause: error })
    : error;
}
