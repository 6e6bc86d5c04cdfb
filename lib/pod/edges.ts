/**
 * Every arrow of a pod's life, as one table.
 *
 * @module
 */
import type { Next, State, States } from "../krator/mod.ts";
import type { PodContext } from "./context.ts";

/** What leads where. ARCHITECTURE.md has a drawing of it. */
export const POD_EDGES = {
  /** Seen for the first time by this agent: can it ever run here? Has it run already? */
  registered: ["mounting", "rejecting", "finished", "terminating"],
  /** Its volumes are set up, and its RuntimeClass is looked up. */
  mounting: ["initializing", "terminating"],
  /** Its init containers run, one after the other. */
  initializing: ["running", "restarting", "terminating"],
  /** Its containers run. */
  running: ["finished", "restarting", "terminating"],
  /** One of its containers has made all of them begin again: what runs is killed. */
  restarting: ["initializing", "terminating"],
  /** It was told to end: the grace period, then the kill. */
  terminating: ["rejecting", "finished", "suspended", "removing"],
  /** It can never run here: it fails, once, and not too fast for whoever made it. */
  rejecting: ["finished", "terminating"],
  /** It has succeeded or failed, and waits to be deleted. */
  finished: ["removing", "suspended"],
  /** Everything of it on this machine is removed, and the cluster is told. */
  removing: ["removed"],
  removed: [],
  /** The agent ends; the next one goes on with the pod. */
  suspended: [],
} as const;

/** The table's type. */
export type PodEdges = typeof POD_EDGES;
/** The states of a pod's life. */
export type PodStateName = keyof PodEdges;
/** Where a state may lead. */
export type NextOf<From extends PodStateName> = Next<PodEdges, From>;
/** One state of a pod's life. */
export type PodState<Self extends PodStateName> = State<PodEdges, Self, PodContext>;
/** All states that do something. */
export type PodStates = States<PodEdges, PodContext>;
