/**
 * Who has been let in on this node, and what they set aside.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { clashes, type HostPort, hostPortsOf } from "../host_ports.ts";
import { Lanes } from "../lanes.ts";
import { type Amounts, amountsOf, sum } from "./amounts.ts";
import { type Misfit, misfit } from "./fit.ts";
import { podRequests } from "./pod_requests.ts";

/** Keeps the pods of the node within what it can allocate. */
export class Ledger {
  readonly #allocatable: Amounts;
  readonly #pods = new Map<string, Amounts>();
  readonly #ports = new Map<string, readonly HostPort[]>();
  /** Whoever drives others away has to be alone: until they are gone, they and their heir count both. */
  readonly preemption = new Lanes(1);

  /** @param allocatable the node's `status.allocatable`. */
  constructor(allocatable: Readonly<Record<string, string>>) {
    this.#allocatable = amountsOf(allocatable);
  }

  /** Lets a pod in, if it fits; else says why not. A pod that is in is measured anew. */
  admit(uid: string, pod: Pod): Misfit | undefined {
    const found = misfit(pod, { allocatable: this.#allocatable, others: this.#others(uid) }) ??
      this.#clash(uid, pod);
    if (found === undefined) this.keep(uid, pod);
    return found;
  }

  /** Counts a pod that was let in before, whether it fits or not: what runs is not sent away. */
  keep(uid: string, pod: Pod): void {
    this.#pods.set(uid, sum(podRequests(pod), new Map([["pods", 1n]])));
    this.#ports.set(uid, hostPortsOf(pod));
  }

  /** What a pod that was let in sets aside. */
  amounts(uid: string): Amounts | undefined {
    return this.#pods.get(uid);
  }

  /** How much of each resource others would have to give back before the pod fits. */
  missing(uid: string, pod: Pod): Amounts {
    const others = this.#others(uid);
    const asked = sum(podRequests(pod), new Map([["pods", 1n]]));
    const lacks = [...asked].map(([name, amount]) => {
      const left = (this.#allocatable.get(name) ?? 0n) - (others.get(name) ?? 0n);
      return [name, amount - left] as const;
    });
    return new Map(lacks.filter(([name, lack]) => lack > 0n && asked.get(name) !== 0n));
  }

  /** Nothing of the pod runs any more. */
  release(uid: string): void {
    this.#pods.delete(uid);
    this.#ports.delete(uid);
  }

  /** In a kubelet's words, which do not say whose port it is. */
  #clash(uid: string, pod: Pod): Misfit | undefined {
    const taken = [...this.#ports].flatMap(([other, ports]) => other === uid ? [] : ports);
    const asked = hostPortsOf(pod);
    if (!asked.some((one) => taken.some((other) => clashes(one, other)))) return undefined;
    const message =
      "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
    return { reason: "NodePorts", message, resource: "ports", never: false };
  }

  #others(uid: string): Amounts {
    return sum(...[...this.#pods].filter(([other]) => other !== uid).map(([, amounts]) => amounts));
  }
}
