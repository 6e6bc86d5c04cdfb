import type { Exit } from "../../lib/mod.ts";
import { explainEnd, type ProcessEnd } from "./ending.ts";
import type { Launch } from "./launch.ts";
import {
  BOOT_MS_MAX,
  EXIT_MS_MAX,
  KILL_MS_MAX,
  STDERR_TAIL_BYTES_MAX,
  WORD_BYTES_MAX,
} from "./limits.ts";
import { encodeLine, type Order, parseWord, type Word } from "./protocol.ts";

/** How a run ended, and what its log lacks. */
export interface RunEnd {
  readonly exit: Exit;
  /** Bytes of output that could not be written. */
  readonly droppedLogBytes: number;
}

/** Who is told of a run's beginning, and who may end it. */
export interface GuestControl {
  /** Called once, right before the guest's first instruction. */
  onStarted(): void;
  /** Aborted when the process must be gone. */
  readonly kill: AbortSignal;
}

/** One guest process, seen from the agent: booted, warm, given one order, gone. */
export class GuestProcess {
  /** Settles when the process is gone and its last words are read; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: Deno.ChildProcess;
  readonly #words: AsyncGenerator<Word, void>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#words = readWords(child.stdout);
    const tail = readTail(child.stderr, STDERR_TAIL_BYTES_MAX);
    this.ended = child.status.then(async ({ code, signal }) => {
      return { code, signal, stderrTail: await tail };
    });
  }

  /**
   * Starts a process and waits until it is ready for an order.
   *
   * @throws If it cannot be started, ends early, or takes longer than {@linkcode BOOT_MS_MAX}; the
   * signal's reason if that is aborted. No process is left behind.
   */
  static async boot({ command, args, env }: Launch, signal: AbortSignal): Promise<GuestProcess> {
    signal.throwIfAborted();
    const process = new GuestProcess(
      new Deno.Command(command, {
        args: [...args],
        env: { ...env },
        clearEnv: true,
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
    const kill = () => process.kill();
    const timer = setTimeout(kill, BOOT_MS_MAX);
    signal.addEventListener("abort", kill);
    try {
      const first = await process.#words.next();
      if (!first.done && first.value.word === "ready" && !signal.aborted) {
        process.#child.unref();
        return process;
      }
      await process.end();
      signal.throwIfAborted();
      const why = explainEnd(await process.ended);
      throw new Error(`Cannot boot a guest process: ${"message" in why ? why.message : why.kind}`);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", kill);
    }
  }

  /** The operating system's number of this process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Sends SIGKILL. Harmless when the process is gone. */
  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended, which is what was wanted.
    }
  }

  /** Kills the process and waits until it is gone, at most {@linkcode KILL_MS_MAX}. */
  async end(): Promise<void> {
    this.kill();
    this.#child.ref(); // an agent that waits for the end must not end before it
    this.#child.stdin.close().catch(() => {}); // the reader may be gone
    const late = deadline(KILL_MS_MAX);
    await Promise.race([this.#drain(), late.passed]);
    late.clear();
    this.#child.unref();
  }

  /** Gives the one order that a process takes, and sees the guest through to its end. */
  async run(order: Order, control: GuestControl): Promise<RunEnd> {
    this.#child.ref();
    const killed = deadline();
    const onKill = () => {
      this.kill();
      killed.start(KILL_MS_MAX);
    };
    control.kill.addEventListener("abort", onKill);
    if (control.kill.aborted) onKill();
    try {
      const last = await Promise.race([this.#converse(order, control), killed.passed]);
      if (last !== undefined) return last;
      if (control.kill.aborted) return { exit: { kind: "killed" }, droppedLogBytes: 0 };
      return { exit: explainEnd(await this.ended), droppedLogBytes: 0 };
    } finally {
      control.kill.removeEventListener("abort", onKill);
      killed.clear();
      this.kill();
      this.#child.unref();
    }
  }

  /** Until the process is gone; `undefined` if it went without a last word. */
  async #converse(order: Order, control: GuestControl): Promise<RunEnd | undefined> {
    await this.#send(order);
    let last: RunEnd | undefined;
    const overdue = deadline();
    let started = false;
    try {
      for (let next = await this.#words.next(); !next.done; next = await this.#words.next()) {
        const said = next.value;
        if (said.word === "started" && !started) {
          started = true;
          if (!control.kill.aborted) control.onStarted();
        }
        if (said.word !== "exit") continue;
        last = { exit: said.exit, droppedLogBytes: said.droppedLogBytes };
        break;
      }
      overdue.start(EXIT_MS_MAX);
      void overdue.passed.then(() => this.kill());
      await this.#drain();
    } finally {
      overdue.clear();
    }
    return last;
  }

  async #send(order: Order): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    try {
      await writer.write(encodeLine(order));
      await writer.close();
    } catch {
      // The process is gone; its end tells why.
    } finally {
      writer.releaseLock();
    }
  }

  /** Reads what is left, so that nothing stays open, and waits for the end. */
  async #drain(): Promise<void> {
    while (!(await this.#words.next()).done);
    await this.ended;
  }
}

/** A wait with an end, which does not keep the agent alive. */
function deadline(ms?: number): {
  readonly passed: Promise<undefined>;
  start(ms: number): void;
  clear(): void;
} {
  const { promise: passed, resolve } = Promise.withResolvers<undefined>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = (ms: number) => {
    if (timer !== undefined) return;
    timer = setTimeout(() => resolve(undefined), ms);
    Deno.unrefTimer(timer);
  };
  if (ms !== undefined) start(ms);
  return { passed, start, clear: () => clearTimeout(timer) };
}

/** The words of a guest process, in order. Lines that are none, or too long, are passed over. */
async function* readWords(stdout: ReadableStream<Uint8Array>): AsyncGenerator<Word, void> {
  let line = "";
  const decoder = new TextDecoder();
  for await (const chunk of stdout) {
    line += decoder.decode(chunk, { stream: true });
    const lines = line.split("\n");
    line = lines.pop()!.slice(-WORD_BYTES_MAX);
    for (const complete of lines) {
      const word = parseWord(complete);
      if (word !== undefined) yield word;
    }
  }
}

/** Reads to the end and keeps the last bytes, as text. */
async function readTail(stream: ReadableStream<Uint8Array>, bytesMax: number): Promise<string> {
  let tail: Uint8Array = new Uint8Array(0);
  for await (const chunk of stream) {
    const joined = new Uint8Array(tail.length + chunk.length);
    joined.set(tail);
    joined.set(chunk, tail.length);
    tail = joined.subarray(Math.max(0, joined.length - bytesMax)).slice();
  }
  return new TextDecoder().decode(tail);
}
