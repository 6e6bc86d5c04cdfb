import type { HostKind } from "../host/host.ts";
import { type AddressRule, allowByRules } from "../network/rules.ts";
import type { Listener, Preopen } from "../options.ts";

/** What `--help` prints. */
export const HELP = `Usage: deno run -A wasi/cli.ts [OPTIONS] FILE.wasm [ARGS...]

Runs a WASI preview 1 program. Options before FILE belong to this command, the rest to the program.

  --dir HOST::GUEST[:ro]  Let the program see a folder of this machine under GUEST; :ro: unchanged
  --dir HOST[:ro]         The same under its own name
  --env NAME=VALUE        Set a variable of the program's environment
  --stdin FILE            Standard input is this file, not this command's own
  --tcplisten HOST:PORT   Listen here, and hand the program the listener as an open descriptor
  --allow-net[=RULES]     Let the program use the network: everything, or comma-separated addresses,
                          each as ADDRESS, ADDRESS/BITS or with :PORT, as 127.0.0.1:80 or [::]:80
  --max-memory BYTES      Memory that the program can have; K, M, G and Ki, Mi, Gi are understood
  --invoke NAME           Call this exported function with ARGS as numbers, and print what it returns
  --trace=wasi            Print each call with its arguments and result on stderr
  --host libc|portable    How to reach the operating system (default: the fastest that works)
  --help                  Print this

Exit code: the program's own; 134 if it trapped; 125 if it could not be started.`;

/** A command line that says something to run. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly preopens: readonly Preopen[];
  readonly listeners: readonly Listener[];
  readonly addressRules: readonly AddressRule[];
  /** Path of the file that is standard input; without it, standard input is inherited. */
  readonly stdin?: string;
  readonly memoryBytesMax?: number;
  /** The exported function to call instead of running the program. */
  readonly invoke?: string;
  readonly trace: boolean;
  readonly host?: HostKind;
}

/** A command line that cannot be followed, or a file that cannot be read. */
export class CliError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "CliError";
}

/** What the options before FILE have said so far. */
interface Said {
  readonly env: [string, string][];
  readonly preopens: Preopen[];
  readonly listeners: Listener[];
  readonly addressRules: AddressRule[];
  stdin?: string;
  memoryBytesMax?: number;
  invoke?: string;
  trace: boolean;
  host?: HostKind;
}

const OPTIONS: Readonly<Record<string, (said: Said, value: string) => void>> = {
  "--dir": (said, value) => said.preopens.push(parseDir(value)),
  "--env": (said, value) => said.env.push(parseVariable(value)),
  "--stdin": (said, value) => said.stdin = value,
  "--tcplisten": (said, value) => said.listeners.push(parseAddress(value)),
  "--allow-net": (said, value) => said.addressRules.push(...parseRules(value)),
  "--max-memory": (said, value) => said.memoryBytesMax = parseBytes(value),
  "--invoke": (said, value) => said.invoke = value,
  "--trace": (said, value) => said.trace = parseTrace(value),
  "--host": (said, value) => said.host = parseHost(value),
};

/** Options that need no value; one follows a `=`. */
const ALONE: ReadonlySet<string> = new Set(["--allow-net"]);

/** Understands a command line; throws {@linkcode CliError} for one that it does not. */
export function parseCommand(args: readonly string[]): Command | "help" {
  const said: Said = { env: [], preopens: [], listeners: [], addressRules: [], trace: false };
  const rest = [...args];
  while (rest[0]?.startsWith("-")) {
    const [option, inline] = splitAt(rest.shift()!, "=");
    if (option === "--help" || option === "-h") return "help";
    if (option === "--") break;
    if (!Object.hasOwn(OPTIONS, option)) {
      throw new CliError(`Cannot use option "${option}": it is unknown. See --help`);
    }
    const value = inline ?? (ALONE.has(option) ? "" : rest.shift());
    if (value === undefined) {
      throw new CliError(`Cannot use option "${option}": a value must follow`);
    }
    OPTIONS[option]!(said, value);
  }
  const file = rest.shift();
  if (file === undefined) throw new CliError("Cannot run: no FILE.wasm was named. See --help");
  return { ...said, file, args: rest, env: Object.fromEntries(said.env) };
}

function parseDir(value: string): Preopen {
  const readOnly = value.endsWith(":ro");
  const [hostPath, guestPath = hostPath] = splitAt(readOnly ? value.slice(0, -3) : value, "::");
  if (hostPath === "" || guestPath === "") {
    throw new CliError(`Cannot preopen "${value}": write it as HOST::GUEST or HOST::GUEST:ro`);
  }
  return { hostPath, guestPath, readOnly };
}

function parseVariable(value: string): [string, string] {
  const [name, text] = splitAt(value, "=");
  if (text !== undefined) return [name, text];
  throw new CliError(`Cannot set variable "${value}": write it as NAME=VALUE`);
}

const PORT_MAX = 65_535;

function parseAddress(value: string): Listener {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(value) ?? [];
  const port = Number(digits ?? NaN);
  const hostname = bracketed ?? plain;
  if (hostname !== undefined && hostname !== "" && port <= PORT_MAX) return { hostname, port };
  throw new CliError(`Cannot listen on "${value}": write it as HOST:PORT or [IPV6]:PORT`);
}

/** Without rules everything is allowed. A name can be resolved if anything is allowed. */
function parseRules(value: string): AddressRule[] {
  if (value === "") return [{}];
  const rules = value.split(",").map((text): AddressRule => {
    const pattern = /^(?:\[([^\]]+)\]|([^:]+|[^:]*:[^:]*:[^\]]*))(?::(\d{1,5}))?$/;
    const [, bracketed, plain, digits] = pattern.exec(text) ?? [];
    const block = bracketed ?? plain;
    if (block === undefined || Number(digits ?? 0) > PORT_MAX) {
      throw new CliError(
        `Cannot allow "${text}": write it as ADDRESS, ADDRESS/BITS, ADDRESS:PORT or [IPV6]:PORT`,
      );
    }
    return { block, ...(digits === undefined ? {} : { port: Number(digits) }) };
  });
  try {
    allowByRules(rules);
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  return [...rules, { purpose: "resolve" }];
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  "": 1,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

function parseBytes(value: string): number {
  const [, count, unit] = /^(\d+)([KMG]i?|)$/.exec(value) ?? [];
  const bytes = Number(count ?? NaN) * (UNIT_BYTES[unit ?? ""] ?? NaN);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new CliError(
    `Cannot limit memory to "${value}": write a number of bytes, as 1048576, 64M or 64Mi`,
  );
}

function parseTrace(value: string): true {
  if (value === "wasi") return true;
  throw new CliError(`Cannot trace "${value}": only wasi can be traced`);
}

function parseHost(value: string): HostKind {
  if (value === "libc" || value === "portable") return value;
  throw new CliError(`Cannot use host "${value}": it is neither libc nor portable`);
}

function splitAt(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
