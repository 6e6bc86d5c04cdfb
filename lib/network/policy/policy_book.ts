/**
 * What network policies say, for whoever gives pods their network.
 *
 * @module
 */
import type { Pod } from "../../api/types.ts";
import type { Endpoint } from "../../guest_network.ts";
import type { Verdict } from "./judge.ts";
import type { Direction } from "./rules.ts";

/** What a pod wants to do, or somebody wants of it. Addresses are in their one form. */
export interface PolicyQuestion {
  /** Seen from the pod. */
  readonly direction: Direction;
  /** A pod of this node. */
  readonly pod: Pod;
  /** The other side: behind a Service, the endpoint that it leads to. */
  readonly peer: Endpoint;
  /** The port that is spoken to: the pod's own for ingress, the peer's for egress. */
  readonly port: number;
  readonly protocol: "TCP" | "UDP" | "SCTP";
}

/** An answer, and on whose behalf. */
export interface Judgement {
  readonly verdict: Verdict;
  /** Names of the policies, in the pod's namespace, that limit the pod in that direction. */
  readonly policies: readonly string[];
}

/** An attempt that was refused. */
export interface PolicyRefusal extends PolicyQuestion {
  /** Names of the policies, in the pod's namespace, none of which allows it. */
  readonly policies: readonly string[];
}

/** A pod that is on this node. */
export interface HeldPod extends Disposable {
  /** The pod's newest version: its labels decide which policies limit it. */
  update(pod: Pod): void;
}

/** Answers at once, from what is known. */
export interface PolicyBook {
  /**
   * Knows the policies of the pod's namespace until it is disposed. Before that every answer about the pod
   * is `unknown`. `podIPs` are the addresses that are the pod's alone: none if it shares the node's.
   */
  hold(pod: Pod, podIPs: readonly string[]): HeldPod;
  /** Answers a question; each refusal is told to whoever counts them. */
  judge(question: PolicyQuestion): Judgement;
  /** True if it is allowed, false also while that is unknown: see {@linkcode judge}. */
  allows(question: PolicyQuestion): boolean;
  /**
   * True if questions about what comes in must be asked: some policy limits the pod, or nobody knows yet. Also one
   * that limits only what goes out: what came in by UDP tells which packets going out are answers.
   */
  isGuarded(pod: Pod): boolean;
  /** Told whenever {@linkcode isGuarded} may have changed, until it is disposed. */
  onChange(listener: () => void): Disposable;
}

/** The words of an Event about a refusal. */
export function describeRefusal(refusal: PolicyRefusal): string {
  const { direction, peer, port, protocol, policies } = refusal;
  const address = peer.ip.includes(":") ? `[${peer.ip}]` : peer.ip;
  const what = direction === "egress"
    ? `reach ${address}:${port} (${protocol})`
    : `be reached on port ${port} (${protocol}) from ${peer.ip}`;
  const shown = policies.slice(0, POLICIES_TOLD_MAX).map((name) => `"${name}"`).join(", ");
  const more = policies.length - POLICIES_TOLD_MAX;
  return `The pod may not ${what}: no rule for ${direction} of NetworkPolicy ${shown}${
    more > 0 ? ` and ${more} more` : ""
  } allows it`;
}

/** Policies that one message names. */
const POLICIES_TOLD_MAX = 5;
