/**
 * What has to be known of the cluster for some policies, so that no more of it is watched.
 *
 * @module
 */
import type { PolicyRules, Rule } from "./rules.ts";
import { EVERYTHING } from "./selector.ts";

/** What questions about some policies may need. */
export interface Needs {
  /** Pods of these namespaces, or of all. */
  readonly pods: ReadonlySet<string> | "all";
  /** The labels of namespaces. */
  readonly namespaces: boolean;
}

/** Beyond it all pods are watched: each watch keeps a connection. */
export const POD_WATCHES_MAX = 16;

/** What is needed for these policies. Touches nothing. */
export function needsOf(policies: Iterable<PolicyRules>): Needs {
  const pods = new Set<string>();
  let [all, namespaces] = [false, false];
  for (const policy of policies) {
    for (const rule of policy.egress ?? []) all ||= namesPort(rule);
    for (const rule of [...policy.ingress ?? [], ...policy.egress ?? []]) {
      for (const peer of rule.peers ?? []) {
        if (peer.kind === "block") continue;
        if (typeof peer.namespaces !== "function") {
          for (const name of peer.namespaces) pods.add(name);
        } else {
          all = true;
          namespaces ||= peer.namespaces !== EVERYTHING;
        }
      }
    }
  }
  return { pods: all || pods.size > POD_WATCHES_MAX ? "all" : pods, namespaces };
}

/** A named port of somebody else, who can be any pod: only pods give ports a name. */
function namesPort({ peers, ports }: Rule): boolean {
  const isOpen = peers === undefined || peers.some(({ kind }) => kind === "block");
  return isOpen && (ports ?? []).some((port) => "name" in port);
}
