/**
 * Whether NetworkPolicies allow what a pod does, or what is done to it. Decides; touches nothing.
 *
 * @module
 */
import { inCidr, parseIp } from "../ip.ts";
import type { Direction, NamespaceChoice, Peer, PolicyRules, PortRule, Rule } from "./rules.ts";
import { EVERYTHING, type Labels } from "./selector.ts";

/** What policies see of a pod. */
export interface PodFacts {
  readonly namespace: string;
  readonly labels: Labels;
  /** The ports that its containers give a name. */
  readonly ports: readonly NamedPort[];
}

/** A port that a container gives a name. */
export interface NamedPort {
  readonly name: string;
  readonly port: number;
  /** As `TCP`. */
  readonly protocol: string;
}

/** What is known of the cluster. */
export interface Peers {
  /** The pod that has this address as its own. */
  podAt(ip: string): PodFacts | undefined;
  /** True if {@linkcode podAt} knows every pod of the namespace; without a name, of the cluster. */
  knowsPods(namespace?: string): boolean;
  /** The labels of a namespace, if they are known. */
  namespaceLabels(name: string): Labels | undefined;
  /** True if {@linkcode namespaceLabels} knows every namespace. */
  readonly knowsNamespaces: boolean;
}

/** What somebody wants to do. */
export interface Attempt {
  /** Seen from {@linkcode pod}. */
  readonly direction: Direction;
  readonly pod: PodFacts;
  /** The other side's address. */
  readonly peerIp: string;
  /** The port that is spoken to: the pod's own for ingress, the peer's for egress. */
  readonly port: number;
  readonly protocol: "TCP" | "UDP" | "SCTP";
}

/** `unknown`: not before more is known of the cluster. */
export type Verdict = "allowed" | "refused" | "unknown";

/** The policies that limit a pod in one direction; if there are any, only what they allow is allowed. */
export function policiesOn(
  pod: Pick<PodFacts, "namespace" | "labels">,
  { direction, policies }: {
    readonly direction: Direction;
    readonly policies: Iterable<PolicyRules>;
  },
): PolicyRules[] {
  return [...policies].filter((policy) =>
    policy[direction] !== undefined && policy.namespace === pod.namespace &&
    policy.selects(pod.labels)
  );
}

/**
 * Judges an attempt by the policies that limit the pod in that direction, see {@linkcode policiesOn}: none
 * limits nothing, and several add up.
 */
export function judge(
  attempt: Attempt,
  { limiting, peers }: { readonly limiting: readonly PolicyRules[]; readonly peers: Peers },
): Verdict {
  if (limiting.length === 0) return "allowed";
  const scene: Scene = { ...attempt, ip: parseIp(attempt.peerIp), peers };
  const rules = limiting.flatMap((policy) => policy[attempt.direction] ?? []);
  const answer = any(rules, (rule) => allows(rule, scene));
  return answer === "unknown" ? answer : answer ? "allowed" : "refused";
}

/** Yes, no, or not yet known. */
type Answer = boolean | "unknown";

type Scene = Attempt & {
  readonly ip: Uint8Array | undefined;
  readonly peers: Peers;
};

function allows({ peers, ports }: Rule, scene: Scene): Answer {
  const byPort = ports === undefined || any(ports, (port) => isPort(port, scene));
  if (byPort === false) return false;
  const byPeer = peers === undefined || any(peers, (peer) => isPeer(peer, scene));
  return byPeer === true ? byPort : byPeer;
}

function isPort(rule: PortRule, scene: Scene): Answer {
  const { direction, pod, peerIp, port, protocol, peers } = scene;
  if (rule.protocol !== protocol) return false;
  if (!("name" in rule)) return rule.first <= port && port <= rule.last;
  const target = direction === "ingress" ? pod : peers.podAt(peerIp);
  if (target === undefined) return peers.knowsPods() ? false : "unknown";
  return target.ports.some((named) =>
    named.name === rule.name && named.protocol === protocol && named.port === port
  );
}

function isPeer(peer: Peer, { ip, peerIp, peers }: Scene): Answer {
  if (peer.kind === "block") {
    return ip !== undefined && inCidr(ip, peer.cidr) &&
      !peer.except.some((range) => inCidr(ip, range));
  }
  const pod = peers.podAt(peerIp);
  if (pod === undefined) return areKnown(peer.namespaces, peers) ? false : "unknown";
  if (!peer.selects(pod.labels)) return false;
  if (typeof peer.namespaces !== "function") return peer.namespaces.has(pod.namespace);
  if (peer.namespaces === EVERYTHING) return true;
  const labels = peers.namespaceLabels(pod.namespace);
  if (labels === undefined) return peers.knowsNamespaces ? false : "unknown";
  return peer.namespaces(labels);
}

function areKnown(namespaces: NamespaceChoice, peers: Peers): boolean {
  if (peers.knowsPods()) return true;
  return typeof namespaces !== "function" && [...namespaces].every((name) => peers.knowsPods(name));
}

/** True if one is, else unknown if one is. */
function any<T>(items: readonly T[], ask: (item: T) => Answer): Answer {
  let answer: Answer = false;
  for (const item of items) {
    const one = ask(item);
    if (one === true) return true;
    if (one === "unknown") answer = one;
  }
  return answer;
}
