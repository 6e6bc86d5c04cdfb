import type { Exit } from "../../lib/mod.ts";
import {
  compile,
  CompileError,
  type Guest,
  type HostKind,
  type Outcome,
  prepare,
  type WasiOptions,
} from "../../wasi/mod.ts";
import { type ContainerLog, openContainerLog } from "./container_log.ts";
import { MESSAGE_CHARS_MAX } from "./limits.ts";
import { limitMemory, MemoryLimitError } from "./memory_limit.ts";
import type { Order, RunEnd } from "./protocol.ts";

/** What {@linkcode runGuest} needs besides the order. */
export interface GuestRunOptions {
  readonly host: HostKind;
  /** Called right before the guest's first instruction. */
  onStarted(): void;
  /** The order's module, if it is compiled already. @default {read and compiled here} */
  readonly module?: WebAssembly.Module;
  /** Hears of the module that was compiled here; may throw to end the run before it begins. */
  readonly onCompiled?: (module: WebAssembly.Module) => void;
}

/** What WebAssembly memory grows by. */
const PAGE_BYTES = 64 * 1024;

/**
 * Runs one guest on this thread, from its module's bytes to the last line of its log. Whatever goes
 * wrong becomes an ending; nothing of the guest stays open. The same code runs in every isolation
 * class: in a process of its own, in a Worker with permissions of its own, in a shared process.
 */
export async function runGuest(order: Order, options: GuestRunOptions): Promise<RunEnd> {
  const log = openContainerLog(order.logPath, note);
  const exit = await runLogged(order, options, log);
  return { exit, droppedLogBytes: log.end() };
}

/** For the agent's ears: it keeps the last few KiB of this process's stderr. */
function note(message: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`));
}

async function runLogged(
  order: Order,
  options: GuestRunOptions,
  log: ContainerLog,
): Promise<Exit> {
  let guest: Guest;
  try {
    const module = options.module ?? load(order);
    if (options.module === undefined) options.onCompiled?.(module);
    guest = prepare(module, wasiOptions(order, options.host, log));
  } catch (error) {
    const kind = error instanceof MemoryLimitError ? "out_of_memory" : "start_error";
    return { kind, message: describe(error) };
  }
  options.onStarted();
  try {
    const outcome = await guest.run();
    return exhausted(outcome, guest, order) ?? bounded(outcome);
  } catch (error) {
    return { kind: "crashed", message: `The WASI host failed: ${describe(error)}` };
  } finally {
    guest.dispose();
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

function wasiOptions(order: Order, host: HostKind, log: ContainerLog): WasiOptions {
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
