import type { GuestMemory } from "../memory.ts";
import type { QuestionLine } from "./questions.ts";
import type { ThreadLedger } from "./thread_ledger.ts";

/** What the calls of a Worker's threads work on. */
export interface ThreadContext {
  readonly memory: GuestMemory;
  readonly ledger: ThreadLedger;
  readonly line: QuestionLine;
  /** `proc_exit`: ends all threads. */
  exit(code: number): never;
  /** Unwinds this thread, because the guest has ended. */
  leave(): never;
}
