/**
 * Runs the program under test as a command that ends.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/**
 * The words that start the program: `main.ts` under this Deno, or `$KRUSTLET_TEST_PROGRAM`. A module may be
 * loaded before it in the same process ({@linkcode mayPreload}).
 */
export function krustletCommand(preload?: string): readonly [string, ...string[]] {
  const program = Deno.env.get("KRUSTLET_TEST_PROGRAM");
  if (program) return [program];
  const before = preload === undefined ? [] : ["--preload", preload];
  return [Deno.execPath(), "run", ...before, "-A", MAIN];
}

/** False for a program that is compiled: nothing is loaded before it. */
export function mayPreload(): boolean {
  return !Deno.env.get("KRUSTLET_TEST_PROGRAM");
}

/** How a command ended, and what it said. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it to its end, or to the end of `signal`, which sends SIGTERM. */
export async function runKrustlet(
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
    readonly signal?: AbortSignal;
  } = {},
): Promise<CommandResult> {
  const { env = {}, ...rest } = options;
  const [program, ...first] = krustletCommand();
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...first, ...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    ...rest,
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
