/**
 * What a compiled binary would be, run by the full runtime: the same bundle, permissions and flags behind one
 * command. All that it does not have is the base runtime itself.
 *
 * @module
 */
import { join } from "node:path";
import { bundle } from "../package/bundle.ts";
import { writeProgram } from "../package/write_program.ts";
import { compileArguments, type TargetName } from "./settings.ts";

/** Arguments that only `deno compile` takes; what `deno run` calls otherwise follows from them. */
const COMPILE_ONLY = ["--include", "--target", "--output"];

/** Makes it in a folder, and answers the path of the command. There must be a shell: not on Windows. */
export async function makeStandIn(folder: string, target: TargetName): Promise<string> {
  await writeProgram(folder, await bundle());
  const args = runArguments(compileArguments(target, "krustlet"));
  const command = join(folder, "krustlet");
  const words = [Deno.execPath(), ...args, join(folder, "main.js")].map((word) => `'${word}'`);
  await Deno.writeTextFile(command, `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`, { mode: 0o755 });
  return command;
}

/** The arguments of `deno run` that have the same effects as these of `deno compile`. */
export function runArguments(args: readonly string[]): string[] {
  const kept = args.slice(1, -1).filter((arg, index, all) =>
    !COMPILE_ONLY.includes(arg) && !COMPILE_ONLY.includes(all[index - 1] ?? "")
  );
  return ["run", "--quiet", ...kept];
}
