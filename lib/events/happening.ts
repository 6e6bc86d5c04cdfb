/**
 * Things that happen to pods and to the node, as events tell of them.
 *
 * @module
 */
import type { ObjectReference } from "../api/types.ts";

/** One thing that happened. */
export interface Happening {
  /** What it happened to. */
  readonly object: ObjectReference;
  readonly type: "Normal" | "Warning";
  /** One word, a kubelet's where it has one: `Pulled`, `BackOff`, `Failed`… */
  readonly reason: string;
  readonly message: string;
}

/** Where events are told. */
export interface EventSink {
  /** Tells of one thing. Returns at once and never fails. */
  tell(happening: Happening): void;
}
