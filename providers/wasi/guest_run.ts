import type { Exit } from "../../lib/mod.ts";
import {
  collectGarbage,
  type Compiled,
  CompileError,
  compileRead,
  type Guest,
  type HostKind,
  MemoryLimitError,
  type Needs,
  needsOf,
  type Outcome,
  preload,
  prepare,
  type ReadModule,
  readModule,
  type WasiOptions,
} from "../../wasi/mod.ts";
import { type ContainerLog, openContainerLog, passOn } from "./container_log.ts";
import { MESSAGE_CHARS_MAX } from "./limits.ts";
import type { Line } from "./network/guest_network.ts";
import type { NetworkTicket } from "./network/words.ts";
import type { Order, OutputStream, RunEnd } from "./protocol.ts";

/** What {@linkcode runGuest} needs besides the order. */
export interface GuestRunOptions {
  readonly host: HostKind;
  /**
   * Puts up the walls around this thread, once it is known what the module needs and before anybody
   * else has seen its bytes. May throw: then nothing of it has run.
   *
   * @default {there is nothing to put up}
   */
  readonly enclose?: (needs: Pick<Needs, "threads" | "sockets">) => void;
  /**
   * What to ask the agent about the network with: the path of the C library and a Unix socket that is not connected,
   * which who runs a guest that has no network closes in `enclose`; or, on the portable host, `events`.
   *
   * @default {there is no network, whatever the order says}
   */
  readonly line?: SocketLine | "events";
  /** Called when the agent hangs up on a line of `events`: it is gone. @default {everything is refused, as over any line} */
  readonly onOrphaned?: () => void;
  /** Called right before the guest's first instruction. */
  onStarted(): void;
  /** Takes what the guest writes, if its order names no log. */
  readonly onOutput?: (stream: OutputStream, bytes: Uint8Array) => void;
  /** The order's module, if it is compiled already. @default {read and compiled here} */
  readonly module?: WebAssembly.Module;
  /** The module's bytes, if they are read already. @default {read here} */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  /** Hears of the module that was compiled here; may throw to end the run before it begins. */
  readonly onCompiled?: (module: WebAssembly.Module) => void;
}

/** See {@linkcode GuestRunOptions.line}. */
export interface SocketLine {
  readonly libc: string;
  readonly socket: number;
}

/** What WebAssembly memory grows by. */
const PAGE_BYTES = 64 * 1024;

/**
 * Runs one guest on this thread, from its module's bytes to the last line of its log. Whatever goes
 * wrong becomes an ending; nothing of the guest stays open. The same code runs in every isolation
 * class: in a process of its own, in a Worker with permissions of its own, in a shared process.
 */
export async function runGuest(order: Order, options: GuestRunOptions): Promise<RunEnd> {
  const { onOutput = (): void => {} } = options;
  const log = order.logPath === undefined ? passOn(onOutput) : openContainerLog(order.logPath, {
    ...order.logLimits,
    note,
    promptly: order.promptly ?? false,
  });
  // One terminal has one stream.
  const heard = order.tty === true ? { ...log, stderr: log.stdout } : log;
  const exit = order.modulePath === undefined
    ? await runNamed(order, options, heard)
    : await runLogged(order, options, heard);
  return { exit, droppedLogBytes: log.end() };
}

/** Runs what the order only names. */
async function runNamed(order: Order, options: GuestRunOptions, log: ContainerLog): Promise<Exit> {
  const { host } = options;
  try {
    // Not for containers' own programs: few processes need it, and each one would load it.
    const { findNamed } = await import("./named_program.ts");
    const named = await findNamed(order, host);
    switch (named.is) {
      case "module":
        return await runLogged({ ...order, modulePath: named.path }, {
          ...options,
          bytes: named.bytes,
        }, log);
      case "otherwise":
        return await runLogged({ ...order, modulePath: order.otherwisePath! }, options, log);
      case "none":
        log.stderr(new TextEncoder().encode(`${named.message}\n`));
        return { kind: "exited", code: named.code };
      case "builtin": {
        const { runBuiltinOrder } = await import("./builtin_run.ts");
        return await runBuiltinOrder(order, { ...options, name: named.name, log });
      }
    }
  } catch (error) {
    return { kind: "start_error", message: describe(error) };
  }
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
  let begun = false;
  const onBegin = (): void => {
    if (!begun) options.onStarted();
    begun = true;
  };
  try {
    const wishes = { ...wasiOptions(order, options.host, log), onBegin };
    const { module, settleMs, network } = await load(order, options, wishes);
    guest = await prepare(module, { ...wishes, ...network });
    settle(settleMs);
  } catch (error) {
    const kind = error instanceof MemoryLimitError ? "out_of_memory" : "start_error";
    return { kind, message: describe(error) };
  }
  onBegin(); // a guest with threads has not, so far
  try {
    const outcome = await guest.run();
    return exhausted(outcome, guest, order) ?? bounded(outcome);
  } catch (error) {
    return { kind: "crashed", message: `The WASI host failed: ${describe(error)}` };
  } finally {
    guest.dispose();
  }
}

