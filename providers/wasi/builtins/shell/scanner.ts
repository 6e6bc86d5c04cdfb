import { type Change, type List, type Part, ShellSyntaxError, type Word } from "./syntax.ts";

/** Characters that end a word, unless they are quoted. */
const ENDS_WORD = new Set(" \t\n;&|<>()");
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const SPECIAL = /^[0-9?$#@*!-]/;
/** `${…}` in one another: more would exhaust the stack. */
const BRACES_MAX = 100;
const CHANGES: readonly Change[] = [":-", ":+", "-", "+"];

/** The text of a script, read from left to right. */
export class Scanner {
  readonly text: string;
  at = 0;
  #braceDepth = 0;
  readonly #parseList: (scanner: Scanner) => List;

  /** `parseList` reads the commands of `$(…)`, up to the parenthesis. */
  constructor(text: string, parseList: (scanner: Scanner) => List) {
    this.text = text;
    this.#parseList = parseList;
  }

  /** What comes next. Blanks, comments and continued lines are passed over before. */
  get next(): string {
    for (;;) {
      const character = this.text[this.at] ?? "";
      if (character === " " || character === "\t" || character === "\r") this.at++;
      else if (character === "\\" && this.text[this.at + 1] === "\n") this.at += 2;
      else if (character === "#") {
        while (this.at < this.text.length && this.text[this.at] !== "\n") this.at++;
      } else return character;
    }
  }

  /** Passes over this text if it comes next. */
  takes(text: string): boolean {
    if (this.next === "" || !this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  /** Passes over what fits, which begins right here. */
  match(pattern: RegExp): string | undefined {
    const found = pattern.exec(this.text.slice(this.at))?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  /** True if this word comes next, all of it and unquoted. */
  sees(word: string): boolean {
    void this.next;
    const after = this.text[this.at + word.length];
    return this.text.startsWith(word, this.at) && (after === undefined || ENDS_WORD.has(after));
  }

  /** The next word; `undefined` if an operator or the end comes next. */
  word(): Word | undefined {
    const first = this.next;
    if (first === "" || ENDS_WORD.has(first)) return undefined;
    const parts: Part[] = [];
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined || ENDS_WORD.has(character)) return parts;
      parts.push(...this.#parts(character, false));
    }
  }

  /** Throws, for the end of the text or what stands there. */
  fail(expected?: string): never {
    const found = this.next;
    const wanted = expected === undefined ? "" : `, ${expected} is missing`;
    if (found === "") {
      throw new ShellSyntaxError(`unexpected end of the script${wanted}`, { incomplete: true });
    }
    const word = this.text.slice(this.at).split(/\s/)[0]!.slice(0, 32);
    throw new ShellSyntaxError(`unexpected "${found === "\n" ? "end of line" : word}"${wanted}`);
  }

  #parts(character: string, quoted: boolean): Part[] {
    this.at++;
    if (character === "$") return [this.#dollar(quoted)];
    if (character === "`") throw new ShellSyntaxError("there are no backquotes here: use $(…)");
    if (character === "\\") return this.#escaped(quoted);
    if (!quoted && character === "'") {
      const end = this.text.indexOf("'", this.at);
      if (end < 0) this.#unclosed("'");
      const text = this.text.slice(this.at, end);
      this.at = end + 1;
      return [{ is: "text", text, quoted: true }];
    }
    if (!quoted && character === '"') return this.#doubleQuoted();
    this.at--;
    const plain = this.match(quoted ? /^[^$`\\"}]+/ : /^[^$`\\"' \t\n;&|<>()}]+/) ??
      this.text[this.at++]!;
    return [{ is: "text", text: plain, quoted }];
  }

  #escaped(quoted: boolean): Part[] {
    const next = this.text[this.at++];
    if (next === undefined) this.#unclosed("\\");
    if (next === "\n") return [];
    const kept = quoted && !'$`"\\'.includes(next) ? `\\${next}` : next;
    return [{ is: "text", text: kept, quoted: true }];
  }

  #doubleQuoted(): Part[] {
    const parts: Part[] = [{ is: "text", text: "", quoted: true }]; // it is a word, if an empty one
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined) this.#unclosed('"');
      if (character === '"') {
        this.at++;
        return parts;
      }
      parts.push(...this.#parts(character, true));
    }
  }

  #dollar(quoted: boolean): Part {
    if (this.text.startsWith("((", this.at)) {
      throw new ShellSyntaxError("there is no arithmetic here");
    }
    if (this.text[this.at] === "(") {
      this.at++;
      const list = this.#parseList(this);
      if (!this.takes(")")) this.fail('")"');
      return { is: "command", list, quoted };
    }
    if (this.text[this.at] === "{") return this.#braces(quoted);
    const name = this.match(NAME) ?? this.match(SPECIAL);
    return name === undefined
      ? { is: "text", text: "$", quoted }
      : { is: "variable", name, quoted };
  }

  #braces(quoted: boolean): Part {
    this.at++;
    const counted = /^#[A-Za-z_0-9@*]/.test(this.text.slice(this.at, this.at + 2));
    if (counted) this.at++;
    const name = this.match(NAME) ?? this.match(/^\d+/) ?? this.match(SPECIAL);
    if (name === undefined) this.#badVariable();
    const how = counted ? "#" : CHANGES.find((one) => this.text.startsWith(one, this.at));
    if (how === undefined || how === "#") {
      if (this.text[this.at++] !== "}") this.#badVariable();
      return { is: "variable", name, quoted, ...(how && { change: { how, word: [] } }) };
    }
    this.at += how.length;
    if (++this.#braceDepth > BRACES_MAX) {
      throw new ShellSyntaxError("the script is nested too deeply");
    }
    const word: Part[] = [];
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined) this.#unclosed("{");
      if (character === "}") {
        this.at++;
        this.#braceDepth--;
        return { is: "variable", name, quoted, change: { how, word } };
      }
      word.push(...this.#parts(character, quoted));
    }
  }

  #badVariable(): never {
    if (this.at >= this.text.length) this.#unclosed("{");
    throw new ShellSyntaxError("there is no such way to expand a variable here");
  }

  #unclosed(what: string): never {
    throw new ShellSyntaxError(`unexpected end of the script after ${what}`, { incomplete: true });
  }
}
