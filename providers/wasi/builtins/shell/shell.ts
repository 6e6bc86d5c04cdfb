import { type BuiltinCall, messageOf, print, Trouble } from "../call.ts";
import { type Bytes, Pipe, type Sink, type Source } from "../streams.ts";
import { expandText, expandWord, type Expansion } from "./expand.ts";
import { LoopJump, ShellExit } from "./jumps.ts";
import { LineInput } from "./line_input.ts";
import { redirected } from "./redirects.ts";
import type { ShellState, Streams } from "./state.ts";
import { SPECIAL_COMMANDS } from "./special_commands.ts";
import type { Chain, Command, List, Pipeline, Word } from "./syntax.ts";
import { joined } from "../lines.ts";
import { ViewError } from "../../../../wasi/mod.ts";

/** Runs a program by its name; the shell itself knows only its special commands. */
export type RunProgram = (call: BuiltinCall) => Promise<number>;

/** As a shell reports a program that ended by SIGPIPE. */
export const BROKEN_PIPE = 141;
/** Bytes that `$(…)` may stand for. */
const OUTPUT_BYTES_MAX = 1024 * 1024;

/** What a shell begins with. */
export interface ShellStart {
  readonly call: BuiltinCall;
  readonly run: RunProgram;
  /** `$0`. */
  readonly name: string;
  /** `$1` and so on. */
  readonly args: readonly string[];
}

/** A shell: variables, a current directory, and how commands run. */
export class Shell implements ShellState {
  readonly call: BuiltinCall;
  readonly run: RunProgram;
  readonly name: string;
  args: readonly string[];
  cwd: string;
  readonly variables: Map<string, string>;
  readonly exported: Set<string>;
  code = 0;
  exitsOnError = false;

  constructor({ call, run, name, args }: ShellStart) {
    this.call = call;
    this.run = run;
    this.name = name;
    this.args = args;
    this.cwd = call.cwd;
    this.variables = new Map(call.env);
    this.exported = new Set(call.env.keys());
  }

  /** Runs commands, and answers the last one's code. Throws {@linkcode ShellExit} if they end the script. */
  async list(list: List, streams: Streams, tested = false): Promise<number> {
    for (const chain of list) {
      await this.#chain(chain, streams, tested);
    }
    return this.code;
  }

