import { type BuiltinCall, messageOf, pathOf, print, Trouble } from "./call.ts";
import { openInput } from "./cat.ts";
import { joined } from "./lines.ts";
import { LineInput } from "./shell/line_input.ts";
import { parseScript, SCRIPT_CHARS_MAX } from "./shell/parser.ts";
import { ShellExit } from "./shell/jumps.ts";
import { type RunProgram, Shell } from "./shell/shell.ts";
import type { Streams } from "./shell/state.ts";
import { type List, ShellSyntaxError } from "./shell/syntax.ts";
import type { Bytes } from "./streams.ts";

/** A shell's code for a script that makes no sense. */
const SYNTAX = 2;

/** `sh [-e] [-c SCRIPT [NAME [ARG...]] | FILE [ARG...]]`; without either, commands from standard input. */
export async function sh(call: BuiltinCall, run: RunProgram): Promise<number> {
  const args = [...call.args];
  let [script, exitsOnError] = [undefined as string | undefined, false];
  while (args[0]?.startsWith("-") === true && args[0] !== "-") {
    const letters = args.shift()!;
    if (letters === "--") break;
    for (const letter of letters.slice(1)) {
      if (letter === "c") script = args.shift();
      else if (letter === "e") exitsOnError = true;
      else if (!"il".includes(letter)) throw new Trouble(`there is no "-${letter}" here`, SYNTAX);
    }
    if (letters.includes("c")) {
      if (script === undefined) throw new Trouble("-c needs a script", SYNTAX);
      break;
    }
  }
  const [name = call.name, ...rest] = args;
  const shell = new Shell({ call, run, name, args: rest });
  shell.exitsOnError = exitsOnError;
  const stdin = new LineInput(call.stdin);
  const streams: Streams = { stdin, stdout: call.stdout, stderr: call.stderr };
  try {
    if (script === undefined && args.length > 0) script = await scriptIn(call, name);
    if (script === undefined) return await converse(shell, { ...streams, stdin });
    return await shell.list(parseScript(script), streams);
  } catch (error) {
    if (error instanceof ShellExit) return error.code;
    if (!(error instanceof ShellSyntaxError)) throw error;
    await print(call.stderr, `${name}: ${error.message}\n`);
    return SYNTAX;
  }
}

async function scriptIn(call: BuiltinCall, name: string): Promise<string> {
  const source = openInput(call, name);
  const parts: Bytes[] = [];
  let length = 0;
  try {
    for (let bytes = await source.read(); bytes !== undefined; bytes = await source.read()) {
      length += bytes.length;
      if (length > SCRIPT_CHARS_MAX) throw new Trouble(`"${pathOf(call, name)}" is too long`);
      parts.push(bytes.slice());
    }
  } catch (error) {
    throw new Trouble(`cannot open "${name}": ${messageOf(error)}`, 127);
  } finally {
    source.close();
  }
  return new TextDecoder().decode(joined(parts, length));
}

/** Runs line by line, and asks for more while a command is not complete. */
async function converse(shell: Shell, streams: Streams & { stdin: LineInput }): Promise<number> {
  const prompt = async (text: string): Promise<void> => {
    if (shell.call.tty) await print(streams.stdout, text);
  };
  for (let text = "";;) {
    await prompt(text === "" ? `${shell.cwd} # ` : "> ");
    const line = await streams.stdin.line();
    if (line === undefined) {
      await prompt("\n");
      if (text !== "") parseScript(text); // which says what is missing
      return shell.code;
    }
    text += `${line}\n`;
    const list = await parsed(text, { shell, streams });
    if (list === "incomplete") continue;
    text = "";
    if (list !== undefined) await shell.list(list, streams);
  }
}

async function parsed(
  text: string,
  { shell, streams }: { readonly shell: Shell; readonly streams: Streams },
): Promise<List | "incomplete" | undefined> {
  try {
    return parseScript(text);
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error;
    if (error.incomplete) return "incomplete";
    await print(streams.stderr, `${shell.name}: ${error.message}\n`);
    shell.code = SYNTAX;
    return undefined;
  }
}
