import { basename } from "node:path";
import { CliError, type Command, HELP, parseCommand } from "./command_line.ts";
import {
  CompileError,
  compileGuest,
  LinkError,
  MemoryLimitError,
  OptionsError,
  prepare,
  type WasiOptions,
} from "../mod.ts";
import { hostsAddresses } from "../network/names.ts";
import { allowByRules } from "../network/rules.ts";

/** As a shell reports a program that ended by SIGABRT. */
const CODE_TRAPPED = 134;
/** As env(1) and timeout(1) report that they themselves failed. */
const CODE_FAILED = 125;

/** What is known of the process. */
export interface CliProcess {
  /** V8 reads the advice that is compiled into modules. */
  readonly takesAdvice: boolean;
}

/** Runs what the command line says and answers the exit code. */
export async function main(args: readonly string[], process: CliProcess): Promise<number> {
  try {
    const command = parseCommand(args);
    if (command === "help") {
      console.log(HELP);
      return 0;
    }
    return await runFile(command, process);
  } catch (error) {
    if (!isForPeople(error)) throw error;
    console.error(error.message);
    return CODE_FAILED;
  }
}

async function runFile(command: Command, { takesAdvice }: CliProcess): Promise<number> {
  const { file, args, invoke, memoryBytesMax } = command;
  const limits = memoryBytesMax === undefined ? {} : { memoryBytesMax };
  const { module, settleMs } = compileGuest(read(file), limits);
  const guest = await prepare(module, wasiOptions(command));
  if (takesAdvice) await settle(settleMs);
  try {
    const { outcome, results } = invoke === undefined
      ? { outcome: await guest.run(), results: [] }
      : await guest.call(invoke, args);
    for (const result of results) console.log(String(result));
    if (outcome.kind === "exited") return exitCode(outcome.code);
    console.error(`${file} trapped: ${outcome.message}`);
    return CODE_TRAPPED;
  } finally {
    guest.dispose();
  }
}

/** Lets the compiler finish what the module's hot loops need. */
async function settle(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}

function wasiOptions({ file, args, env, preopens, listeners, ...more }: Command): WasiOptions {
  return {
    args: [basename(file), ...args],
    env,
    preopens,
    listeners,
    stdin: more.stdin === undefined ? "inherit" : { file: more.stdin },
    stdout: "inherit",
    stderr: "inherit",
    library: more.invoke !== undefined,
    ...(more.addressRules.length === 0
      ? {}
      : { allowAddress: allowByRules(more.addressRules), lookup: lookUp }),
    ...(more.trace ? { trace: printTrace } : {}),
    ...(more.host === undefined ? {} : { host: more.host }),
  };
}

/** Names as `/etc/hosts` of this machine has them. A program that asks DNS does so by itself. */
function lookUp(name: string): readonly string[] {
  try {
    return hostsAddresses(Deno.readTextFileSync("/etc/hosts"), name);
  } catch {
    return []; // Windows has it elsewhere, and a permission may be missing
  }
}

const encoder = new TextEncoder();

/** At once and whole, so that the lines stand where they belong between the program's own. */
function printTrace(line: string): void {
  const bytes = encoder.encode(`${line}\n`);
  for (let written = 0; written < bytes.length;) {
    written += Deno.stderr.writeSync(bytes.subarray(written));
  }
}

/** A process can tell only the lowest 8 bits; a failure must not look like success for that. */
function exitCode(code: number): number {
  return (code & 0xff) || (code === 0 ? 0 : 1);
}

function read(file: string): Uint8Array {
  try {
    return Deno.readFileSync(file);
  } catch (error) {
    const state = error instanceof Error ? error.message : String(error);
    throw new CliError(`Cannot read module "${file}": ${state}`, { cause: error });
  }
}

function isForPeople(error: unknown): error is Error {
  return error instanceof CliError || error instanceof CompileError ||
    error instanceof LinkError || error instanceof MemoryLimitError ||
    error instanceof OptionsError;
}
