/**
 * Entry of a guest process. Importing this file *is* the process: it boots, waits for one order, runs
 * one guest and ends.
 *
 * It is short-lived and started by the hundred, so it imports next to nothing: types from the
 * library, and values only from files of this folder that need nothing themselves.
 *
 * Arguments: the agent's process id, and on Linux the path of the C library.
 *
 * @module
 */
import type { Exit } from "../../lib/mod.ts";
import {
  compile,
  CompileError,
  type Guest,
  type HostKind,
  openHost,
  type Outcome,
  prepare,
  type WasiOptions,
} from "../../wasi/mod.ts";
import { type ContainerLog, openContainerLog } from "./container_log.ts";
import { MESSAGE_CHARS_MAX, ORDER_BYTES_MAX } from "./limits.ts";
import { limitMemory, MemoryLimitError } from "./memory_limit.ts";
import { bindToAgent, ignoreSignals } from "./agent_bond.ts";
import { encodeLine, type Order, type Word } from "./protocol.ts";

/** A compiled binary has them all, for the agent's sake; a guest process has use for none. */
const NEVER_NEEDED = ["run", "net", "env", "sys"] as const;

/** What WebAssembly memory grows by. */
const PAGE_BYTES = 64 * 1024;

await main();

async function main(): Promise<never> {
  const [parentPid, libc] = guestArguments();
  if (libc === undefined) ignoreSignals();
  else if (!bindToAgent(libc, Number(parentPid))) Deno.exit(0);
  const host = libc === undefined ? "portable" : "libc";
  openHost(host, { revokeFfi: true });
  for (const name of NEVER_NEEDED) Deno.permissions.revokeSync({ name });
  say({ word: "ready" });
  const order = readOrder();
  if (order === undefined) Deno.exit(0); // the agent is gone, or needs this process no more
  const log = openContainerLog(order.logPath, note);
  const exit = await runGuest(order, wasiOptions(order, { host, log }));
  say({ word: "exit", exit, droppedLogBytes: log.end() });
  Deno.exit(0);
}

/** The arguments without the word that chooses this entry in a compiled binary. */
function guestArguments(): string[] {
  return Deno.args.filter((argument) => !argument.startsWith("__"));
}

function say(word: Word): void {
  const bytes = encodeLine(word);
  let written = 0;
  while (written < bytes.length) written += Deno.stdout.writeSync(bytes.subarray(written));
}

/** For the agent's ears: it keeps the last few KiB of this process's stderr. */
function note(message: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`));
}

/**
 * Waits for the one line of the agent. `undefined` when the agent closed the pipe instead, which is
 * how an idle process learns on every system that it is alone.
 */
function readOrder(): Order | undefined {
  const parts: Uint8Array[] = [];
  const buffer = new Uint8Array(64 * 1024);
  for (let bytes = 0; bytes < ORDER_BYTES_MAX;) {
    const count = Deno.stdin.readSync(buffer);
    if (count === null) return undefined;
    parts.push(buffer.slice(0, count));
    bytes += count;
    if (buffer[count - 1] !== 10) continue; // the order is one line, and nothing follows it
    return JSON.parse(new TextDecoder().decode(concat(parts, bytes))) as Order;
  }
  return undefined;
}

function concat(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Runs the guest. Whatever goes wrong becomes an ending. */
async function runGuest(order: Order, options: WasiOptions): Promise<Exit> {
  let guest: Guest;
  try {
    guest = prepare(load(order), options);
  } catch (error) {
    const kind = error instanceof MemoryLimitError ? "out_of_memory" : "start_error";
    return { kind, message: describe(error) };
  }
  say({ word: "started" });
  try {
    const outcome = await guest.run();
    return exhausted(outcome, guest, order) ?? bounded(outcome);
  } catch (error) {
    return { kind: "crashed", message: `The WASI host failed: ${describe(error)}` };
  }
}

function load(order: Order): WebAssembly.Module {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(order.modulePath);
  } catch (error) {
    throw new Error(`Cannot read module "${order.modulePath}": ${describe(error)}`);
  }
  try {
    return compile(
      order.memoryBytes === undefined ? bytes : limitMemory(bytes, order.memoryBytes),
    );
  } catch (error) {
    if (error instanceof CompileError || error instanceof MemoryLimitError) throw error;
    throw new Error(`Cannot compile module "${order.modulePath}": ${describe(error)}`);
  }
}

function wasiOptions(
  order: Order,
  { host, log }: { host: HostKind; log: ContainerLog },
): WasiOptions {
  return {
    host,
    args: order.args,
    env: order.env,
    preopens: order.preopens,
    stdin: "closed",
    stdout: log.stdout,
    stderr: log.stderr,
  };
}

/** A guest that breaks down when its memory is full has reached its limit, whatever it says. */
function exhausted(outcome: Outcome, guest: Guest, { memoryBytes }: Order): Exit | undefined {
  if (outcome.kind === "exited" || memoryBytes === undefined) return undefined;
  if (guest.memoryBytes + PAGE_BYTES <= memoryBytes) return undefined;
  const reached = `The guest has reached its memory limit of ${memoryBytes} bytes`;
  return { kind: "out_of_memory", message: `${reached}: ${describe(outcome.message)}` };
}

function bounded(outcome: Outcome): Exit {
  if (outcome.kind === "exited") return outcome;
  return { kind: "trapped", message: outcome.message.slice(0, MESSAGE_CHARS_MAX) };
}

function describe(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.slice(0, MESSAGE_CHARS_MAX);
}
