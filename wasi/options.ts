import type { HostKind } from "./host/host.ts";
import type { AllowAddress, Lookup } from "./network/decision.ts";
import type { NetworkNews } from "./network/news.ts";

/** A folder of this machine that the guest finds open when it starts. */
export interface Preopen {
  /** Path of an existing directory on this machine. */
  readonly hostPath: string;
  /** The name that the guest sees, as `/data`. */
  readonly guestPath: string;
  /**
   * Whatever would change something is refused with `rofs`.
   *
   * @default {false}
   */
  readonly readOnly?: boolean;
  /**
   * Refuse to open `hostPath` if there is a link in it, at its end or on the way: for a folder in a
   * place that others may change, whose path was looked at before. Give its real path.
   *
   * @default {links are followed}
   */
  readonly exact?: boolean;
}

/**
 * Where an output goes: nowhere, to this process's own, or to a function. The function's bytes are
 * the guest's memory and only valid during the call.
 */
export type Output = "discard" | "inherit" | ((bytes: Uint8Array) => void);

/**
 * Where standard input comes from: nowhere (reading finds the end), this process's own, a file of
 * this machine, or a function. The function fills the bytes, which are the guest's memory and only
 * valid during the call, and answers how many; 0 is the end.
 */
export type Input =
  | "closed"
  | "inherit"
  | { readonly file: string }
  | ((into: Uint8Array) => number);

/** An address to listen on. */
export interface Listener {
  /** An address of this machine, as `127.0.0.1`, or `localhost`. */
  readonly hostname: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** Everything that a guest can reach. What is absent here does not exist for it. */
export interface WasiOptions {
  /**
   * argv, the program's name first.
   *
   * @default {[]}
   */
  readonly args?: readonly string[];
  /**
   * The environment.
   *
   * @default {{}}
   */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Open folders: descriptors 3, 4, … in this order, after the listeners.
   *
   * @default {none}
   */
  readonly preopens?: readonly Preopen[];
  /**
   * Listening sockets: the first descriptors from 3 on, in this order, before the preopens. A
   * guest that asks for their flags finds them non-blocking; any other may wait in accept. Nobody is
   * asked about them.
   *
   * @default {none}
   */
  readonly listeners?: readonly Listener[];
  /**
   * Decides on each address that the guest wants to bind, connect or send to, and on each name that it
   * wants to resolve. It may answer a promise on the portable host alone.
   *
   * @default {nothing is allowed}
   */
  readonly allowAddress?: AllowAddress;
  /**
   * The IP addresses of a name that the guest resolves with `sock_getaddrinfo`, which was allowed. It
   * may answer a promise on the portable host alone.
   *
   * @default {there is no name but `localhost`}
   */
  readonly lookup?: Lookup;
  /**
   * What is said about the network while the guest runs: whether what comes in is to be asked about, and
   * that nothing more is to be taken.
   *
   * @default {everything that comes in is taken, to the end}
   */
  readonly networkNews?: NetworkNews;
  /**
   * The IPv4 address of this machine that stands for the guest's own `127.0.0.1`: where a guest is told the
   * address of a socket, it is told that.
   *
   * @default {`127.0.0.1` is the machine's}
   */
  readonly loopback?: string;
  /**
   * Where descriptor 0 comes from.
   *
   * @default {"closed"}
   */
  readonly stdin?: Input;
  /**
   * Where descriptor 1 goes.
   *
   * @default {"discard"}
   */
  readonly stdout?: Output;
  /**
   * Where descriptor 2 goes.
   *
   * @default {"discard"}
   */
  readonly stderr?: Output;
  /**
   * The guest is told that its standard streams are a terminal, wherever they lead: `isatty` is true. A
   * file as standard input stays one.
   *
   * @default {false: only what is a terminal is told to be one}
   */
  readonly terminal?: boolean;
  /**
   * The module is not to be run but called into (`Guest.call`): it may lack `_start` and memory.
   *
   * @default {false}
   */
  readonly library?: boolean;
  /**
   * Called once, right before the guest's first instruction where that is in its start section: inside
   * of `prepare`. A guest with threads begins in `run`, where this is not called.
   *
   * @default {nobody hears of it}
   */
  readonly onBegin?: () => void;
  /**
   * Called once, when the guest has waited in one `poll_oneoff` for ten seconds: a good time to clear up.
   * What it waits for waits meanwhile. Not called for a guest with threads.
   *
   * @default {nobody hears of it}
   */
  readonly onIdle?: () => void;
  /**
   * Takes one line for each call of the guest, with arguments and result; without line end.
   *
   * @default {nothing is traced, at no cost}
   */
  readonly trace?: (line: string) => void;
  /**
   * Threads that a guest may have at once, the first one included; from 1 to 1,024. `thread-spawn`
   * refuses more.
   *
   * @default {64}
   */
  readonly threadsMax?: number;
  /**
   * How to reach the operating system.
   *
   * @default {the fastest that this machine and the process's permissions allow}
   */
  readonly host?: HostKind;
}

/** An option that cannot be: a text with a NUL, a folder that cannot be opened. */
export class OptionsError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "OptionsError";
}

const encoder = new TextEncoder();

/** argv as the guest reads it. */
export function encodeArgs(args: readonly string[]): Uint8Array[] {
  return args.map((arg) => encodeText(arg, "argument"));
}

/** The environment as the guest reads it. */
export function encodeEnv(env: Readonly<Record<string, string>>): Uint8Array[] {
  return Object.entries(env).map(([name, value]) => {
    if (name === "" || name.includes("=")) {
      throw new OptionsError(
        `Cannot pass variable "${name}": its name must not be empty or hold a "="`,
      );
    }
    return encodeText(`${name}=${value}`, "variable");
  });
}

function encodeText(text: string, what: string): Uint8Array {
  if (text.includes("\0")) {
    throw new OptionsError(`Cannot pass ${what} ${JSON.stringify(text)}: it holds a NUL`);
  }
  return encoder.encode(`${text}\0`);
}
