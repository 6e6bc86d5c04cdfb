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

/** Texts are printed as they are: quotes around every name help nobody. */
function plainText(value: unknown, inspect: (value: unknown) => string): string {
  return typeof value === "string" ? value : inspect(value);
}

/** Logs a warning of a part that has no logger of its own. */
export function warn(message: string): void {
  getLogger(["krustlet"]).warn("{message}", { message });
}

// A closed stderr (the reader of a pipe has gone) must not end the agent.
function write(bytes: Uint8Array): void {
  try {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(Deno.stderr.writeSync(rest));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
