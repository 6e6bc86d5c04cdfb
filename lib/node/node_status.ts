/**
 * Decides when the node's status is told, and in which words.
 *
 * @module
 */
import type { Node, NodeStatus } from "../api/types.ts";
import { sameConditions } from "./conditions.ts";

/** All is well, said again: a kubelet's `--node-status-report-frequency`. */
export const STATUS_REPORT_MS = 5 * 60_000;

/** What was told before. */
export interface SentStatus {
  /** {@linkcode essenceOf} the status. */
  readonly essence: string;
  readonly atMs: number;
}

/** Must this status be told, in view of what was told and of what the cluster has? */
export function isReportDue(
  status: NodeStatus,
  facts: { readonly sent: SentStatus | undefined; readonly node: Node; readonly nowMs: number },
): boolean {
  const { sent, node, nowMs } = facts;
  if (sent === undefined || nowMs - sent.atMs >= STATUS_REPORT_MS) return true;
  if (sent.essence !== essenceOf(status)) return true;
  // The node controller turns Ready to Unknown when it misses us, for instance.
  const conditions = status.conditions ?? [];
  const seen = conditions.flatMap(({ type }) =>
    (node.status?.conditions ?? []).filter((condition) => condition.type === type)
  );
  return !sameConditions(conditions, seen);
}

/** A status without its times, to be compared. */
export function essenceOf(status: NodeStatus): string {
  return JSON.stringify({
    ...status,
    conditions: status.conditions?.map(({ type, status, reason, message }) => ({
      type,
      status,
      reason,
      message,
    })),
  });
}

/**
 * The strategic merge patch that tells a status. Conditions of others stay; addresses are replaced
 * as a whole, because they would be merged by their type, of which there may be two.
 */
export function statusPatch(status: NodeStatus): Record<string, unknown> {
  return {
    status: { ...status, addresses: [...status.addresses ?? [], { $patch: "replace" }] },
  };
}
