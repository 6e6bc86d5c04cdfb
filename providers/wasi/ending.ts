import type { Exit } from "../../lib/mod.ts";

/** How a guest process ended, as the system saw it. */
export interface ProcessEnd {
  readonly code: number;
  /** The name of the signal that ended it. */
  readonly signal: string | null;
  /** The last of what it wrote to stderr. */
  readonly stderrTail: string;
}

/** Numbers of the signals that a process dies of: Linux's, which the common ones share with macOS. */
const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGSYS: 31,
};

/** V8's last words when the heap or the machine is exhausted, and Rust's, which Deno is made of. */
const OUT_OF_MEMORY =
  /Fatal (?:JavaScript|process) (?:invalid size error|out of memory)|JavaScript heap out of memory|memory allocation of \d+ bytes failed/;

/**
 * What became of a guest whose process ended without telling: an {@linkcode Exit} from what the
 * system and the process's last words say. Exhaustion is `out_of_memory` only if the guest was
 * `limited`; else it is a crash, for it was nobody's limit but the runtime's or the machine's.
 */
export function explainEnd(end: ProcessEnd, options: { limited?: boolean } = {}): Exit {
  const tail = end.stderrTail.trim();
  const exhausted = tail.split("\n").find((line) => OUT_OF_MEMORY.test(line));
  const signal = end.signal === null ? undefined : SIGNALS[end.signal];
  const by = signal === undefined ? {} : { signal };
  if (exhausted !== undefined) {
    const message = exhausted.trim();
    return options.limited === true
      ? { kind: "out_of_memory", message }
      : { kind: "crashed", message, ...by };
  }
  if (options.limited === true && end.signal === "SIGABRT" && tail === "") {
    // What the C library does for who cannot bear to be refused memory. A guest has no way to abort.
    const message = "The guest's process was refused more memory and ended by SIGABRT";
    return { kind: "out_of_memory", message };
  }
  const how = end.signal === null ? `with code ${end.code}` : `by ${end.signal}`;
  const hint = end.signal === "SIGKILL" && tail === ""
    ? ", as the system does when it is out of memory"
    : "";
  const message = `The guest's process was ended ${how}${hint}${tail === "" ? "" : `: ${tail}`}`;
  return { kind: "crashed", message, ...by };
}
