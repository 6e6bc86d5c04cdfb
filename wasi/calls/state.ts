import type { Layout } from "../abi.ts";
import type { DescriptorTable } from "../descriptors/table.ts";
import type { Eventual, System } from "../host/host.ts";
import type { GuestMemory } from "../memory.ts";
import type { Network } from "../network/decision.ts";

/** What the calls of one guest work on. */
export interface GuestState {
  readonly memory: GuestMemory;
  readonly table: DescriptorTable;
  readonly host: System;
  /** Which generation of the interface the guest was built for. */
  readonly layout: Layout;
  readonly network: Network;
  /** argv, each with its NUL. */
  readonly args: readonly Uint8Array[];
  /** `K=V`, each with its NUL. */
  readonly env: readonly Uint8Array[];
  /** Called when the guest has waited for ten seconds; undefined from then on. */
  onIdle?: (() => void) | undefined;
  /** Ends the guest; does not return. */
  exit(code: number): never;
}

/**
 * Functions that the guest imports, by their names. Each answers an errno, or throws a `Refusal`.
 * What may have to wait answers a promise where the host cannot block its thread.
 * An argument is an `i32` (signed!) or, as a bigint, an `i64`.
 */
export type Calls = Readonly<Record<string, (...args: never[]) => Eventual>>;

/** The errno of an answer. */
export function errnoOfAnswer(answer: number): number {
  return answer < 0 ? -answer : 0;
}
