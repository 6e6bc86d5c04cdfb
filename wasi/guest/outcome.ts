import { TRAP_FRAMES_MAX } from "../limits.ts";

/** How a guest's run ended. A defect of the host is none of these: it is thrown. */
export type Outcome =
  /** It left by `proc_exit`, or returned from `_start` (code 0). */
  | { readonly kind: "exited"; readonly code: number }
  /**
   * It broke. The message is the trap's text, then the Wasm stack, one frame a line, innermost
   * first, with the functions' names where the module has them.
   */
  | { readonly kind: "trapped"; readonly message: string };

/** Ends a guest from inside a call, through frames that must not hold it up. */
export class Exit {
  #code: number | undefined;
  #sentinel: unknown;

  /** Unwinds the guest. */
  leave(code: number): never {
    this.#code = code;
    this.#sentinel ??= uncatchable();
    throw this.#sentinel;
  }

  /** Unwinds a guest that was disposed of while it waited: its run has no outcome. */
  abandon(): never {
    this.#code = undefined;
    this.#sentinel ??= uncatchable();
    throw this.#sentinel;
  }

  /** Runs the guest's code and tells how it ended; throws on what is not the guest's doing. */
  observe(run: () => void): Outcome {
    const flatten = deepenTraces();
    try {
      run();
      return RETURNED;
    } catch (error) {
      return this.#judge(error);
    } finally {
      flatten();
    }
  }

  /** As {@linkcode observe}, for code that may be suspended on its way. */
  async observeLong(run: () => unknown): Promise<Outcome> {
    const flatten = deepenTraces();
    try {
      await run();
      return RETURNED;
    } catch (error) {
      return this.#judge(error);
    } finally {
      flatten();
    }
  }

  #judge(error: unknown): Outcome {
    if (this.#sentinel !== undefined && error === this.#sentinel) {
      if (this.#code !== undefined) return { kind: "exited", code: this.#code };
      throw new Error("Cannot finish guest: it was disposed of while it waited");
    }
    const message = trapMessage(error);
    if (message === undefined) throw error;
    return { kind: "trapped", message };
  }
}

const RETURNED: Outcome = { kind: "exited", code: 0 };

/** How many guests run now: those that wait do so at the same time as others. */
let observed = 0;
let usualFrames = 0;

/** Lets errors have a trap's many frames until the function that it answers is called. */
function deepenTraces(): () => void {
  if (observed++ === 0) {
    usualFrames = Error.stackTraceLimit;
    Error.stackTraceLimit = TRAP_FRAMES_MAX;
  }
  return () => {
    if (--observed === 0) Error.stackTraceLimit = usualFrames;
  };
}

/** `(module (func (export "t") unreachable))`. */
const TRAPPING = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x00, 0x07, 0x05, 0x01, 0x01, 0x74, 0x00, 0x00],
  ...[0x0a, 0x05, 0x01, 0x03, 0x00, 0x00, 0x0b],
]);

/**
 * Something to throw that no guest can catch. A guest with exception handling catches whatever
 * JavaScript throws, except a true trap, and a trap stays one when it is thrown again.
 */
function uncatchable(): unknown {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(TRAPPING));
  try {
    (exports.t as () => void)();
  } catch (trap) {
    return trap;
  }
  throw new Error("Cannot make a trap: unreachable was passed");
}

/** What to say of a trap; undefined for what is none. */
function trapMessage(error: unknown): string | undefined {
  if (error instanceof WebAssembly.RuntimeError) return withStack(error.message, error);
  if (error instanceof RangeError && error.message.includes("call stack")) {
    return withStack("stack overflow", error);
  }
  if (error instanceof Error && error.name === "SuspendError") {
    return withStack("a call that may have to wait in the start section, which cannot", error);
  }
  if (Object.prototype.toString.call(error) === "[object WebAssembly.Exception]") {
    return "uncaught exception of the guest";
  }
  return undefined;
}

/** What V8 tells of a frame. */
interface CallSite {
  getFunctionName(): string | null;
  /** `name (wasm://wasm/…:wasm-function[2]:0x2d)`; the name and the parentheses may be missing. */
  toString(): string;
}

const WASM_FRAME = /wasm:\/\/.*:wasm-function\[(\d+)\]:(0x[0-9a-f]+)\)?$/;

function withStack(text: string, error: Error): string {
  const frames = callSites(error).flatMap((site) => {
    const [, index, offset] = WASM_FRAME.exec(site.toString()) ?? [];
    if (offset === undefined) return [];
    return `    at ${site.getFunctionName() ?? "<unnamed>"} (function ${index}, ${offset})`;
  });
  return [text, ...frames].join("\n");
}

/** The frames as V8 has them. In Deno's own text the number of the function is always 0. */
function callSites(error: Error): readonly CallSite[] {
  const holder = Error as { prepareStackTrace?: unknown };
  const before = holder.prepareStackTrace;
  let sites: readonly CallSite[] = [];
  holder.prepareStackTrace = (_error: Error, found: readonly CallSite[]): string => {
    sites = found;
    return "";
  };
  try {
    void error.stack; // the first look at it calls the function above
  } finally {
    if (before === undefined) delete holder.prepareStackTrace;
    else holder.prepareStackTrace = before;
  }
  return sites;
}
