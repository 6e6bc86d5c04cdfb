/**
 * What a script is made of, once it is parsed: a small part of POSIX.1-2017, "Shell Command Language".
 *
 * @module
 */

/** A piece of a word. What is quoted is not split and stands for no file names. */
export type Part =
  | { readonly is: "text"; readonly text: string; readonly quoted: boolean }
  | {
    readonly is: "variable";
    readonly name: string;
    readonly quoted: boolean;
    /** `${name:-word}`, `${name-word}`, `${name:+word}`, `${name+word}`, `${#name}`. */
    readonly change?: { readonly how: Change; readonly word: Word };
  }
  | { readonly is: "command"; readonly list: List; readonly quoted: boolean };

/** What becomes of a variable that is expanded. */
export type Change = ":-" | "-" | ":+" | "+" | "#";

/** A word as it was written. */
export type Word = readonly Part[];

/** `n<file`, `n>file`, `n>>file`, `n>&m`. */
export interface Redirect {
  readonly fd: number;
  readonly how: "<" | ">" | ">>" | ">&";
  readonly target: Word;
}

/** One command, with what it reads and writes. */
export type Command =
  & { readonly redirects: readonly Redirect[] }
  & (
    | {
      readonly is: "simple";
      readonly assigns: readonly { readonly name: string; readonly value: Word }[];
      readonly words: readonly Word[];
    }
    | {
      readonly is: "if";
      readonly branches: readonly { readonly test: List; readonly body: List }[];
      readonly otherwise: List;
    }
    | { readonly is: "while"; readonly until: boolean; readonly test: List; readonly body: List }
    | {
      readonly is: "for";
      readonly name: string;
      /** Absent: the script's arguments. */
      readonly words: readonly Word[] | undefined;
      readonly body: List;
    }
    | { readonly is: "group"; readonly apart: boolean; readonly body: List }
  );

/** `[!] command | command`. */
export interface Pipeline {
  readonly not: boolean;
  readonly commands: readonly Command[];
}

/** `pipeline && pipeline || pipeline`. */
export interface Chain {
  readonly first: Pipeline;
  readonly rest: readonly { readonly when: "&&" | "||"; readonly pipeline: Pipeline }[];
}

/** One after the other. */
export type List = readonly Chain[];

/** A script that makes no sense. */
export class ShellSyntaxError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "ShellSyntaxError";
  /** True if more text could make sense of it. */
  readonly incomplete: boolean;

  constructor(message: string, { incomplete = false }: { readonly incomplete?: boolean } = {}) {
    super(message);
    this.incomplete = incomplete;
  }
}
