import { Scanner } from "./scanner.ts";
import {
  type Chain,
  type Command,
  type List,
  type Pipeline,
  type Redirect,
  ShellSyntaxError,
  type Word,
} from "./syntax.ts";

/** Characters of one script. */
export const SCRIPT_CHARS_MAX = 1024 * 1024;
/** Commands in one another: more would exhaust the stack. */
const DEPTH_MAX = 100;
/** Words that end what is in a compound command. */
const CLOSING = ["then", "elif", "else", "fi", "do", "done", "}"];
const UNSUPPORTED = ["case", "function", "select", "until", "[["];

/**
 * Parses a script. Throws {@linkcode ShellSyntaxError} for one that makes no sense, or that needs more than
 * there is here: no functions, `case`, arithmetic, here-documents, aliases and jobs.
 */
export function parseScript(text: string): List {
  if (text.length > SCRIPT_CHARS_MAX) {
    throw new ShellSyntaxError(`the script is longer than ${SCRIPT_CHARS_MAX} characters`);
  }
  let depth = 0;
  const nested = (scanner: Scanner): List => {
    if (++depth > DEPTH_MAX) throw new ShellSyntaxError("the script is nested too deeply");
    const list = new Parser(scanner, nested).list();
    depth--;
    return list;
  };
  const scanner = new Scanner(text, nested);
  const list = nested(scanner);
  if (scanner.next !== "") scanner.fail();
  return list;
}

class Parser {
  readonly #scanner: Scanner;
  readonly #nested: (scanner: Scanner) => List;

  constructor(scanner: Scanner, nested: (scanner: Scanner) => List) {
    this.#scanner = scanner;
    this.#nested = nested;
  }

