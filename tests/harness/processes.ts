/**
 * Starts programs whose output goes to a file.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { GiveUp } from "./eventually.ts";
import { disown, own } from "./reaper.ts";

/** How long a program may take to end after SIGTERM, before SIGKILL. */
const STOP_MS = 20_000;
/** Lines of a log that a failure shows. */
const TAIL_LINES_MAX = 60;

/** How a process has ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A process that was started by a test, and its log. */
export class Process implements AsyncDisposable {
  readonly name: string;
  readonly logPath: string;
  /** Settles when the process has ended. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  #ending: Ending | undefined;

  constructor(name: string, logPath: string, child: ChildProcess) {
    this.name = name;
    this.logPath = logPath;
    this.#child = child;
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#ending = { code: null, signal: error.message };
        resolve(this.#ending);
      });
      child.once("exit", (code, signal) => {
        this.#ending = { code, signal };
        resolve(this.#ending);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Undefined while it runs. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Sends a signal; nothing happens if the process has ended. */
  signal(name: "SIGTERM" | "SIGKILL" | "SIGINT" | "SIGSTOP" | "SIGCONT"): void {
    // Not by the child's own method: it would report the signal as the ending, whatever the ending.
    if (this.#ending === undefined) Deno.kill(this.pid, name);
  }

  /** Asks it to end, and makes it end. */
  async stop(): Promise<Ending> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), STOP_MS);
    try {
      return await this.ended;
    } finally {
      clearTimeout(timer);
      await disown(this.pid);
    }
  }

  async log(): Promise<string> {
    return await Deno.readTextFile(this.logPath);
  }

  async tail(): Promise<string> {
    const lines = (await this.log()).trimEnd().split("\n").slice(-TAIL_LINES_MAX);
    return [`--- ${this.name}: ${this.logPath}`, ...lines, "---"].join("\n");
  }

  /** Ends a wait for something that this process would have to do, if it has ended. */
  async mustRun(): Promise<void> {
    if (this.#ending === undefined) return;
    const { code, signal } = this.#ending;
    throw new GiveUp(`${this.name} has ended (code ${code}, ${signal})\n${await this.tail()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts a program. Its output is appended to `logPath`; its input is empty. */
export async function startProcess(
  command: readonly [string, ...string[]],
  options: {
    readonly name: string;
    readonly logPath: string;
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<Process> {
  const { name, logPath, cwd, env = {} } = options;
  const [program, ...args] = command;
  const log = openSync(logPath, "a", 0o600);
  try {
    const child = spawn(program, args, {
      stdio: ["ignore", log, log],
      env: { ...Deno.env.toObject(), ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    const started = new Process(name, logPath, child);
    if (child.pid !== undefined) await own(child.pid);
    return started;
  } finally {
    closeSync(log);
  }
}
