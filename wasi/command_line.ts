import type { HostKind } from "./host/host.ts";
import type { Preopen } from "./options.ts";

/** What `--help` prints. */
export const HELP = `Usage: deno run -A wasi/cli.ts [OPTIONS] FILE.wasm [ARGS...]

Runs a WASI preview 1 program. Options before FILE belong to this command, the rest to the program.

  --dir HOST::GUEST[:ro]  Let the program see a folder of this machine under GUEST; :ro: unchanged
  --dir HOST[:ro]         The same under its own name
  --env NAME=VALUE        Set a variable of the program's environment
  --host libc|portable    How to reach the operating system (default: the fastest that works)
  --help                  Print this

Exit code: the program's own; 134 if it trapped; 125 if it could not be started.`;

/** A command line that says something to run. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly preopens: readonly Preopen[];
  readonly host?: HostKind;
}

/** A command line that cannot be followed, or a file that cannot be read. */
export class CliError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "CliError";
}

/** Understands a command line; throws {@linkcode CliError} for one that it does not. */
export function parseCommand(args: readonly string[]): Command | "help" {
  const env: Record<string, string> = {};
  const preopens: Preopen[] = [];
  let host: HostKind | undefined;
  const rest = [...args];
  while (rest[0]?.startsWith("-")) {
    const [option, inline] = splitAt(rest.shift()!, "=");
    if (option === "--help" || option === "-h") return "help";
    if (option === "--") break;
    if (option !== "--dir" && option !== "--env" && option !== "--host") {
      throw new CliError(`Cannot use option "${option}": it is unknown. See --help`);
    }
    const value = inline ?? rest.shift();
    if (value === undefined) {
      throw new CliError(`Cannot use option "${option}": a value must follow`);
    }
    if (option === "--dir") preopens.push(parseDir(value));
    else if (option === "--host") host = parseHost(value);
    else {
      const [name, text] = splitAt(value, "=");
      if (text === undefined) {
        throw new CliError(`Cannot set variable "${value}": write it as NAME=VALUE`);
      }
      env[name] = text;
    }
  }
  const file = rest.shift();
  if (file === undefined) throw new CliError("Cannot run: no FILE.wasm was named. See --help");
  return { file, args: rest, env, preopens, ...(host === undefined ? {} : { host }) };
}

function parseDir(value: string): Preopen {
  const readOnly = value.endsWith(":ro");
  const [hostPath, guestPath = hostPath] = splitAt(readOnly ? value.slice(0, -3) : value, "::");
  if (hostPath === "" || guestPath === "") {
    throw new CliError(`Cannot preopen "${value}": write it as HOST::GUEST or HOST::GUEST:ro`);
  }
  return { hostPath, guestPath, readOnly };
}

function parseHost(value: string): HostKind {
  if (value === "libc" || value === "portable") return value;
  throw new CliError(`Cannot use host "${value}": it is neither libc nor portable`);
}

function splitAt(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
