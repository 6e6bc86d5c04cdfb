/**
 * Where the agent's own log goes, and how it looks.
 *
 * @module
 */
import {
  configure,
  getAnsiColorFormatter,
  getLogger,
  getTextFormatter,
  jsonLinesFormatter,
  type LogRecord,
} from "@logtape/logtape";

/** How to log. */
export interface LoggingOptions {
  /** The least important messages that are logged. */
  readonly level: "debug" | "info" | "warning" | "error";
  /** `json`: one object a line, for machines. `pretty`: for people. */
  readonly format: "json" | "pretty";
  /** Colour for people; only if somebody looks. */
  readonly colour: boolean;
}

/** Sends the log to stderr. To be called once, before the first line. */
export async function configureLogging({ level, format, colour }: LoggingOptions): Promise<void> {
  const words = { value: plainText };
  const pretty = colour ? getAnsiColorFormatter(words) : getTextFormatter(words);
  const print = format === "json" ? jsonLinesFormatter : pretty;
  const encoder = new TextEncoder();
  await configure({
    sinks: {
      stderr: (record: LogRecord) => write(encoder.encode(print(record))),
    },
    loggers: [
      { category: "krustlet", lowestLevel: level, sinks: ["stderr"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["stderr"] },
    ],
  });
}

/**
 * Texts are printed without quotes, which help nobody around every name. Whoever wrote them, the API
 * server or a guest, must not forge a line or move the cursor: further lines are indented, and other
 * control characters are printed as `\\xNN`.
 */
function plainText(value: unknown, inspect: (value: unknown) => string): string {
  const text = typeof value === "string" ? value : inspect(value);
  return text.replaceAll(/\r?\n/g, "\n  ").replaceAll(CONTROL, hexCode);
}

/** Control characters (Unicode's Cc) but the newline and the tab. */
const CONTROL = /[^\P{Cc}\n\t]/gu;

function hexCode(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** Logs a warning of a part that has no logger of its own. */
export function warn(message: string): void {
  getLogger(["krustlet"]).warn("{message}", { message });
}

/** What is worth knowing where somebody asked for more words, as one line in the log at level info. */
export function inform(message: string): void {
  getLogger(["krustlet"]).info("{message}", { message });
}

/**
 * From now on a promise that nobody looked after is a line in the log at level error, and not the end
 * of the agent: a defect in one place must not end every guest.
 */
export function surviveRejections(): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    const { reason } = event;
    getLogger(["krustlet"]).error("A defect of the agent, which goes on: {error}", {
      error: reason instanceof Error ? reason.stack ?? reason.message : String(reason),
    });
  });
}

// A closed stderr (the reader of a pipe has gone) must not end the agent.
function write(bytes: Uint8Array): void {
  try {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(Deno.stderr.writeSync(rest));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
