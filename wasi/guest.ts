import { CALL_NAMES, type Layout, PREVIEW1, UNSTABLE } from "./abi.ts";
import { guestCalls, type ImportedCall } from "./calls/mod.ts";
import type { DescriptorTable } from "./descriptors/table.ts";
import { openSuspendingHost, openSystem } from "./host/open.ts";
import { explainArgument, type ExportedFunction, functionFor, resultsOf } from "./library_call.ts";
import { checkModule, type Entry, LinkError } from "./link.ts";
import { GuestMemory } from "./memory.ts";
import { networkOf } from "./network/decision.ts";
import { openDescriptors } from "./open_descriptors.ts";
import { encodeArgs, encodeEnv, type WasiOptions } from "./options.ts";
import { Exit, type Outcome } from "./outcome.ts";
import { Suspension, wantsSockets } from "./suspension.ts";
import { sharedMemoryOf } from "./threads/imported_memory.ts";
import { ThreadedGuest } from "./threads/threaded_guest.ts";
import type { CallOutcome, Guest } from "./run.ts";
import { traceCalls } from "./trace.ts";

/**
 * Links a module to a host that gives it what the options say, and no more. Nothing of the guest
 * has run, except a start section.
 *
 * Throws `LinkError` for a module that cannot run here, `OptionsError` for options that cannot be.
 */
export function prepare(module: WebAssembly.Module, options: WasiOptions = {}): Guest {
  const library = options.library ?? false;
  const sharedMemory = sharedMemoryOf(module);
  const entry = checkModule(module, CALL_NAMES, { library, sharedMemory });
  if (sharedMemory !== undefined && entry !== undefined) {
    return new ThreadedGuest({ module, entry, memory: sharedMemory }, options);
  }
  const [args, env] = [encodeArgs(options.args ?? []), encodeEnv(options.env ?? {})];
  const exit = new Exit();
  const suspension = suspensionFor(module, options, exit);
  const host = suspension?.host ?? openSystem(options.host);
  const memory = new GuestMemory();
  const network = networkOf(options);
  const callsFor = (layout: Layout, table: DescriptorTable): Record<string, ImportedCall> => {
    const exitWith = (code: number): never => exit.leave(code);
    const calls = guestCalls({ memory, table, host, layout, network, args, env, exit: exitWith });
    const { trace } = options;
    const traced = trace === undefined
      ? calls
      : traceCalls(calls, { memory, layout, write: trace });
    return suspension?.imports(traced) ?? traced;
  };
  const table = openDescriptors(host, options);
  let instance: WebAssembly.Instance | undefined;
  let early: Outcome;
  try {
    early = exit.observe(() => {
      instance = new WebAssembly.Instance(module, {
        wasi_snapshot_preview1: callsFor(PREVIEW1, table),
        wasi_unstable: callsFor(UNSTABLE, table),
      });
      if (!library || "memory" in instance.exports) memory.bind(memoryOf(instance));
    });
  } catch (error) {
    table.closeAll();
    if (error instanceof WebAssembly.LinkError) throw new LinkError(error.message);
    throw error;
  }
  return new LinkedGuest({ instance, entry, exit, table, early, suspension });
}

/** How the guest waits, if it has a network and a host that cannot block for it. */
function suspensionFor(
  module: WebAssembly.Module,
  options: WasiOptions,
  exit: Exit,
): Suspension | undefined {
  const networked = options.allowAddress !== undefined || (options.listeners ?? []).length > 0;
  if (!networked || !wantsSockets(module)) return undefined;
  if (openSystem(options.host).kind !== "portable") return undefined;
  return new Suspension(openSuspendingHost(), () => exit.abandon());
}

function memoryOf(instance: WebAssembly.Instance): WebAssembly.Memory {
  const { memory } = instance.exports;
  if (!(memory instanceof WebAssembly.Memory)) throw new TypeError("Cannot find the memory");
  if (memory.buffer instanceof ArrayBuffer) return memory;
  throw new LinkError("Cannot link module: its memory is shared; build it without threads");
}

class LinkedGuest implements Guest {
  readonly #instance: WebAssembly.Instance | undefined;
  readonly #entry: Entry | undefined;
  readonly #exit: Exit;
  readonly #table: DescriptorTable;
  readonly #early: Outcome;
  readonly #suspension: Suspension | undefined;
  #begun = false;

  constructor(parts: {
    readonly instance: WebAssembly.Instance | undefined;
    readonly entry: Entry | undefined;
    readonly exit: Exit;
    readonly table: DescriptorTable;
    /** How the start section ended. */
    readonly early: Outcome;
    readonly suspension: Suspension | undefined;
  }) {
    this.#instance = parts.instance;
    this.#entry = parts.entry;
    this.#exit = parts.exit;
    this.#table = parts.table;
    this.#early = parts.early;
    this.#suspension = parts.suspension;
  }

  async run(): Promise<Outcome> {
    this.#begin();
    const instance = this.#instance;
    const entry = this.#entry;
    if (instance === undefined || entry === undefined) return this.#early;
    return await this.#observe(() => this.#entrance(functionFor(instance, entry, []))());
  }

  async call(name: string, args: readonly string[] = []): Promise<CallOutcome> {
    this.#begin();
    const instance = this.#instance;
    if (instance === undefined) return { outcome: this.#early, results: [] };
    const wanted = functionFor(instance, name, args);
    let results: readonly (number | bigint)[] = [];
    const outcome = await this.#observe(async () => {
      if (this.#entry === "_initialize") {
        await this.#entrance(functionFor(instance, this.#entry, []))();
      }
      results = resultsOf(await this.#entrance(wanted)(...args));
    }).catch((error) => {
      throw explainArgument(error);
    });
    return { outcome, results };
  }

  #entrance(wanted: ExportedFunction): ExportedFunction {
    return this.#suspension?.entry(wanted) ?? wanted;
  }

  /** Runs it to its end, and lets what it has sent last go its way. */
  async #observe(run: () => unknown): Promise<Outcome> {
    const outcome = await this.#exit.observeLong(run);
    if (this.#suspension !== undefined) {
      this.#table.closeAll();
      await this.#suspension.finish();
    }
    return outcome;
  }

  #begin(): void {
    if (this.#begun) throw new Error("Cannot run guest: it has run before, or is disposed of");
    this.#begun = true;
  }

  get memoryBytes(): number {
    const memory = this.#instance?.exports["memory"];
    return memory instanceof WebAssembly.Memory ? memory.buffer.byteLength : 0;
  }

  dispose(): void {
    this.#begun = true;
    this.#table.closeAll();
    this.#suspension?.abandon();
  }
}
