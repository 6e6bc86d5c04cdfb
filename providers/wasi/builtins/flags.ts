import { Trouble } from "./call.ts";

/** What stood among the arguments. */
export interface Flags {
  /** Letters and long names, and how often. */
  readonly given: ReadonlySet<string>;
  /** Values of those that have one; the last one counts. */
  readonly values: ReadonlyMap<string, string>;
  /** All that is no option. */
  readonly operands: readonly string[];
}

/** Which options there are. */
export interface FlagSpec {
  /** Letters without a value, as `alR`; and long names without their dashes. */
  readonly flags?: string;
  readonly long?: readonly string[];
  /** Letters with a value. */
  readonly valued?: string;
  /** Stop at the first operand: what follows belongs to somebody else. @default false */
  readonly strict?: boolean;
}

/**
 * Takes options apart as POSIX has them: letters together, a value behind its letter or in the next
 * argument, `--` before the operands. Throws {@linkcode Trouble} for an unknown one.
 */
export function parseFlags(args: readonly string[], spec: FlagSpec): Flags {
  const { flags = "", long = [], valued = "", strict = false } = spec;
  const given = new Set<string>();
  const values = new Map<string, string>();
  const operands: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (arg === "-" || !arg.startsWith("-")) {
      operands.push(arg);
      if (!strict) continue;
      operands.push(...args.slice(at + 1));
      break;
    }
    if (arg.startsWith("--")) {
      if (!long.includes(arg.slice(2))) throw new Trouble(`unrecognized option "${arg}"`, 2);
      given.add(arg.slice(2));
      continue;
    }
    for (let letter = 1; letter < arg.length; letter++) {
      const name = arg[letter]!;
      if (flags.includes(name)) given.add(name);
      else if (valued.includes(name)) {
        const rest = arg.slice(letter + 1);
        const value = rest !== "" ? rest : args[++at];
        if (value === undefined) throw new Trouble(`option "-${name}" needs a value`, 2);
        values.set(name, value);
        break;
      } else throw new Trouble(`unrecognized option "-${name}"`, 2);
    }
  }
  return { given, values, operands };
}

/** A whole number from 0 up; throws {@linkcode Trouble} for anything else. */
export function parseCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Trouble(`"${text}" is not a number`, 2);
}
