import type { Exit } from "../../lib/mod.ts";
import { type HostKind, openView } from "../../wasi/mod.ts";
import type { BuiltinName } from "./builtins/names.ts";
import type { Bytes, Sink, Source } from "./builtins/streams.ts";
import type { ContainerLog } from "./container_log.ts";
import type { Order } from "./protocol.ts";

/** One read of the pipe: as much as a pipe holds. */
const READ_BYTES_MAX = 64 * 1024;

/** What a builtin is run with. */
export interface BuiltinRun {
  readonly host: HostKind;
  /** Puts up the walls around this thread. @default {there is nothing to put up} */
  readonly enclose?: (needs: { readonly threads: boolean; readonly sockets: boolean }) => void;
  /** Called right before it begins. */
  onStarted(): void;
  readonly name: BuiltinName;
  readonly log: ContainerLog;
}

/**
 * Runs a builtin in the place of a guest, behind the same walls. Its code is read before them; its folders
 * are opened behind them.
 */
export async function runBuiltinOrder(order: Order, options: BuiltinRun): Promise<Exit> {
  const { name, log, host } = options;
  const { runBuiltin } = await import("./builtins/mod.ts");
  options.enclose?.({ threads: false, sockets: false });
  using view = await openView({ preopens: order.preopens, host });
  options.onStarted();
  const [called = name, ...args] = order.args;
  const running = runBuiltin(name, {
    name: called.slice(called.lastIndexOf("/") + 1),
    args,
    env: new Map(Object.entries(order.env)),
    view,
    cwd: order.workingDir ?? "/",
    stdin: order.stdin === true ? processInput() : NOTHING,
    stdout: sinkOf(log.stdout),
    stderr: sinkOf(log.stderr),
    tty: order.tty ?? false,
  });
  try {
    return { kind: "exited", code: await running };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: "crashed", message: `The builtin "${name}" failed: ${message}` };
  }
}

const NOTHING: Source = { read: () => Promise.resolve(undefined), close: () => {} };

function sinkOf(write: (bytes: Uint8Array) => void): Sink {
  return {
    write(bytes): Promise<void> {
      write(bytes);
      return Promise.resolve();
    },
    close: () => {},
  };
}

/** What the agent sends behind the order. */
function processInput(): Source {
  const buffer: Bytes = new Uint8Array(READ_BYTES_MAX);
  return {
    async read(): Promise<Bytes | undefined> {
      // A read blocks this thread: first, whatever else can go on in a pipeline does so.
      await new Promise((resolve) => setTimeout(resolve));
      const count = Deno.stdin.readSync(buffer);
      return count === null ? undefined : buffer.subarray(0, count);
    },
    close: () => {},
  };
}