  async #chain({ first, rest }: Chain, streams: Streams, tested: boolean): Promise<void> {
    await this.#pipeline(first, streams, tested || rest.length > 0);
    let failsAlone = rest.length === 0 && !first.not;
    for (const [index, { when, pipeline }] of rest.entries()) {
      if ((when === "&&") !== (this.code === 0)) continue;
      const isLast = index === rest.length - 1;
      failsAlone = isLast && !pipeline.not;
      await this.#pipeline(pipeline, streams, tested || !isLast);
    }
    if (this.exitsOnError && !tested && failsAlone && this.code !== 0) {
      throw new ShellExit(this.code);
    }
  }

  async #pipeline({ not, commands }: Pipeline, streams: Streams, tested: boolean): Promise<void> {
    const [only] = commands;
    const code = only !== undefined && commands.length === 1
      ? await this.#command(only, streams, tested || not)
      : await this.#joined(commands, streams);
    this.code = not ? (code === 0 ? 1 : 0) : code;
  }

  /** Runs commands side by side, each in a shell of its own. */
  async #joined(commands: readonly Command[], streams: Streams): Promise<number> {
    let stdin = streams.stdin;
    const running = commands.map((command, index) => {
      const pipe = index === commands.length - 1 ? undefined : new Pipe();
      const own = { ...streams, stdin, stdout: pipe?.sink ?? streams.stdout };
      const reads = index === 0 ? undefined : stdin;
      if (pipe !== undefined) stdin = new LineInput(pipe.source);
      return this.#apart((shell) => shell.#command(command, own, true)).finally(() => {
        pipe?.sink.close();
        reads?.close();
      });
    });
    const codes = await Promise.all(running);
    return codes.at(-1) ?? 0;
  }

  /** Runs in a copy of this shell, which changes nothing here. */
  async #apart(run: (shell: Shell) => Promise<number>): Promise<number> {
    const copy = new Shell({ call: this.call, run: this.run, name: this.name, args: this.args });
    copy.cwd = this.cwd;
    copy.code = this.code;
    copy.exitsOnError = this.exitsOnError;
    copy.variables.clear();
    for (const [name, value] of this.variables) copy.variables.set(name, value);
    copy.exported.clear();
    for (const name of this.exported) copy.exported.add(name);
    try {
      return await run(copy);
    } catch (error) {
      if (error instanceof ShellExit) return error.code;
      if (error instanceof LoopJump) return 0;
      throw error;
    }
  }

  async #command(command: Command, streams: Streams, tested: boolean): Promise<number> {
    const opened: (Source | Sink)[] = [];
    try {
      const own = await redirected(command.redirects, streams, {
        opened,
        view: this.call.view,
        cwd: this.cwd,
        expand: (word) => expandText(word, this.#expansion(streams)),
      });
      return await this.#compound(command, own, tested);
    } catch (error) {
      if (!(error instanceof Trouble || error instanceof ViewError)) throw error;
      await print(streams.stderr, `${this.name}: ${messageOf(error)}\n`);
      return error instanceof Trouble ? error.code : 1;
    } finally {
      for (const stream of opened) stream.close();
    }
  }

  async #compound(command: Command, streams: Streams, tested: boolean): Promise<number> {
    switch (command.is) {
      case "simple":
        return await this.#simple(command, streams);
      case "group":
        return command.apart
          ? await this.#apart((shell) => shell.list(command.body, streams, tested))
          : await this.list(command.body, streams, tested);
      case "if":
        for (const { test, body } of command.branches) {
          if (await this.list(test, streams, true) === 0) {
            return await this.list(body, streams, tested);
          }
        }
        this.code = 0;
        return await this.list(command.otherwise, streams, tested);
      case "while":
        return await this.#loop(
          async () => await this.list(command.test, streams, true) === 0,
          () => this.list(command.body, streams, tested),
        );
      case "for": {
        const values = await this.#expand(command.words ?? [], streams);
        const all = command.words === undefined ? this.args : values;
        let at = 0;
        return await this.#loop(() => {
          if (at === all.length) return Promise.resolve(false);
          this.variables.set(command.name, all[at++]!);
          return Promise.resolve(true);
        }, () => this.list(command.body, streams, tested));
      }
    }
  }

  async #loop(goesOn: () => Promise<boolean>, body: () => Promise<number>): Promise<number> {
    let code = 0;
    while (await goesOn()) {
      try {
        code = await body();
      } catch (error) {
        if (!(error instanceof LoopJump)) throw error;
        code = 0;
        if (error.levels > 1) {
          error.levels--;
          throw error;
        }
        if (error.how === "break") break;
      }
      // Nothing else in this process could run while a loop that waits for nothing goes round.
      await new Promise((resolve) => setTimeout(resolve));
    }
    return this.code = code;
  }

  async #simple(
    { assigns, words }: Extract<Command, { is: "simple" }>,
    streams: Streams,
  ): Promise<number> {
    const before = this.code;
    const argv = await this.#expand(words, streams);
    const values = new Map<string, string>();
    this.code = 0;
    for (const { name, value } of assigns) {
      values.set(name, await expandText(value, this.#expansion(streams)));
    }
    const [name, ...args] = argv;
    if (name === undefined) {
      for (const [key, value] of values) this.variables.set(key, value);
      return this.code; // of a command whose output was assigned
    }
    this.code = before;
    const special = SPECIAL_COMMANDS.get(name);
    if (special !== undefined) {
      for (const [key, value] of values) this.variables.set(key, value);
      return await special(this, args, streams);
    }
    const env = new Map([...this.variables].filter(([key]) => this.exported.has(key)));
    for (const [key, value] of values) env.set(key, value);
    const code = await this.run({ ...this.call, ...streams, name, args, env, cwd: this.cwd });
    // It is a part of other shells, and the signal would end them: a loop around it must not go on for ever.
    if (name === "echo" && code === BROKEN_PIPE) throw new ShellExit(code);
    return code;
  }

  async #expand(words: readonly Word[], streams: Streams): Promise<string[]> {
    const all: string[] = [];
    for (const word of words) {
      // One by one: they may be more than a call takes arguments.
      for (const text of await expandWord(word, this.#expansion(streams))) all.push(text);
    }
    return all;
  }

  #expansion(streams: Streams): Expansion {
    return {
      args: this.args,
      files: { view: this.call.view, cwd: this.cwd },
      value: (name) => this.#value(name),
      output: (list) => this.#output(list, streams),
    };
  }

  #value(name: string): string | undefined {
    if (name === "?") return String(this.code);
    if (name === "#") return String(this.args.length);
    if (name === "$") return "1";
    if (name === "0") return this.name;
    if (/^\d+$/.test(name)) return this.args[Number(name) - 1];
    return this.variables.get(name);
  }

  async #output(list: List, streams: Streams): Promise<string> {
    const parts: Bytes[] = [];
    let length = 0;
    const stdout: Sink = {
      write(bytes): Promise<void> {
        length += bytes.length;
        if (length > OUTPUT_BYTES_MAX) {
          return Promise.reject(new Trouble(`$(…) is larger than ${OUTPUT_BYTES_MAX} bytes`));
        }
        parts.push(bytes.slice());
        return Promise.resolve();
      },
      close: () => {},
    };
    this.code = await this.#apart((shell) => shell.list(list, { ...streams, stdout }));
    return new TextDecoder().decode(joined(parts, length));
  }
}
