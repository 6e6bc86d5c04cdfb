/**
 * Makes room for a pod that the cluster cannot do without, as a kubelet does: pods of less importance end.
 *
 * @module
 */
import type { Ledger } from "../resources/ledger.ts";
import { choosePreempted, mayPreempt } from "../resources/preempt.ts";
import { qosClass } from "../status/qos.ts";
import { aborted } from "../time.ts";
import { lackOfRoom } from "./admission.ts";
import type { PodContext } from "./context.ts";
import { endPod } from "./evict.ts";
import type { PodFailure } from "./record.ts";

const PREEMPTED = "Preempted in order to admit critical pod";

/**
 * Sets aside what a pod asks for, or says why there is no room. For a critical pod (priority 2000000000 and above) others
 * end within their grace periods, and it is waited for; one such pod after the other. Settles early when the pod itself has
 * to end.
 */
export async function makeRoom(context: PodContext): Promise<PodFailure | undefined> {
  const { pod, key, dismissed, services: { ledger } } = context;
  const failure = lackOfRoom(pod, context);
  if (failure === undefined || ledger === undefined || !mayPreempt(pod, {})) return failure;
  if (ledger.missing(key.uid, pod).size === 0) return failure;
  const turn = ledger.preemption.enter();
  const made = turn.then(() => dismissed.aborted ? undefined : driveAway(context, ledger));
  try {
    return await Promise.race([made, aborted(dismissed).then(() => undefined)]);
  } finally {
    // Also that of somebody who has to end before it comes.
    void turn.then((mine) => mine[Symbol.dispose]());
  }
}

async function driveAway(context: PodContext, ledger: Ledger): Promise<PodFailure | undefined> {
  const { pod, key, record } = context;
  // Others that had to go are gone by now.
  const failure = lackOfRoom(pod, context);
  if (failure === undefined) return undefined;
  const missing = ledger.missing(key.uid, pod);
  const may = [...context.others()].filter((other) =>
    mayPreempt(pod, other.pod) && !other.own && other.ending.cause === undefined &&
    other.record.finalPhase === undefined && ledger.amounts(other.key.uid) !== undefined
  );
  if (missing.size === 0) return failure;
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
  await Promise.all(victims.map((victim) => preempt(victim.context)));
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
