/**
 * The conditions of the Node, in a kubelet's words.
 *
 * @module
 */
import type { NodeCondition } from "../api/types.ts";
import { kubeTime } from "../time.ts";

/** What a node can be short of. */
export type Pressure = "memory" | "disk" | "pid";

/** Is the node ready for pods, and if not, why? */
export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly message: string };

/** What the conditions are made of. */
export interface ConditionFacts {
  readonly pressures: ReadonlySet<Pressure>;
  readonly readiness: Readiness;
  /** How the renewal of certificates goes. @default {nobody renews them: there is no condition} */
  readonly renewal?: { readonly trouble: string | undefined } | undefined;
  /** The conditions before: one whose status stays keeps the time of its last transition. */
  readonly previous: readonly NodeCondition[];
  readonly nowMs: number;
}

/** MemoryPressure, DiskPressure, PIDPressure and Ready, in a kubelet's order; ours before the last. */
export function describeConditions(facts: ConditionFacts): NodeCondition[] {
  const { pressures, readiness, renewal } = facts;
  const now = kubeTime(facts.nowMs);
  return [
    pressures.has("memory")
      ? bad("MemoryPressure", "KubeletHasInsufficientMemory", "insufficient memory available")
      : good("MemoryPressure", "KubeletHasSufficientMemory", "sufficient memory available"),
    pressures.has("disk")
      ? bad("DiskPressure", "KubeletHasDiskPressure", "disk pressure")
      : good("DiskPressure", "KubeletHasNoDiskPressure", "no disk pressure"),
    pressures.has("pid")
      ? bad("PIDPressure", "KubeletHasInsufficientPID", "insufficient PID available")
      : good("PIDPressure", "KubeletHasSufficientPID", "sufficient PID available"),
    ...(renewal === undefined ? [] : [renewalCondition(renewal.trouble)]),
    readyCondition(readiness),
  ].map((condition) => {
    const before = facts.previous.find(({ type }) => type === condition.type);
    const transition = before?.status === condition.status ? before.lastTransitionTime : undefined;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime: transition ?? now };
  });
}

/** Equal but for the heartbeat, which alone is no news. */
export function sameConditions(
  a: readonly NodeCondition[],
  b: readonly NodeCondition[],
): boolean {
  const essence = (list: readonly NodeCondition[]): string =>
    JSON.stringify(
      list.map(({ type, status, reason, message }) => [type, status, reason, message]),
    );
  return essence(a) === essence(b);
}

function readyCondition(readiness: Readiness): NodeCondition {
  return readiness.ready
    ? {
      type: "Ready",
      status: "True",
      reason: "KubeletReady",
      message: "kubelet is posting ready status",
    }
    : { type: "Ready", status: "False", reason: "KubeletNotReady", message: readiness.message };
}

function renewalCondition(trouble: string | undefined): NodeCondition {
  const type = "CertificatesExpiring";
  return trouble === undefined
    ? good(type, "CertificatesAreRenewed", "certificates that are renewed in time")
    : { type, status: "True", reason: "CertificateRenewalFailed", message: trouble };
}

function good(type: string, reason: string, what: string): NodeCondition {
  return { type, status: "False", reason, message: `kubelet has ${what}` };
}

function bad(type: string, reason: string, what: string): NodeCondition {
  return { type, status: "True", reason, message: `kubelet has ${what}` };
}
