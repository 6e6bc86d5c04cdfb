/**
 * Reads the options of a command from its arguments, the environment and the config file.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { KubeletError, messageOf } from "../errors.ts";
import type { ConfigFile } from "./config_file.ts";
import { withoutUsers } from "./names.ts";
import type { Option, OptionTable, OptionValues } from "./option.ts";
import { didYouMean } from "./suggest.ts";

/** Where options may come from, the strongest first. */
export interface OptionSources {
  /** The command's arguments, without the command's own word. */
  readonly args: readonly string[];
  /** @default {no variables} */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** @default {no file} */
  readonly file?: ConfigFile | undefined;
  /** The command takes arguments that are no options. @default false */
  readonly takesArguments?: boolean;
}

/** What was read. */
export interface ReadOptions<Table extends OptionTable> {
  readonly values: OptionValues<Table>;
  /** Who gave a value, as `--port`, `KRUSTLET_PORT` or `key "listenerPort" in FILE`. */
  readonly origins: { readonly [Name in keyof Table]?: string };
  /** Arguments that are no options and stand before `--`. */
  readonly positionals: readonly string[];
  /** Everything behind `--`. */
  readonly rest: readonly string[];
}

/**
 * Reads options with the precedence flag, environment, file, default. A bad value that a stronger
 * source overrides is not looked at.
 *
 * @throws {KubeletError} `invalid`, naming the value, its source and what is allowed.
 */
export function readOptions<Table extends OptionTable>(
  table: Table,
  sources: OptionSources,
): ReadOptions<Table> {
  const given = readArguments(table, sources.args);
  const stray = [...given.positionals, ...given.rest][0];
  if (stray !== undefined && sources.takesArguments !== true) {
    throw invalid(`Cannot use argument "${stray}": this command takes only options`);
  }
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  for (const [name, option] of Object.entries(table)) {
    const found = readOne(option, given.flags.get(option.flag), sources);
    values[name] = found === undefined ? option.default : found.value;
    if (found !== undefined) origins[name] = found.origin;
  }
  return {
    values: values as OptionValues<Table>,
    origins: origins as ReadOptions<Table>["origins"],
    positionals: given.positionals,
    rest: given.rest,
  };
}

interface GivenFlag {
  /** The flag as it was written, as `-p` or `--port`. */
  readonly written: string;
  /** Absent if the flag stands alone. */
  readonly value: string | undefined;
}

interface GivenArguments {
  readonly flags: ReadonlyMap<string, readonly GivenFlag[]>;
  readonly positionals: readonly string[];
  readonly rest: readonly string[];
}

function readArguments(table: OptionTable, args: readonly string[]): GivenArguments {
  const byFlag = new Map(Object.values(table).map((option) => [option.flag, option]));
  const { tokens } = parseArgs({
    args: joinAlone(table, args),
    options: Object.fromEntries(
      [...byFlag].map(([flag, { kind, short }]) => [flag, {
        type: kind.alone === undefined ? "string" : "boolean",
        ...(short === undefined ? {} : { short }),
      }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const flags = new Map<string, GivenFlag[]>();
  const positionals: string[] = [];
  const rest: string[] = [];
  let ended = false;
  for (const token of tokens) {
    if (token.kind === "option-terminator") ended = true;
    else if (token.kind === "positional") (ended ? rest : positionals).push(token.value);
    else {
      const option = byFlag.get(token.name);
      if (option === undefined) throw unknownFlag(token.rawName, byFlag.keys());
      // Node takes `-p=1` for the value "=1".
      const value = token.rawName.startsWith("--") ? token.value : token.value?.replace(/^=/, "");
      if (option.kind.alone === undefined) {
        // Without this, `--port --max-pods 5` would have the port "--max-pods".
        if (value === undefined || (token.inlineValue === false && /^--?[a-z]/i.test(value))) {
          throw needsValue(token.rawName, option);
        }
      }
      flags.set(token.name, [...(flags.get(token.name) ?? []), { written: token.rawName, value }]);
    }
  }
  return { flags, positionals, rest };
}

/** `--flag true` becomes `--flag=true` for flags that may also stand alone. */
function joinAlone(table: OptionTable, args: readonly string[]): string[] {
  const alone = new Set(
    Object.values(table)
      .filter(({ kind }) => kind.alone !== undefined && kind.placeholder !== "")
      .map(({ flag }) => `--${flag}`),
  );
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") return [...joined, ...args.slice(i)];
    const next = args[i + 1];
    if (alone.has(arg) && (next === "true" || next === "false")) {
      joined.push(`${arg}=${next}`);
      i++;
    } else joined.push(arg);
  }
  return joined;
}

function readOne(
  option: Option<unknown>,
  flags: readonly GivenFlag[] | undefined,
  { env, file }: OptionSources,
): { value: unknown; origin: string } | undefined {
  const { kind } = option;
  if (flags !== undefined) {
    const read = flags.map(({ written, value }) =>
      value === undefined ? kind.alone : check(option, written, value, () => kind.fromText(value))
    );
    const value = read.reduce((earlier, later) => kind.join?.(earlier, later) ?? later);
    return { value, origin: flags.at(-1)!.written };
  }
  const variable = option.env === undefined ? undefined : env?.[option.env];
  // An empty variable is how service files and shells write "not set".
  if (variable !== undefined && (variable !== "" || kind.emptyIsValue === true)) {
    const origin = `${option.env}`;
    return { value: check(option, origin, variable, () => kind.fromText(variable)), origin };
  }
  if (file === undefined || option.key === undefined) return undefined;
  if (!Object.hasOwn(file.values, option.key)) return undefined;
  const origin = `key "${option.key}" in ${file.path}`;
  const entry = file.values[option.key];
  return { value: check(option, origin, entry, () => kind.fromJson(entry)), origin };
}

function check<T>(option: Option<T>, origin: string, given: unknown, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const shown = withoutUsers(typeof given === "string" ? `"${given}"` : JSON.stringify(given));
    throw invalid(
      `Cannot use ${origin} ${shown}: ${messageOf(error)}; allowed is ${option.kind.allowed}`,
    );
  }
}

function unknownFlag(written: string, known: Iterable<string>): KubeletError {
  const flags = [...known].map((flag) => `--${flag}`);
  return invalid(
    `Cannot use ${written}: there is no such option.` +
      (didYouMean(written, flags) || " See --help for all of them."),
  );
}

function needsValue(written: string, { kind }: Option<unknown>): KubeletError {
  return invalid(`Cannot use ${written} alone: it needs a value; allowed is ${kind.allowed}`);
}

function invalid(message: string): KubeletError {
  return new KubeletError("invalid", message);
}
