/**
 * Makes room for a pod that the cluster cannot do without, as a kubelet does: pods of less importance end.
 *
 * @module
 */
import { choosePreempted, mayPreempt } from "../resources/preempt.ts";
import { qosClass } from "../status/qos.ts";
import { lackOfRoom } from "./admission.ts";
import type { PodContext } from "./context.ts";
import { endPod } from "./evict.ts";
import type { PodFailure } from "./record.ts";

const PREEMPTED = "Preempted in order to admit critical pod";

/**
 * Sets aside what a pod asks for, or says why there is no room. For a critical pod (priority 2000000000 and above) others
 * end within their grace periods, and it is waited for. Settles early when the pod itself has to end.
 */
export async function makeRoom(context: PodContext): Promise<PodFailure | undefined> {
  const { pod, key, record, services: { ledger } } = context;
  const failure = lackOfRoom(pod, context);
  if (failure === undefined || ledger === undefined) return failure;
  const missing = ledger.missing(key.uid, pod);
  const may = [...context.others()].filter((other) =>
    mayPreempt(pod, other.pod) && !other.own && other.ending.cause === undefined &&
    other.record.finalPhase === undefined && ledger.amounts(other.key.uid) !== undefined
  );
  if (missing.size === 0 || !mayPreempt(pod, {})) return failure;
  const victims = choosePreempted(
    missing,
    may.map((other) => ({
      uid: other.key.uid,
      context: other,
      qos: qosClass(other.pod),
      amounts: ledger.amounts(other.key.uid) ?? new Map(),
    })),
  );
  if (victims === undefined) return unableToPreempt(missing);
  // At once, so that what becomes free is nobody else's.
  ledger.keep(record.uid, pod);
  await Promise.race([
    Promise.all(victims.map((victim) => preempt(victim.context))),
    new Promise<void>((resolve) => {
      if (context.dismissed.aborted) resolve();
      context.dismissed.addEventListener("abort", () => resolve(), { once: true });
    }),
  ]);
  return undefined;
}

async function preempt(victim: PodContext): Promise<void> {
  victim.tell("Warning", "Preempting", PREEMPTED);
  const failure: PodFailure = {
    reason: "Preempting",
    message: PREEMPTED,
    disruption: "TerminationByKubelet",
  };
  await endPod(victim, { failure, graceMs: victim.graceMs });
}

function unableToPreempt(missing: ReadonlyMap<string, bigint>): PodFailure {
  const list = [...missing].map(([name, amount]) => `(res: ${name}, q: ${amount}), `).join("");
  return {
    reason: "UnexpectedAdmissionError",
    message:
      `Pod was rejected: Unexpected error while attempting to recover from admission failure: \
preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [${list}]`,
  };
}
