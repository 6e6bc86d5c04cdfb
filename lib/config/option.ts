/**
 * What an option is: one row of a table from which reading, checking and help all follow.
 *
 * @module
 */

/** What the values of an option look like, and how they are read. */
export interface Kind<T> {
  /** Stands for the value in the help, as `PORT`. */
  readonly placeholder: string;
  /** Ends the sentence "allowed is …" of an error. */
  readonly allowed: string;
  /** Reads a flag's or variable's text. Throws a `RangeError` whose message says what is wrong. */
  fromText(text: string): T;
  /** Reads a value of the config file. Throws a `RangeError` whose message says what is wrong. */
  fromJson(value: unknown): T;
  /** Prints a value for the help. */
  toText(value: T): string;
  /** What the flag means when it stands alone. Without this, the flag needs a value. */
  readonly alone?: T;
  /** An empty text is a value of its own, and not the same as nothing. @default false */
  readonly emptyIsValue?: boolean;
  /** Joins the values of a flag that is given twice. @default {the last one counts} */
  join?(earlier: T, later: T): T;
}

/** One option of a command. */
export interface Option<T> {
  /** The long flag, without its dashes. */
  readonly flag: string;
  /** One letter. */
  readonly short?: string;
  /** Environment variable that is read when the flag is absent. */
  readonly env?: string;
  /** Key of the config file that is read when flag and variable are absent. */
  readonly key?: string;
  readonly kind: Kind<T>;
  /** The value when nobody says anything. */
  readonly default?: T;
  /** Describes a default that depends on the machine or on other options. */
  readonly defaultText?: string;
  /** One sentence or two, for people. */
  readonly help: string;
  /** Heading under which the help lists the option. */
  readonly group: string;
}

/** A command's options by the names that the program uses for them. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

type KindOf<O> = O extends { readonly kind: Kind<infer T> } ? T : never;

/** What reading a table gives: options with a default always have a value. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly default: unknown }
    ? KindOf<Table[Name]>
    : KindOf<Table[Name]> | undefined;
};

/**
 * Declares the options of a command; a default that is not of the option's kind does not compile.
 *
 * @example
 * ```ts
 * import { defineOptions } from "./option.ts";
 * import { port } from "./kinds.ts";
 *
 * const options = defineOptions({
 *   listen: { flag: "listen", kind: port, default: 8080, help: "Port to serve.", group: "Server" },
 * });
 * ```
 */
export function defineOptions<const Table extends OptionTable>(
  table: Table & { readonly [Name in keyof Table]: Option<KindOf<Table[Name]>> },
): Table {
  return table;
}
