/**
 * The process of one guest, as its parent sees it.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { ContainerRun, Exit } from "../../lib/mod.ts";

const PROGRAM = fileURLToPath(new URL("guest_main.ts", import.meta.url));

/** What the process is told to run. */
export interface GuestJob {
  /** Path of the module. */
  readonly module: string;
  /** argv, the program's name first. */
  readonly argv: readonly string[];
  /** All that the guest sees of an environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Folders of the machine by the guest's name for them. */
  readonly preopens: Readonly<Record<string, string>>;
}

/** What the process says: that the guest begins, and how it has ended. */
export type GuestWord = { readonly kind: "started" } | Exit;

/** How a process ended. `word` is absent if it was killed, or has crashed. */
export interface GuestEnding {
  readonly word?: Exit;
  readonly signal?: string;
}

/** A guest under way. */
export interface GuestProcess {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when the process is gone and all it said was heard. To be called once. */
  ended(onStarted: () => void): Promise<GuestEnding>;
  /** Sends SIGKILL. */
  kill(): void;
}

// #region start
/** Starts a process that can read the module and the container's folders, and write the folders. */
export function startGuest(run: ContainerRun): GuestProcess {
  const preopens = Object.fromEntries(
    [{ guestPath: "/", hostPath: run.rootPath }, ...run.mounts]
      .map(({ guestPath, hostPath }) => [guestPath, hostPath]),
  );
  const folders = Object.values(preopens);
  const child = spawn(Deno.execPath(), [
    ...["run", "--no-config", "--no-prompt", "--no-remote", "--no-npm"],
    `--allow-read=${permitted([run.module.path, ...folders])}`,
    `--allow-write=${permitted(folders)}`,
    PROGRAM,
  ], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    // Nothing of the agent's environment: there may be secrets in it.
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  });
  child.send({ module: run.module.path, argv: run.argv, env: run.env, preopens }, () => {});
  return {
    stdout: child.stdout!,
    stderr: child.stderr!,
    ended: (onStarted) => endingOf(child, onStarted),
    kill: () => void child.kill("SIGKILL"),
  };
}
// #endregion start

async function endingOf(child: ChildProcess, onStarted: () => void): Promise<GuestEnding> {
  let word: Exit | undefined;
  child.on("message", (heard) => {
    const said = heard as GuestWord;
    if (said.kind === "started") onStarted();
    else word = said;
  });
  // "close" comes behind the last message and the last byte; "exit" may come before them.
  const [, signal] = await once(child, "close") as [number | null, string | null];
  return { ...(word === undefined ? {} : { word }), ...(signal === null ? {} : { signal }) };
}

// In Deno's lists of paths a comma is written twice.
function permitted(paths: readonly string[]): string {
  return paths.map((path) => path.replaceAll(",", ",,")).join(",");
}