/** The module, compiled inside of the walls. */
async function load(
  order: Order,
  options: GuestRunOptions,
  wishes: WasiOptions,
): Promise<Pick<Compiled, "module" | "settleMs"> & { readonly network: WasiOptions }> {
  const { module, enclose, onCompiled } = options;
  const read = module ?? readOrdered(order, options);
  // What another thread has compiled starts no threads here.
  const needs = { ...needsOf(read), ...(module === undefined ? {} : { threads: false }) };
  const network = await networkFor(order, { needs, options });
  await preload(read, { ...wishes, ...network }); // the walls keep this program's own code out as well
  enclose?.({ ...needs, sockets: network.allowAddress !== undefined });
  if (read instanceof WebAssembly.Module) return { module: read, settleMs: 0, network };
  const compiled = explained(order, "compile", () => compileRead(read));
  onCompiled?.(compiled.module);
  return { ...compiled, network };
}

/** What a guest has of its order's network: nothing, unless it can use one. Others load nothing for it. */
async function networkFor(
  { network: ticket }: Order,
  { needs, options: { line, onOrphaned } }: {
    readonly needs: Needs;
    readonly options: GuestRunOptions;
  },
): Promise<WasiOptions> {
  if (ticket === undefined || line === undefined || !needs.sockets) return {};
  const [open, { networkOptions }] = await Promise.all([
    line === "events" ? openingByEvents(onOrphaned) : openingBySocket(line),
    import("./network/guest_network.ts"),
  ]);
  const { awaitsListeners } = needs;
  return networkOptions(await open(ticket), { ticket, awaitsListeners });
}

type Opening = (ticket: NetworkTicket) => Line | Promise<Line>;

async function openingByEvents(onOrphaned: () => void = () => {}): Promise<Opening> {
  const { EventLine } = await import("./network/event_line.ts");
  return async (ticket) => {
    const line = await EventLine.open(ticket);
    void line.hungUp.then(onOrphaned);
    return line;
  };
}

async function openingBySocket(line: SocketLine): Promise<Opening> {
  const { DeskLine } = await import("./network/desk_line.ts");
  return (ticket) => DeskLine.open(line, ticket);
}

function readOrdered(order: Order, options: GuestRunOptions): ReadModule {
  const { modulePath = "" } = order;
  const bytes = options.bytes ?? explained(order, "read", () => Deno.readFileSync(modulePath));
  const { memoryBytes } = order;
  return explained(
    order,
    "compile",
    () => readModule(bytes, memoryBytes === undefined ? {} : { memoryBytesMax: memoryBytes }),
  );
}

/** Names the module in errors that do not. */
function explained<T>(order: Order, verb: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof CompileError || error instanceof MemoryLimitError) throw error;
    throw new Error(`Cannot ${verb} module "${order.modulePath}": ${describe(error)}`);
  }
}

/** Lets the compiler finish what the module's hot loops need. Nothing else runs on this thread. */
function settle(milliseconds: number): void {
  if (milliseconds > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function wasiOptions(order: Order, host: HostKind, log: ContainerLog): WasiOptions {
  return {
    host,
    args: order.args,
    env: order.env,
    preopens: order.preopens,
    stdin: order.stdin === true ? "inherit" : "closed",
    stdout: log.stdout,
    stderr: log.stderr,
    terminal: order.tty ?? false,
    onIdle: collectGarbage,
  };
}

/**
 * A guest with a limit that fails right after it was refused memory has reached the limit, whatever it
 * says; so has one that traps while its memory is full to a page.
 */
function exhausted(outcome: Outcome, guest: Guest, { memoryBytes }: Order): Exit | undefined {
  const trapped = outcome.kind === "trapped";
  if (memoryBytes === undefined || (!trapped && outcome.code === 0)) return undefined;
  const full = trapped && guest.memoryBytes + PAGE_BYTES > memoryBytes;
  if (!guest.growthRefused && !full) return undefined;
  const has = `The guest has reached its memory limit of ${memoryBytes} bytes`;
  const how = trapped ? describe(outcome.message) : `it left with code ${outcome.code}`;
  return { kind: "out_of_memory", message: `${has}: ${how}` };
}

function bounded(outcome: Outcome): Exit {
  if (outcome.kind === "exited") return outcome;
  return { kind: "trapped", message: outcome.message.slice(0, MESSAGE_CHARS_MAX) };
}

function describe(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.slice(0, MESSAGE_CHARS_MAX);
}
