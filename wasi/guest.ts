import { CALL_NAMES, type Layout, PREVIEW1, UNSTABLE } from "./abi.ts";
import { guestCalls, type ImportedCall } from "./calls/mod.ts";
import type { DescriptorTable } from "./descriptors/table.ts";
import { openSystem } from "./host/open.ts";
import { checkModule, type Entry, LinkError } from "./link.ts";
import { GuestMemory } from "./memory.ts";
import { openDescriptors } from "./open_descriptors.ts";
import { encodeArgs, encodeEnv, type WasiOptions } from "./options.ts";
import { Exit, type Outcome } from "./outcome.ts";

/** A guest that is linked and has not begun. */
export interface Guest {
  /**
   * Runs `_start` to its end; of a library (reactor), `_initialize`, and answers `exited` with 0. A
   * defect of the host is a rejection, never an outcome. Runs once.
   *
   * The guest blocks the thread that calls this, until it ends or, on the portable host, waits for the
   * network.
   */
  run(): Promise<Outcome>;
  /** Bytes of the guest's linear memory now; 0 if it ended before it had any. */
  readonly memoryBytes: number;
  /** Closes what the guest has open. Safe to call twice. */
  dispose(): void;
}

/**
 * Links a module to a host that gives it what the options say, and no more. Nothing of the guest
 * has run, except a start section.
 *
 * Throws `LinkError` for a module that cannot run here, `OptionsError` for options that cannot be.
 */
export function prepare(module: WebAssembly.Module, options: WasiOptions = {}): Guest {
  const [args, env] = [encodeArgs(options.args ?? []), encodeEnv(options.env ?? {})];
  const host = openSystem(options.host);
  const exit = new Exit();
  const memory = new GuestMemory();
  const callsFor = (layout: Layout, table: DescriptorTable): Record<string, ImportedCall> =>
    guestCalls({ memory, table, host, layout, args, env, exit: (code) => exit.leave(code) });
  const entry = checkModule(module, CALL_NAMES);
  const table = openDescriptors(host, options);
  let instance: WebAssembly.Instance | undefined;
  let early: Outcome;
  try {
    early = exit.observe(() => {
      instance = new WebAssembly.Instance(module, {
        wasi_snapshot_preview1: callsFor(PREVIEW1, table),
        wasi_unstable: callsFor(UNSTABLE, table),
      });
      memory.bind(memoryOf(instance));
    });
  } catch (error) {
    table.closeAll();
    if (error instanceof WebAssembly.LinkError) throw new LinkError(error.message);
    throw error;
  }
  return new LinkedGuest({ instance, entry, exit, table, early });
}

function memoryOf(instance: WebAssembly.Instance): WebAssembly.Memory {
  const { memory } = instance.exports;
  if (!(memory instanceof WebAssembly.Memory)) throw new TypeError("Cannot find the memory");
  if (memory.buffer instanceof ArrayBuffer) return memory;
  throw new LinkError("Cannot link module: its memory is shared; build it without threads");
}

class LinkedGuest implements Guest {
  readonly #instance: WebAssembly.Instance | undefined;
  readonly #entry: Entry;
  readonly #exit: Exit;
  readonly #table: DescriptorTable;
  readonly #early: Outcome;
  #begun = false;

  constructor(parts: {
    readonly instance: WebAssembly.Instance | undefined;
    readonly entry: Entry;
    readonly exit: Exit;
    readonly table: DescriptorTable;
    /** How the start section ended. */
    readonly early: Outcome;
  }) {
    this.#instance = parts.instance;
    this.#entry = parts.entry;
    this.#exit = parts.exit;
    this.#table = parts.table;
    this.#early = parts.early;
  }

  async run(): Promise<Outcome> {
    if (this.#begun) throw new Error("Cannot run guest: it has run before, or is disposed of");
    this.#begun = true;
    const instance = this.#instance;
    if (instance === undefined) return this.#early;
    return await this.#exit.observeLong(() => (instance.exports[this.#entry] as () => unknown)());
  }

  get memoryBytes(): number {
    const memory = this.#instance?.exports["memory"];
    return memory instanceof WebAssembly.Memory ? memory.buffer.byteLength : 0;
  }

  dispose(): void {
    this.#begun = true;
    this.#table.closeAll();
  }
}
