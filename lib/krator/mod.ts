/**
 * krator: lives of Kubernetes objects as typed state machines.
 *
 * A pod's life in this kubelet is built on it, and so can be an operator of your own: draw the
 * edges, write one state per arrow's start, and let a {@linkcode Controller} run one machine for
 * each object.
 *
 * @example
 * ```ts
 * import { runMachine } from "./mod.ts";
 *
 * const EDGES = { awake: ["asleep"], asleep: ["awake", "gone"], gone: [] } as const;
 * let nights = 0;
 * const end = await runMachine({
 *   edges: EDGES,
 *   initial: "awake",
 *   context: {},
 *   states: {
 *     awake: { run: () => "asleep" },
 *     asleep: { run: () => ++nights === 2 ? "gone" : "awake" },
 *   },
 * });
 * console.assert(end === "gone");
 * ```
 *
 * @module
 */
export * from "./machine.ts";
export * from "./latest.ts";
export * from "./controller.ts";
