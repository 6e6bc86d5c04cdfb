import type { Entry } from "../guest/link.ts";
import type { IpAddress } from "../network/ip.ts";
import type { Outcome } from "../guest/outcome.ts";

/** What stands behind a standard stream, as far as a thread needs to know. */
export type EndKind = "sink" | "source" | "nothing";

/** Everything that a Worker needs to run threads of a guest. It is sent to it at its start. */
export interface ThreadSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** What the memory is imported as. */
  readonly memoryImport: { readonly module: string; readonly name: string };
  /** In the first thread: how the guest begins. */
  readonly entry?: Entry;
  readonly args: readonly Uint8Array[];
  readonly env: readonly Uint8Array[];
  /** The `ThreadLedger`. */
  readonly ledger: SharedArrayBuffer;
  /** The `QuestionLine` of this Worker. */
  readonly line: SharedArrayBuffer;
  readonly system: LibcSetup | { readonly kind: "portable" };
}

/** What a thread needs to make calls by itself. */
export interface LibcSetup {
  readonly kind: "libc";
  /** The `SharedTable`. */
  readonly table: SharedArrayBuffer;
  /** The `OutputRing`. */
  readonly ring: SharedArrayBuffer;
  readonly ends: readonly EndKind[];
  readonly names: readonly Uint8Array[];
  /** The stream to which lines of the trace go. */
  readonly trace?: number;
  /** The `SharedNews`, if there will be any. */
  readonly news?: SharedArrayBuffer;
  /** What threads see as `127.0.0.1`. */
  readonly loopback?: IpAddress;
}

/** What a Worker says to the supervisor. */
export type ThreadWord =
  /** It runs threads now. */
  | { readonly word: "ready" }
  /** The guest has ended by the doing of a thread. */
  | {
    readonly word: "ended";
    readonly outcome: Outcome;
    /** The last growth of memory that this thread asked for was refused. */
    readonly growthRefused: boolean;
  }
  /** The host has failed. */
  | { readonly word: "failed"; readonly message: string };
