import { explainEnd, type ProcessEnd } from "./ending.ts";
import type { Launch } from "./launch.ts";
import {
  BOOT_MS_MAX,
  GUEST_OOM_SCORE,
  KILL_MS_MAX,
  READ_BYTES_MAX,
  READ_BYTES_MIN,
  SAID_BYTES_MAX,
  STDERR_TAIL_BYTES_MAX,
} from "./limits.ts";
import { WordReader } from "./word_reader.ts";
import { type Command, encodeLine, type Order, type Word } from "./protocol.ts";

/** A process that runs guests, seen from the agent: what both isolation classes have in common. */
export class GuestChild {
  /** Settles when the process is gone and its last words are read; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** What it says, in order, after `ready`. */
  readonly words: AsyncGenerator<Word, void>;
  readonly #child: Deno.ChildProcess;
  #sending: Promise<void> = Promise.resolve();
  #saidMax = SAID_BYTES_MAX;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    let flooded = false;
    const flood = (): void => {
      flooded = true;
      this.kill();
    };
    this.words = readWords(bounded(child.stdout, () => this.#saidMax, flood));
    const tail = readTail(
      bounded(child.stderr, () => SAID_BYTES_MAX, flood),
      STDERR_TAIL_BYTES_MAX,
    );
    this.ended = child.status.then(async ({ code, signal }) => {
      await child.stdin.close().catch(() => {}); // it may be closed already, or never be read
      const stderrTail = await tail;
      return { code, signal, stderrTail: flooded ? FLOODED : stderrTail };
    });
  }

  /**
   * Starts a process and waits until it is ready for an order.
   *
   * @throws If it cannot be started, ends early, or takes longer than {@linkcode BOOT_MS_MAX}; the
   * signal's reason if that is aborted. No process is left behind.
   */
  static async boot({ command, args, env }: Launch, signal: AbortSignal): Promise<GuestChild> {
    signal.throwIfAborted();
    const child = new GuestChild(
      new Deno.Command(command, {
        args: [...args],
        env: { ...env },
        clearEnv: true,
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
    const kill = () => child.kill();
    const timer = setTimeout(kill, BOOT_MS_MAX);
    signal.addEventListener("abort", kill);
    try {
      void preferAsVictim(child.pid);
      const first = await child.words.next();
      const word = first.done ? undefined : first.value;
      if (word?.word === "ready" && !signal.aborted) {
        child.#child.unref();
        return child;
      }
      await child.end();
      signal.throwIfAborted();
      const why = word?.word === "unfit" ? word.why : undefined;
      throw new Error(`Cannot boot a guest process: ${why ?? messageOf(await child.ended)}`);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", kill);
    }
  }

  /** The operating system's number of this process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** The agent does not end before this process has. */
  ref(): void {
    this.#child.ref();
  }

  /** The agent may end before this process. */
  unref(): void {
    this.#child.unref();
  }

  /** From now on it may say as much as is listened to: what its guest writes comes this way. */
  mayTalk(): void {
    this.#saidMax = Infinity;
  }

  /** Sends SIGKILL. Harmless when the process is gone. */
  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended, which is what was wanted.
    }
  }

  /** Sends SIGSTOP or SIGCONT. Harmless when the process is gone. */
  hold(signal: "SIGSTOP" | "SIGCONT"): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended, and uses nothing any more.
    }
  }

  /** Kills the process and waits until it is gone, at most {@linkcode KILL_MS_MAX}. */
  async end(): Promise<void> {
    this.kill();
    this.#child.ref(); // an agent that waits for the end must not end before it
    const late = deadline(KILL_MS_MAX);
    await Promise.race([this.drain(), late.passed]);
    late.clear();
    this.#child.unref();
  }

  /** Writes one line; nothing more can be written after a `last` one. Never rejects. */
  async send(value: Order | Command, options: { last?: boolean } = {}): Promise<void> {
    const sent = this.#sending.then(() => this.#write(value, options.last ?? false));
    this.#sending = sent;
    await sent;
  }

  /**
   * Passes on all that this brings, no faster than the process takes it, and then closes the pipe; nothing can
   * be sent any more. Aborting cancels the source. Never rejects.
   */
  async feed(source: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
    await source.pipeTo(this.#child.stdin, { signal }).catch(() => {}); // its end tells why
  }

  /** Reads what is left, so that nothing stays open, and waits for the end. */
  async drain(): Promise<void> {
    while (!(await this.words.next()).done);
    await this.ended;
  }

  async #write(value: Order | Command, last: boolean): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    try {
      await writer.write(encodeLine(value));
      if (last) await writer.close();
    } catch {
      // The process is gone; its end tells why.
    } finally {
      writer.releaseLock();
    }
  }
}

/** A wait with an end, which does not keep the agent alive. */
export function deadline(ms?: number): {
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

/** When the machine's memory runs out, the kernel is to end a guest and not the agent. */
async function preferAsVictim(pid: number): Promise<void> {
  if (Deno.build.os !== "linux") return;
  try {
    await Deno.writeTextFile(`/proc/${pid}/oom_score_adj`, String(GUEST_OOM_SCORE), {
      create: false,
    });
  } catch {
    // It is gone, or this /proc is read-only; then the kernel chooses by size.
  }
}

function messageOf(end: ProcessEnd): string {
  const why = explainEnd(end);
  return "message" in why ? why.message : why.kind;
}

const FLOODED = `it said more than ${SAID_BYTES_MAX} bytes to the agent, the limit`;

/** What a stream brings; once it is too much, that is told. */
async function* bounded(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  bytesMax: () => number,
  onFlood: () => void,
): AsyncGenerator<Uint8Array, void> {
  let bytes = 0;
  for await (const chunk of chunksOf(stream)) {
    bytes += chunk.length;
    if (bytes > bytesMax()) onFlood();
    else yield chunk;
  }
}

/**
 * What a stream brings, in buffers that are small while little comes: most processes say two lines, and a
 * stream's own buffer of 64 KiB is held for as long as it waits.
 */
async function* chunksOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array, void> {
  const reader = stream.getReader({ mode: "byob" });
  try {
    let size = READ_BYTES_MIN;
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(size));
      if (done) return;
      yield value;
      size = value.length === size ? READ_BYTES_MAX : READ_BYTES_MIN;
    }
  } finally {
    await reader.cancel().catch(() => {}); // who has heard enough leaves nothing open
    reader.releaseLock();
  }
}

/** The words of a guest process, in order; each is good until the next one is asked for. */
async function* readWords(stdout: AsyncIterable<Uint8Array>): AsyncGenerator<Word, void> {
  const reader = new WordReader();
  for await (const chunk of stdout) yield* reader.feed(chunk);
}

/** Reads to the end and keeps the last bytes, as text. */
async function readTail(stream: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  let tail: Uint8Array = new Uint8Array(0);
  for await (const chunk of stream) {
    const joined = new Uint8Array(tail.length + chunk.length);
    joined.set(tail);
    joined.set(chunk, tail.length);
    tail = joined.subarray(Math.max(0, joined.length - bytesMax)).slice();
  }
  return new TextDecoder().decode(tail);
}
