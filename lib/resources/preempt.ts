/**
 * Which pods make room for one that a cluster cannot do without.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { type Amounts, sum } from "./amounts.ts";
import { isCritical } from "./critical.ts";

/** A pod that could make room. */
export interface Preemptable {
  readonly uid: string;
  /** Its QoS class. */
  readonly qos: "BestEffort" | "Burstable" | "Guaranteed";
  /** What it sets aside. */
  readonly amounts: Amounts;
}

/** True if the one may drive the other away: only a critical pod may, and never one of its rank or above. */
export function mayPreempt(one: Pod, other: Pod): boolean {
  if (!isCritical(one)) return false;
  return !isCritical(other) || (one.spec?.priority ?? 0) > (other.spec?.priority ?? 0);
}

/**
 * As few pods as give back what is missing, in a kubelet's order: of the higher QoS classes only what the lower
 * ones cannot give, and of those no more than is still missing then. `undefined` if all together cannot.
 */
export function choosePreempted<One extends Preemptable>(
  missing: Amounts,
  pods: readonly One[],
): One[] | undefined {
  const of = (qos: Preemptable["qos"]): One[] => pods.filter((pod) => pod.qos === qos);
  const [low, middle, high] = [of("BestEffort"), of("Burstable"), of("Guaranteed")];
  if (isMissing(without(missing, pods))) return undefined;
  const fromHigh = nearest(without(missing, [...low, ...middle]), high);
  const fromMiddle = nearest(without(missing, [...low, ...fromHigh]), middle);
  const fromLow = nearest(without(missing, [...fromHigh, ...fromMiddle]), low);
  return [...fromHigh, ...fromMiddle, ...fromLow];
}

/** Takes the pod that comes nearest to what is missing, until nothing is; of equals the one that asks for less. */
function nearest<One extends Preemptable>(missing: Amounts, pods: readonly One[]): One[] {
  const [taken, left] = [[] as One[], [...pods]];
  for (let still = missing; isMissing(still) && left.length > 0;) {
    const [best] = left.toSorted((one, other) =>
      distance(still, one) - distance(still, other) || excess(still, one) - excess(still, other)
    );
    taken.push(best!);
    left.splice(left.indexOf(best!), 1);
    still = without(still, [best!]);
  }
  return taken;
}

/** How much of what is missing a pod leaves missing: the squares of the shares, added up. */
function distance(missing: Amounts, { amounts }: Preemptable): number {
  let total = 0;
  for (const [name, amount] of missing) {
    const left = amount - (amounts.get(name) ?? 0n);
    if (left > 0n) total += (Number(left) / Number(amount)) ** 2;
  }
  return total;
}

/** What goes with a pod beyond what is missing. */
function excess(missing: Amounts, { amounts }: Preemptable): number {
  let total = 0;
  for (const [name, amount] of missing) {
    total += Math.max(0, Number(amounts.get(name) ?? 0n) / Number(amount) - 1);
  }
  return total;
}

/** What is still missing when these pods have gone. */
function without(missing: Amounts, pods: readonly Preemptable[]): Amounts {
  const given = sum(...pods.map(({ amounts }) => amounts));
  const left = [...missing].map(([name, amount]) =>
    [name, amount - (given.get(name) ?? 0n)] as const
  );
  return new Map(left.filter(([, amount]) => amount > 0n));
}

function isMissing(amounts: Amounts): boolean {
  return amounts.size > 0;
}
