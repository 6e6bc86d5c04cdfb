/**
 * Asks another program: a question on its stdin, an answer on its stdout.
 *
 * @module
 */
import { clean } from "../oci/failure.ts";
import { ANSWER_BYTES_MAX, PROGRAM_MS_MAX, WORDS_BYTES_MAX } from "./limits.ts";

/** What is asked, of whom. */
export interface Question {
  /** A path, or a name that is looked up in PATH. */
  readonly program: string;
  readonly args?: readonly string[];
  /** Variables besides those of this process; the later ones win. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly signal: AbortSignal;
  /** @default {PROGRAM_MS_MAX} */
  readonly msMax?: number;
}

/** What a program did. */
export interface Answer {
  readonly code: number;
  /** May be secret. */
  readonly stdout: string;
  /** The program's own words about a failure, as one short line. */
  readonly words: string;
}

/** A program that gave no answer. The message is the state, and holds nothing of its output. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/**
 * Runs the program once, to its end.
 *
 * Throws a {@linkcode NoAnswer} if it cannot be run, takes too long or says too much; then it is
 * killed. Rejects with the signal's reason when aborted.
 */
export async function ask(question: Question): Promise<Answer> {
  const { program, args = [], env = {}, signal, msMax = PROGRAM_MS_MAX } = question;
  signal.throwIfAborted();
  const child = spawn(program, { args: [...args], env });
  const over = new AbortController();
  const fail = (reason: unknown): void => over.abort(reason);
  const stop = (): void => fail(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const timer = setTimeout(
    () => fail(new NoAnswer(`it gave no answer within ${msMax / 1000} s`)),
    msMax,
  );
  over.signal.addEventListener("abort", () => kill(child), { once: true });
  try {
    const [stdout, stderr, status] = await Promise.all([
      read(child.stdout, ANSWER_BYTES_MAX, over.signal).catch((error) => {
        fail(error);
        return new Uint8Array();
      }),
      read(child.stderr, WORDS_BYTES_MAX, over.signal, "cut").catch(() => new Uint8Array()),
      child.status,
      write(child.stdin, question.stdin),
    ]);
    over.signal.throwIfAborted();
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    return { code: status.code, stdout: text(stdout), words: clean(text(stderr)) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function spawn(
  program: string,
  { args, env }: { args: string[]; env: Readonly<Record<string, string>> },
): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args,
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound;
    throw new NoAnswer(missing ? "there is no such program" : "it cannot be run", { cause: error });
  }
}

/** Reads to the end; a child of the program may hold the stream open, so the signal ends it too. */
async function read(
  stream: ReadableStream<Uint8Array>,
  bytesMax: number,
  signal: AbortSignal,
  beyond: "refuse" | "cut" = "refuse",
): Promise<Uint8Array> {
  const reader = stream.getReader();
  const stop = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (size < bytesMax) parts.push(next.value.subarray(0, bytesMax - size));
      size += next.value.length;
      if (size > bytesMax && beyond === "refuse") {
        throw new NoAnswer(`it answers more than ${bytesMax} bytes, the limit`);
      }
    }
  } finally {
    signal.removeEventListener("abort", stop);
    await reader.cancel().catch(() => {});
  }
  const all = new Uint8Array(Math.min(size, bytesMax));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A program need not read what it is asked. */
async function write(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  await writer.write(new TextEncoder().encode(text)).catch(() => {});
  await writer.close().catch(() => {});
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
