/**
 * Programs beside a container's own.
 *
 * @module
 */
import { isKubeletError, KubeletError, messageOf } from "../errors.ts";
import { type Exit, termination } from "../exit.ts";
import type { ImageOnDisk } from "../images/images.ts";
import type { ExecOutcome } from "../probes/attempt.ts";
import { OUTPUT_BYTES_MAX } from "../probes/limits.ts";
import type { ContainerExec, ContainerRun, Provider } from "../provider.ts";
import { findProgram } from "./program.ts";

/** A run that is under way, and the image that it came from. */
export interface RunningContainer {
  readonly run: ContainerRun;
  readonly image: ImageOnDisk;
}

/**
 * Runs a command in a container, and keeps the beginning of what it writes.
 *
 * Rejects if there is no such program, or none can be run.
 */
export async function execAndKeep(
  provider: Provider,
  running: RunningContainer,
  { command, signal }: { readonly command: readonly string[]; readonly signal: AbortSignal },
): Promise<ExecOutcome> {
  const kept = new Uint8Array(OUTPUT_BYTES_MAX);
  let length = 0;
  let missing = false;
  const exit = await execOf(provider)(programOf(running, command), {
    kill: signal,
    onMissing: () => {
      missing = true;
    },
    onOutput: (_stream, bytes): void => {
      const piece = bytes.subarray(0, kept.length - length);
      kept.set(piece, length);
      length += piece.length;
    },
  });
  const output = new TextDecoder().decode(kept.subarray(0, length));
  if (missing) throw new KubeletError("entrypoint", output.trim());
  if (exit.kind === "killed") return { exitCode: undefined, output };
  const { exitCode, message } = termination(exit);
  return { exitCode, output: output === "" ? message : output };
}

/** The backend's way to run programs; throws if it has none. */
export function execOf(provider: Provider): NonNullable<Provider["exec"]> {
  if (provider.exec === undefined) {
    throw new Error("this node's runtime runs no programs beside a container's own");
  }
  return provider.exec.bind(provider);
}

/**
 * What a command stands for in a container. A program of the image comes first. Everything else is left to
 * the backend: what lies in the container's view, then its builtins; and for an image that is a module and
 * nothing else, that module, which gets the command as its argv, whatever it names.
 */
export function programOf(
  { run, image }: RunningContainer,
  command: readonly string[],
): ContainerExec {
  const [name] = command;
  const program = { container: run, argv: command };
  if (image.module !== undefined) {
    return namesModule(name, { run, image })
      ? { ...program, module: image.module }
      : { ...program, otherwise: image.module };
  }
  try {
    const { workingDir = "/" } = run;
    const module = findProgram(image, { name, path: run.env["PATH"], workingDir });
    return { ...program, module };
  } catch (error) {
    if (isKubeletError(error, "entrypoint")) return program;
    throw error;
  }
}

/** True for what the container's own program goes by. */
function namesModule(name: string | undefined, { run, image }: RunningContainer): boolean {
  if (name === undefined) return true;
  const plain = (path: string): string =>
    path.slice(path.lastIndexOf("/") + 1).replace(/\.wasm$/, "");
  return [run.argv[0], image.moduleName].some((own) =>
    own !== undefined && plain(own) === plain(name)
  );
}

/** What a program's caller is told of how it ended, in words if there is more than a code. */
export function endOf(exit: Exit): { readonly code: number; readonly message: string } {
  const { exitCode, message } = termination(exit);
  return { code: exitCode, message };
}

/** An error of an exec as its caller is told of it. */
export function execFailure(error: unknown): string {
  return `error executing command in container: ${messageOf(error)}`;
}
