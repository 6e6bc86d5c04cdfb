import type { HostKind } from "./host/host.ts";

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
}

/**
 * Where an output goes: nowhere, to this process's own, or to a function. The function's bytes are
 * the guest's memory and only valid during the call.
 */
export type Output = "discard" | "inherit" | ((bytes: Uint8Array) => void);

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
   * Open folders: descriptors 3, 4, … in this order.
   *
   * @default {none}
   */
  readonly preopens?: readonly Preopen[];
  /**
   * `closed`: reading finds the end of the file.
   *
   * @default {"closed"}
   */
  readonly stdin?: "closed" | "inherit";
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
