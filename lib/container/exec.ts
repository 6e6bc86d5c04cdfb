/**
 * Programs beside a container's own.
 *
 * @module
 */
import { termination } from "../exit.ts";
import type { ImageOnDisk } from "../images/images.ts";
import type { ExecOutcome } from "../probes/attempt.ts";
import { OUTPUT_BYTES_MAX } from "../probes/limits.ts";
import type { ContainerRun, Provider } from "../provider.ts";
import { findProgram } from "./program.ts";

/** A run that is under way, and the image that it came from. */
export interface RunningContainer {
  readonly run: ContainerRun;
  readonly image: ImageOnDisk;
}

/**
 * Runs a command in a container, and keeps the beginning of what it writes. A module without a file system
 * is its container's only program: it gets the command as its argv, whatever that names.
 *
 * Rejects if there is no such program, or none can be run.
 */
export async function execAndKeep(
  provider: Provider,
  { run, image }: RunningContainer,
  { command, signal }: { readonly command: readonly string[]; readonly signal: AbortSignal },
): Promise<ExecOutcome> {
  if (provider.exec === undefined) {
    throw new Error("this node's runtime runs no programs beside a container's own");
  }
  const module = findProgram(image, {
    name: command[0],
    path: run.env["PATH"],
    workingDir: run.workingDir ?? "/",
  });
  const kept = new Uint8Array(OUTPUT_BYTES_MAX);
  let length = 0;
  const exit = await provider.exec({ container: run, module, argv: command }, {
    kill: signal,
    onOutput: (_stream, bytes): void => {
      const piece = bytes.subarray(0, kept.length - length);
      kept.set(piece, length);
      length += piece.length;
    },
  });
  const output = new TextDecoder().decode(kept.subarray(0, length));
  if (exit.kind === "killed") return { exitCode: undefined, output };
  const { exitCode, message } = termination(exit);
  return { exitCode, output: output === "" ? message : output };
}
