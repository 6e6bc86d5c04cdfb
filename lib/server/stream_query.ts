/**
 * Reads the query of a request for a command's streams.
 *
 * @module
 */
import { UpgradeRefusal } from "../streaming/upgrade.ts";

/** Which streams a command is asked for with. */
export interface CommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  /** Never true together with `tty`: a terminal has one output. */
  readonly stderr: boolean;
  readonly tty: boolean;
}

/**
 * What a kubelet understands: `input`, `output`, `error` and `tty`, each `1` or not.
 *
 * @throws {UpgradeRefusal} if no stream is asked for.
 */
export function parseStreams(params: URLSearchParams): CommandStreams {
  const asked = (name: string): boolean => params.get(name) === "1";
  const [stdin, stdout, tty] = [asked("input"), asked("output"), asked("tty")];
  const stderr = asked("error") && !tty;
  if (!stdin && !stdout && !stderr) {
    throw new UpgradeRefusal(400, "you must specify at least 1 of stdin, stdout, stderr");
  }
  return { stdin, stdout, stderr, tty };
}
