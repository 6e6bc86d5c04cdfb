/**
 * What the agent and a guest process say to each other: one JSON value per line.
 *
 * The agent writes one {@linkcode Order} to the stdin of a process that runs one guest, and
 * {@linkcode Command}s to that of a shared one. The process writes {@linkcode Word}s to its stdout. The
 * guest itself reaches neither.
 *
 * @module
 */
import type { Exit } from "../../lib/mod.ts";
import type { SandboxLevel } from "../../wasi/mod.ts";
import { MESSAGE_CHARS_MAX, OUTPUT_BYTES_MAX } from "./limits.ts";
import type { NetworkTicket } from "./network/words.ts";

/** One run, as a guest process needs it. */
export interface Order {
  /**
   * Absolute path of the module's bytes. Absent: `args[0]` is looked for in the guest's view, then among the
   * builtins, and else it is {@linkcode otherwisePath}.
   */
  readonly modulePath?: string;
  /** Absolute path of the module to run if `args[0]` names nothing else. */
  readonly otherwisePath?: string;
  /** Where relative paths begin. @default "/" */
  readonly workingDir?: string;
  /** What follows this order on the pipe is the guest's stdin. @default {stdin is at its end} */
  readonly stdin?: boolean;
  /** The guest's standard streams are a terminal; its stderr goes where its stdout goes. @default false */
  readonly tty?: boolean;
  /** What has no line end yet is in the log as well. @default false */
  readonly promptly?: boolean;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly preopens: readonly OrderPreopen[];
  /** File in the CRI log format. Absent: what the guest writes comes to the agent, in words. */
  readonly logPath?: string;
  /** @default {the bounds of this room} */
  readonly logLimits?: LogLimits;
  /** Absent means no limit. */
  readonly memoryBytes?: number;
  /** `RLIMIT_DATA` of a process that runs this guest alone; absent means no limit. */
  readonly dataBytesMax?: number;
  /** What must hold the guest before its first instruction; else it does not start. */
  readonly requireSandbox?: SandboxLevel;
  /** Where to ask about the network. @default {there is none} */
  readonly network?: NetworkTicket;
}

/** How much of the log of a run is kept. */
export interface LogLimits {
  /** Bytes of a file before it is moved aside. */
  readonly bytesMax: number;
  /** Files, the current one included; two at least. */
  readonly filesMax: number;
}

/** A folder of the machine and where the guest sees it. */
export interface OrderPreopen {
  readonly hostPath: string;
  readonly guestPath: string;
  readonly readOnly: boolean;
  /** There must be no link in `hostPath` when it is opened. */
  readonly exact: true;
}

/** What a shared process is told. Ids are the agent's, and never come again. */
export type Command =
  | { readonly do: "run"; readonly id: number; readonly order: Order }
  /** Ends that guest; its last word is `exit`, once its thread is gone. */
  | { readonly do: "end"; readonly id: number };

/** How a run ended, and what its log lacks. */
export interface RunEnd {
  readonly exit: Exit;
  /** Bytes of output that could not be written. */
  readonly droppedLogBytes: number;
  /** CPU time of a process of its own, if that can tell: its number may be gone before anybody looks. */
  readonly cpuNanos?: number;
}

/** What a guest writes to. */
export type OutputStream = "stdout" | "stderr";

/** What a guest process says. A shared one says of whom: `id`. */
export type Word =
  /** It is booted and waits for an order. */
  | { readonly word: "ready" }
  /** It can never keep its promises on this machine; it ends. */
  | { readonly word: "unfit"; readonly why: string }
  /** The guest's first instruction comes next; in a shared process, on this thread. */
  | { readonly word: "started"; readonly id?: number; readonly thread?: number }
  /** This guest cannot share a process: nothing of it has run. */
  | { readonly word: "declined"; readonly id: number }
  /** The guest wrote this. On the pipe, `length` stands for the bytes, which follow the line. */
  | { readonly word: "output"; readonly stream: OutputStream; readonly bytes: Uint8Array }
  /** The guest has ended, and its log is complete but for the bytes that could not be written. */
  | { readonly word: "exit"; readonly id?: number } & RunEnd;

/** One line, its end included. */
export function encodeLine(value: Order | Command | SaidInLine): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value) + "\n");
}

/** A word that is all in its line. */
export type SaidInLine = Exclude<Word, { readonly word: "output" }>;

/** The line before `length` bytes of what a guest wrote. */
export function encodeOutputHead(stream: OutputStream, length: number): Uint8Array {
  return new TextEncoder().encode(`{"word":"output","stream":"${stream}","length":${length}}\n`);
}

/** So many bytes of a guest's output follow. */
export interface OutputHead {
  readonly word: "output";
  readonly stream: OutputStream;
  readonly length: number;
}

/**
 * Reads one line of a guest process. `undefined` if it is not a word: a guest process is a peer that
 * may have been taken over, so nothing that it says is believed unseen.
 */
export function parseWord(line: string): SaidInLine | OutputHead | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const of = typeof value.id === "number" ? { id: value.id } : {};
  switch (value.word) {
    case "ready":
      return { word: "ready" };
    case "unfit":
      return typeof value.why === "string" ? { word: "unfit", why: value.why } : undefined;
    case "started":
      return { word: "started", ...of, ...(isCount(value.thread) ? { thread: value.thread } : {}) };
    case "output": {
      const { stream, length } = value;
      if (stream !== "stdout" && stream !== "stderr") return undefined;
      return isCount(length) && length <= OUTPUT_BYTES_MAX
        ? { word: "output", stream, length }
        : undefined;
    }
    case "declined":
      return of.id === undefined ? undefined : { word: "declined", id: of.id };
    case "exit": {
      const { droppedLogBytes } = value;
      const exit = parseExit(value.exit, of.id !== undefined);
      if (exit === undefined || !isCount(droppedLogBytes)) return undefined;
      const cpu = isCount(value.cpuNanos) ? { cpuNanos: value.cpuNanos } : {};
      return { word: "exit", ...of, exit, droppedLogBytes, ...cpu };
    }
    default:
      return undefined;
  }
}

/** Only the endings that a guest process can know of itself; a shared one kills when it is told to. */
function parseExit(value: unknown, shared: boolean): Exit | undefined {
  if (!isRecord(value)) return undefined;
  const { kind, code, message } = value;
  if (kind === "killed") return shared ? { kind } : undefined;
  if (kind === "exited") {
    return Number.isSafeInteger(code) ? { kind, code: code as number } : undefined;
  }
  if (
    kind === "trapped" || kind === "start_error" || kind === "out_of_memory" || kind === "crashed"
  ) {
    return typeof message === "string"
      ? { kind, message: message.slice(0, MESSAGE_CHARS_MAX) }
      : undefined;
  }
  return undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