  /** Commands up to the end, a closing parenthesis or a closing word. */
  list(): List {
    const scanner = this.#scanner;
    const chains: Chain[] = [];
    for (;;) {
      while (scanner.takes("\n"));
      const next = scanner.next;
      if (next === "" || next === ")" || CLOSING.some((word) => scanner.sees(word))) return chains;
      chains.push(this.#chain());
      if (scanner.next === "&") throw new ShellSyntaxError("nothing runs in the background here");
      if (!scanner.takes(";") && scanner.next !== "\n") return chains;
    }
  }

  #chain(): Chain {
    const first = this.#pipeline();
    const rest: { when: "&&" | "||"; pipeline: Pipeline }[] = [];
    for (;;) {
      const when = this.#scanner.takes("&&") ? "&&" : this.#scanner.takes("||") ? "||" : undefined;
      if (when === undefined) return { first, rest };
      rest.push({ when, pipeline: this.#pipeline() });
    }
  }

  #pipeline(): Pipeline {
    const scanner = this.#scanner;
    while (scanner.takes("\n"));
    const not = scanner.sees("!") && scanner.takes("!");
    const commands = [this.#command()];
    while (scanner.next === "|" && scanner.text[scanner.at + 1] !== "|") {
      scanner.at++;
      while (scanner.takes("\n"));
      commands.push(this.#command());
    }
    return { not, commands };
  }

  #command(): Command {
    const scanner = this.#scanner;
    const unsupported = UNSUPPORTED.find((word) => scanner.sees(word));
    if (unsupported !== undefined) throw new ShellSyntaxError(`there is no "${unsupported}" here`);
    if (scanner.takes("(")) return this.#group({ apart: true, end: ")" });
    if (this.#keyword("{")) return this.#group({ apart: false, end: "}" });
    if (this.#keyword("if")) return this.#if();
    if (this.#keyword("while")) return this.#while();
    if (this.#keyword("for")) return this.#for();
    return this.#simple();
  }

  #group({ apart, end }: { readonly apart: boolean; readonly end: string }): Command {
    const body = this.#body();
    if (!this.#scanner.takes(end)) this.#scanner.fail(`"${end}"`);
    return { is: "group", apart, body, redirects: this.#redirects() };
  }

  #if(): Command {
    const branches: { test: List; body: List }[] = [];
    do {
      const test = this.#body();
      this.#expect("then");
      branches.push({ test, body: this.#body() });
    } while (this.#keyword("elif"));
    const otherwise = this.#keyword("else") ? this.#body() : [];
    this.#expect("fi");
    return { is: "if", branches, otherwise, redirects: this.#redirects() };
  }

  #while(): Command {
    const test = this.#body();
    const body = this.#loopBody();
    return { is: "while", until: false, test, body, redirects: this.#redirects() };
  }

  #for(): Command {
    const scanner = this.#scanner;
    void scanner.next;
    const name = scanner.match(/^[A-Za-z_][A-Za-z0-9_]*/);
    if (name === undefined) return scanner.fail("a variable");
    let words: Word[] | undefined;
    while (scanner.takes("\n"));
    if (this.#keyword("in")) {
      words = [];
      for (let word = scanner.word(); word !== undefined; word = scanner.word()) words.push(word);
    }
    scanner.takes(";");
    while (scanner.takes("\n"));
    const body = this.#loopBody();
    return { is: "for", name, words, body, redirects: this.#redirects() };
  }

  #loopBody(): List {
    this.#expect("do");
    const body = this.#body();
    this.#expect("done");
    return body;
  }

  /** Commands inside of others, of which there must be one. */
  #body(): List {
    const list = this.#nested(this.#scanner);
    if (list.length === 0) this.#scanner.fail("a command");
    return list;
  }

  #simple(): Command {
    const scanner = this.#scanner;
    const assigns: { name: string; value: Word }[] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    for (;;) {
      const redirect = this.#redirect();
      if (redirect !== undefined) {
        redirects.push(redirect);
        continue;
      }
      const word = scanner.word();
      if (word === undefined) break;
      const assign = words.length === 0 ? assignmentOf(word) : undefined;
      if (assign !== undefined) assigns.push(assign);
      else words.push(word);
    }
    if (scanner.next === "(" && words.length > 0) {
      throw new ShellSyntaxError("there are no functions here");
    }
    if (words.length + assigns.length + redirects.length === 0) scanner.fail("a command");
    return { is: "simple", assigns, words, redirects };
  }

  #redirects(): Redirect[] {
    const redirects: Redirect[] = [];
    for (let one = this.#redirect(); one !== undefined; one = this.#redirect()) redirects.push(one);
    return redirects;
  }

  #redirect(): Redirect | undefined {
    const scanner = this.#scanner;
    void scanner.next;
    const [, number, operator] = /^([0-9]?)(<<|<&|<|>>|>&|>)/.exec(
      scanner.text.slice(scanner.at, scanner.at + 3),
    ) ?? [];
    if (number === undefined || operator === undefined) return undefined;
    if (operator === "<<") throw new ShellSyntaxError("there are no here-documents here");
    const reads = operator.startsWith("<");
    scanner.at += number.length + operator.length;
    const target = scanner.word();
    if (target === undefined) return scanner.fail("a file");
    const how = operator === "<&" ? ">&" : operator as Redirect["how"];
    return { fd: number === "" ? (reads ? 0 : 1) : Number(number), how, target };
  }

  #keyword(word: string): boolean {
    return this.#scanner.sees(word) && this.#scanner.takes(word);
  }

  #expect(word: string): void {
    if (!this.#keyword(word)) this.#scanner.fail(`"${word}"`);
  }
}

/** `name=word`, if the name and `=` are not quoted. */
function assignmentOf(word: Word): { name: string; value: Word } | undefined {
  const [first, ...rest] = word;
  if (first?.is !== "text" || first.quoted) return undefined;
  const [whole, name] = /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(first.text) ?? [];
  if (whole === undefined || name === undefined) return undefined;
  return { name, value: [{ ...first, text: first.text.slice(whole.length) }, ...rest] };
}
