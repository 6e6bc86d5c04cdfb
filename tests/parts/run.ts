/**
 * Runs a tool of the build.
 *
 * @module
 */

/** Lines of a failing tool's output that its error repeats. */
const ERROR_LINES_MAX = 40;

/**
 * Runs `command` to its end and answers its standard output.
 *
 * @throws {Error} with the end of the tool's words if it fails, or cannot be started.
 */
export async function runTool(
  command: readonly [string, ...string[]],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const [program, ...args] = command;
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, { args, stdin: "null", ...options }).output();
  } catch (error) {
    throw new Error(`Cannot run "${program}": ${error instanceof Error ? error.message : error}`);
  }
  const decoder = new TextDecoder();
  if (!output.success) {
    const said = decoder.decode(output.stderr) + decoder.decode(output.stdout);
    throw new Error(
      `Cannot run "${command.join(" ")}": it ended with code ${output.code}\n${
        said.trimEnd().split("\n").slice(-ERROR_LINES_MAX).join("\n")
      }`,
    );
  }
  return decoder.decode(output.stdout);
}

/** Runs a tool only to see whether it is there. */
export async function toolWorks(command: readonly [string, ...string[]]): Promise<boolean> {
  return await runTool(command).then(() => true, () => false);
}

/** Tells a person what is being waited for, now and every half minute, and how long it took. */
export async function withProgress<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const seconds = (): string => `${Math.round((performance.now() - startMs) / 1_000)} s`;
  console.error(`parts: building ${what}`);
  const timer = setInterval(
    () => console.error(`parts: still building ${what}, ${seconds()}`),
    30_000,
  );
  try {
    const result = await work();
    console.error(`parts: built ${what} in ${seconds()}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
