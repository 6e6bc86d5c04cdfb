import { logClock } from "./clock.ts";
import { CriLines } from "./cri_lines.ts";
import type { LogLimits, OutputStream } from "./protocol.ts";
import { RotatingFile } from "./rotating_file.ts";

/** Where a guest's output goes: the log of its run, written from inside its own process, or its agent. */
export interface ContainerLog {
  /** Takes what the guest wrote to its stdout. */
  readonly stdout: (bytes: Uint8Array) => void;
  /** Takes what the guest wrote to its stderr. */
  readonly stderr: (bytes: Uint8Array) => void;
  /** Writes what was held back and closes the file; returns how many bytes were dropped. */
  readonly end: () => number;
}

/**
 * Opens the log file of a run: CRI log format, rotated by size. Never throws; `options.note` hears once why
 * output is being dropped. `promptly` writes what has no line end yet as well.
 */
export function openContainerLog(
  path: string,
  options: Partial<LogLimits> & {
    readonly note: (message: string) => void;
    readonly promptly?: boolean;
  },
): ContainerLog {
  const { promptly = false } = options;
  const file = new RotatingFile(path, options);
  const now = logClock();
  const sink = (bytes: Uint8Array) => file.write(bytes);
  const stdout = new CriLines({ stream: "stdout", sink, now, promptly });
  const stderr = new CriLines({ stream: "stderr", sink, now, promptly });
  // A run that writes nothing has an empty log, not a missing one.
  file.write(new Uint8Array(0));
  return {
    stdout: (bytes) => stdout.write(bytes),
    stderr: (bytes) => stderr.write(bytes),
    end(): number {
      stdout.end();
      stderr.end();
      file.close();
      return file.droppedBytes;
    },
  };
}

/** Passes everything on as it is. */
export function passOn(
  pass: (stream: OutputStream, bytes: Uint8Array) => void,
): ContainerLog {
  return {
    stdout: (bytes) => pass("stdout", bytes),
    stderr: (bytes) => pass("stderr", bytes),
    end: () => 0,
  };
}
