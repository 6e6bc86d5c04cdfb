import { type BuiltinCall, pathOf, Trouble } from "./call.ts";
import { look } from "./walk.ts";
import { ViewError, type ViewStat } from "../../../wasi/mod.ts";

/** Exit code of an expression that makes no sense. */
const WRONG = 2;

/**
 * `test EXPRESSION`, or `[ EXPRESSION ]`: files (`-e -f -d -L -s -r -w -x`), texts (`-n -z = !=`), numbers
 * (`-eq -ne -lt -le -gt -ge`), with `!`, `-a`, `-o` and parentheses. Answers 0 if it holds, else 1.
 */
export async function test(call: BuiltinCall): Promise<number> {
  let words = [...call.args];
  if (call.name === "[") {
    if (words.pop() !== "]") throw new Trouble('there is no closing "]"', WRONG);
  }
  if (words.length === 0) return await Promise.resolve(1);
  const parser = new Expression(call, words);
  const holds = parser.either();
  words = parser.rest;
  if (words.length > 0) throw new Trouble(`unexpected "${words[0]}"`, WRONG);
  return holds ? 0 : 1;
}

/** Parentheses in one another: an expression must not exhaust the stack. */
const DEPTH_MAX = 100;

class Expression {
  readonly #call: BuiltinCall;
  readonly #words: string[];
  #depth = 0;

  constructor(call: BuiltinCall, words: string[]) {
    this.#call = call;
    this.#words = words;
  }

  get rest(): string[] {
    return this.#words;
  }

  either(): boolean {
    if (++this.#depth > DEPTH_MAX) throw new Trouble("the expression is too deep", WRONG);
    let holds = this.#both();
    while (this.#takes("-o")) holds = this.#both() || holds;
    this.#depth--;
    return holds;
  }

  #both(): boolean {
    let holds = this.#one();
    while (this.#takes("-a")) holds = this.#one() && holds;
    return holds;
  }

  #one(): boolean {
    let not = false;
    // `test !` alone asks whether the text "!" is empty.
    while (this.#words.length > 1 && this.#takes("!")) not = !not;
    return this.#primary() !== not;
  }

  #primary(): boolean {
    const [first, operator, second] = this.#words;
    if (first === undefined) throw new Trouble("something is missing", WRONG);
    const compare = operator === undefined ? undefined : COMPARISONS.get(operator);
    if (compare !== undefined && second !== undefined) {
      this.#words.splice(0, 3);
      return compare(first, second);
    }
    if (first === "(" && this.#words.length > 1) {
      this.#words.shift();
      const holds = this.either();
      if (!this.#takes(")")) throw new Trouble('there is no closing ")"', WRONG);
      return holds;
    }
    if (operator !== undefined && operator !== "-a" && operator !== "-o") {
      const ask = QUESTIONS.get(first);
      if (ask !== undefined) {
        this.#words.splice(0, 2);
        return ask(this.#call, operator);
      }
    }
    this.#words.shift();
    return first !== "";
  }

  #takes(word: string): boolean {
    if (this.#words[0] !== word) return false;
    this.#words.shift();
    return true;
  }
}

const COMPARISONS = new Map<string, (a: string, b: string) => boolean>(Object.entries({
  "=": (a: string, b: string) => a === b,
  "==": (a: string, b: string) => a === b,
  "!=": (a: string, b: string) => a !== b,
  "-eq": (a: string, b: string) => number(a) === number(b),
  "-ne": (a: string, b: string) => number(a) !== number(b),
  "-lt": (a: string, b: string) => number(a) < number(b),
  "-le": (a: string, b: string) => number(a) <= number(b),
  "-gt": (a: string, b: string) => number(a) > number(b),
  "-ge": (a: string, b: string) => number(a) >= number(b),
}));

const QUESTIONS = new Map<string, (call: BuiltinCall, word: string) => boolean>(Object.entries({
  "-n": (_: BuiltinCall, word: string) => word !== "",
  "-z": (_: BuiltinCall, word: string) => word === "",
  "-e": (call: BuiltinCall, name: string) => at(call, name) !== undefined,
  "-f": (call: BuiltinCall, name: string) => at(call, name)?.kind === "file",
  "-d": (call: BuiltinCall, name: string) => at(call, name)?.kind === "folder",
  "-L": (call: BuiltinCall, name: string) => at(call, name, false)?.kind === "link",
  "-h": (call: BuiltinCall, name: string) => at(call, name, false)?.kind === "link",
  "-s": (call: BuiltinCall, name: string) => (at(call, name)?.bytes ?? 0) > 0,
  // WASI has no permissions: whatever is there can be read, and run if it is a program.
  "-r": (call: BuiltinCall, name: string) => at(call, name) !== undefined,
  "-w": (call: BuiltinCall, name: string) => at(call, name) !== undefined,
  "-x": (call: BuiltinCall, name: string) => at(call, name) !== undefined,
  "-t": (call: BuiltinCall) => call.tty,
}));

function at(call: BuiltinCall, name: string, follow = true): ViewStat | undefined {
  try {
    return look(call.view, pathOf(call, name), { follow });
  } catch (error) {
    // A link that leads out names nothing that there is here.
    if (error instanceof ViewError) return undefined;
    throw error;
  }
}

function number(text: string): number {
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  throw new Trouble(`"${text}" is not a number`, WRONG);
}
