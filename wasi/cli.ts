/**
 * Runs a WASI program: `deno run -A wasi/cli.ts [OPTIONS] FILE.wasm [ARGS…]`.
 *
 * @module
 */
import { basename } from "node:path";
import process from "node:process";
import { CliError, type Command, HELP, parseCommand } from "./command_line.ts";
import { compile, CompileError, LinkError, OptionsError, prepare } from "./mod.ts";

/** As a shell reports a program that ended by SIGABRT. */
const CODE_TRAPPED = 134;
/** As env(1) and timeout(1) report that they themselves failed. */
const CODE_FAILED = 125;

/** Runs what the command line says and answers the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const command = parseCommand(args);
    if (command === "help") {
      console.log(HELP);
      return 0;
    }
    return await runFile(command);
  } catch (error) {
    if (!isForPeople(error)) throw error;
    console.error(error.message);
    return CODE_FAILED;
  }
}

async function runFile({ file, args, env, preopens, host }: Command): Promise<number> {
  const guest = prepare(compile(read(file)), {
    args: [basename(file), ...args],
    env,
    preopens,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
    ...(host === undefined ? {} : { host }),
  });
  try {
    const outcome = await guest.run();
    if (outcome.kind === "exited") return outcome.code & 0xff;
    console.error(`${file} trapped: ${outcome.message}`);
    return CODE_TRAPPED;
  } finally {
    guest.dispose();
  }
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
    error instanceof LinkError || error instanceof OptionsError;
}

if (import.meta.main) process.exit(await main(Deno.args));
