import { CALL_NAMES, type Layout, PREVIEW1, UNSTABLE } from "../abi.ts";
import { guestCalls, type ImportedCall } from "../calls/mod.ts";
import type { DescriptorTable } from "../descriptors/table.ts";
import type { System } from "../host/host.ts";
import { openSuspendingHost } from "../host/open.ts";
import { explainArgument, type ExportedFunction, functionFor, resultsOf } from "./library_call.ts";
import { checkModule, type Entry, LinkError } from "./link.ts";
import { GuestMemory } from "../memory.ts";
import { isGrowthRefused } from "../module/growth_told.ts";
import { type Network, networkOf } from "../network/decision.ts";
import { openDescriptors } from "../descriptors/open_descriptors.ts";
import { encodeArgs, encodeEnv, type WasiOptions } from "../options.ts";
import { Exit, type Outcome } from "./outcome.ts";
import { importParts, needsOf, type Parts } from "./parts.ts";
import type { Suspension } from "./suspension.ts";
import { sharedMemoryOf } from "../threads/imported_memory.ts";
import type { CallOutcome, Guest } from "./run.ts";

/**
 * Links a module to a host that gives it what the options say, and no more. Nothing of the guest
 * has run, except a start section.
 *
 * What only some guests need of this library is imported here, if `preload` has not done so before.
 * Rejects with `LinkError` for a module that cannot run here, `OptionsError` for options that cannot
 * be.
 */
export async function prepare(
  module: WebAssembly.Module,
  options: WasiOptions = {},
): Promise<Guest> {
  const library = options.library ?? false;
  const sharedMemory = sharedMemoryOf(module);
  const entry = checkModule(module, CALL_NAMES, { library, sharedMemory });
  const parts = await importParts(needsOf(module), options);
  if (parts.threading !== undefined && sharedMemory !== undefined && entry !== undefined) {
    const threaded = { module, entry, memory: sharedMemory, host: parts.host };
    return await parts.threading.ThreadedGuest.open(threaded, options);
  }
  const [args, env] = [encodeArgs(options.args ?? []), encodeEnv(options.env ?? {})];
  const exit = new Exit();
  const suspension = await suspensionFor(parts, exit);
  const host: System = suspension?.host ?? parts.host;
  const memory = new GuestMemory();
  const network = networkOf(options, { suspends: suspension !== undefined });
  const callsFor = (layout: Layout, table: DescriptorTable): Record<string, ImportedCall> => {
    const exitWith = (code: number): never => exit.leave(code);
    const { trace, onIdle } = options;
    const state = { memory, table, host, layout, network, args, env, onIdle, exit: exitWith };
    const calls = guestCalls(state, parts.sockets?.socketCalls);
    const traced = trace === undefined
      ? calls
      : parts.tracing!.traceCalls(calls, { memory, layout, write: trace });
    return suspension?.imports(traced) ?? traced;
  };
  const table = openDescriptors(host, options);
  let instance: WebAssembly.Instance | undefined;
  let early: Outcome;
  try {
    options.onBegin?.();
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
  const heed = (news: Network["news"]): void => host.heed?.(news);
  const close = (): void => {
    table.closeAll();
    host.rest?.();
  };
  return new LinkedGuest({ instance, entry, exit, close, early, suspension, heed, network });
}

/** How the guest waits, if it has a network and a host that cannot block for it. */
async function suspensionFor(parts: Parts, exit: Exit): Promise<Suspension | undefined> {
  if (parts.suspending === undefined) return undefined;
  return new parts.suspending.Suspension(await openSuspendingHost(), () => exit.abandon());
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
  readonly #close: () => void;
  readonly #early: Outcome;
  readonly #suspension: Suspension | undefined;
  readonly #heed: (news: Network["news"]) => void;
  readonly #news: Network["news"];
  #begun = false;

  constructor(parts: {
    readonly instance: WebAssembly.Instance | undefined;
    readonly entry: Entry | undefined;
    readonly exit: Exit;
    /** Closes all that it has open. */
    readonly close: () => void;
    /** How the start section ended. */
    readonly early: Outcome;
    readonly suspension: Suspension | undefined;
    readonly heed: (news: Network["news"]) => void;
    readonly network: Network;
  }) {
    this.#instance = parts.instance;
    this.#entry = parts.entry;
    this.#exit = parts.exit;
    this.#close = parts.close;
    this.#early = parts.early;
    this.#suspension = parts.suspension;
    this.#heed = parts.heed;
    this.#news = parts.network.news;
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
    if (this.#news !== undefined) this.#heed(this.#news);
    const outcome = await this.#exit.observeLong(run);
    if (this.#news !== undefined) this.#heed(undefined);
    if (this.#suspension !== undefined) {
      this.#close();
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

  get growthRefused(): boolean {
    return this.#instance !== undefined && isGrowthRefused(this.#instance.exports);
  }

  dispose(): void {
    this.#begun = true;
    this.#close();
    this.#suspension?.abandon();
  }
}
