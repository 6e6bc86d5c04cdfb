/**
 * Who has to go first when the node is short of something.
 *
 * @module
 */

/** A pod that could be evicted. */
export interface Candidate {
  readonly uid: string;
  /** `spec.priority`. */
  readonly priority: number;
  /** What it uses of what is short; `undefined` if nobody knows. */
  readonly usage: number | undefined;
  /** What it asked for. */
  readonly request: number;
}

/**
 * Pods in the order in which they are evicted: those that nobody knows the usage of; those that use more
 * than they asked for; those of less priority; those that are furthest beyond what they asked for
 * (Kubernetes documentation, "Node-pressure Eviction"). Equals stay in their order.
 */
export function rank<Pod extends Candidate>(pods: readonly Pod[]): Pod[] {
  return pods.toSorted((one, other) =>
    first(one.usage === undefined, other.usage === undefined) ||
    first(excess(one) > 0, excess(other) > 0) ||
    one.priority - other.priority ||
    excess(other) - excess(one)
  );
}

function excess({ usage = 0, request }: Candidate): number {
  return usage - request;
}

function first(one: boolean, other: boolean): number {
  return Number(other) - Number(one);
}
