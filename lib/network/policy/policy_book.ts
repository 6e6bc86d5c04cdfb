/**
 * What network policies say, for whoever gives pods their network.
 *
 * @module
 */
import type { Pod } from "../../api/types.ts";
import type { Endpoint } from "../../guest_network.ts";
import type { Verdict } from "./judge.ts";
import type { NameServer } from "./name_servers.ts";
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
  /** Answers a question. */
  judge(question: PolicyQuestion): Judgement;
  /** Whether the node may ask a server for names in the pod's place: see {@linkcode NameServer}. */
  mayAskNames(pod: Pod, server: NameServer): Verdict;
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
