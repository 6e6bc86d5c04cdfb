/**
 * What the agent and a guest process say to each other: one JSON value per line.
 *
 * The agent writes one {@linkcode Order} to the process's stdin. The process writes
 * {@linkcode Word}s to its stdout. The guest itself reaches neither.
 *
 * @module
 */
import type { Exit } from "../../lib/mod.ts";

/** One run, as a guest process needs it. */
export interface Order {
  /** Absolute path of the module's bytes. */
  readonly modulePath: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly preopens: readonly OrderPreopen[];
  /** File in the CRI log format. */
  readonly logPath: string;
  /** Absent means no limit. */
  readonly memoryBytes?: number;
}

/** A folder of the machine and where the guest sees it. */
export interface OrderPreopen {
  readonly hostPath: string;
  readonly guestPath: string;
  readonly readOnly: boolean;
}

/** What a guest process says. */
export type Word =
  /** It is booted and waits for an order. */
  | { readonly word: "ready" }
  /** The guest's first instruction comes next. */
  | { readonly word: "started" }
  /** The guest has ended, and its log is complete but for the bytes that could not be written. */
  | { readonly word: "exit"; readonly exit: Exit; readonly droppedLogBytes: number };

/** One line, its end included. */
export function encodeLine(value: Order | Word): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value) + "\n");
}

/**
 * Reads one line of a guest process. `undefined` if it is not a word: a guest process is a peer that
 * may have been taken over, so nothing that it says is believed unseen.
 */
export function parseWord(line: string): Word | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  if (value.word === "ready" || value.word === "started") return { word: value.word };
  if (value.word !== "exit") return undefined;
  const exit = parseExit(value.exit);
  const droppedLogBytes = value.droppedLogBytes;
  if (exit === undefined || typeof droppedLogBytes !== "number") return undefined;
  return { word: "exit", exit, droppedLogBytes };
}

/** Only the endings that a guest process can know of itself. */
function parseExit(value: unknown): Exit | undefined {
  if (!isRecord(value)) return undefined;
  const { kind, code, message } = value;
  if (kind === "exited") {
    return Number.isInteger(code) ? { kind, code: code as number } : undefined;
  }
  if (
    kind === "trapped" || kind === "start_error" || kind === "out_of_memory" || kind === "crashed"
  ) {
    return typeof message === "string" ? { kind, message } : undefined;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
