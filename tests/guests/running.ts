/**
 * Guests that run beside a test, as processes of `wasi/cli.ts`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../wasi/cli.ts", import.meta.url));

/** Where guests serve in tests. */
export const LOCAL = "127.0.0.1";

/** A guest that runs; everything that it says is read along. */
export class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  #said = "";

  /** `flags` are for the host, `args` for the guest; with `stderr` piped, its errors are what it says. */
  constructor(
    path: string,
    { flags, args, stderr = "inherit" }: {
      flags: readonly string[];
      args: readonly string[];
      stderr?: "inherit" | "piped";
    },
  ) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", CLI, ...flags, path, ...args],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr,
    }).spawn();
    const said = stderr === "piped" ? this.#child.stderr : this.#child.stdout;
    if (stderr === "piped") void this.#child.stdout.cancel();
    this.#output = said.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Waits until it has said something. */
  async says(text: string): Promise<void> {
    while (!this.#said.includes(text)) await this.#read(text);
  }

  /** Waits until what it has said fits, and answers the match. */
  async matches(pattern: RegExp): Promise<RegExpMatchArray> {
    while (true) {
      const match = this.#said.match(pattern);
      if (match !== null) return match;
      await this.#read(pattern);
    }
  }

  async #read(wanted: string | RegExp): Promise<void> {
    const { done, value } = await this.#output.read();
    if (done) throw new Error(`Cannot find "${wanted}": the guest ended, and said ${this.#said}`);
    this.#said += value;
  }

  /** Everything that it said until its end, and its exit code. */
  async end(): Promise<{ code: number; said: string }> {
    while (true) {
      const { done, value } = await this.#output.read();
      if (done) break;
      this.#said += value;
    }
    const { code } = await this.#child.status;
    return { code, said: this.#said };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await this.#child.status;
    await this.#output.cancel();
  }
}

/** A port that nobody listens on. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: LOCAL, port: 0 });
  return listener.addr.port;
}
