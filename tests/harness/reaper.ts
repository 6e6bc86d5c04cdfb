/**
 * Sees to it that nothing outlives the tests.
 *
 * @module
 */
import { goProgram } from "../parts/go_program.ts";

let input: Promise<WritableStreamDefaultWriter<Uint8Array>> | undefined;

/**
 * Hands a process (by its id) or a temporary folder (by its absolute path) to the reaper, which ends
 * it when this process ends, even by SIGKILL.
 */
export async function own(thing: number | string): Promise<void> {
  input ??= startReaper();
  await tell(`+${thing}\n`);
}

/** Tells the reaper that something has ended or was deleted in good order. */
export async function disown(thing: number | string): Promise<void> {
  await tell(`-${thing}\n`);
}

async function tell(line: string): Promise<void> {
  await (await input)?.write(new TextEncoder().encode(line));
}

/** One for each test file. It ends when its input does, which the end of this process brings about. */
async function startReaper(): Promise<WritableStreamDefaultWriter<Uint8Array>> {
  const child = new Deno.Command(await goProgram("aide"), {
    args: ["reap"],
    stdin: "piped",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  child.unref();
  return child.stdin.getWriter();
}
