/**
 * NetworkPolicies: who may speak with which pods.
 *
 * @module
 */
import type { KubeObject, LabelSelector } from "./meta.ts";

/** `networking.k8s.io/v1` NetworkPolicy. */
export interface NetworkPolicy extends KubeObject {
  /** What is asked for. */
  spec?: {
    /** The pods of its namespace that it limits; empty: all of them. */
    podSelector?: LabelSelector;
    /** `Ingress`, `Egress` or both. Default: `Ingress`, and `Egress` if there are rules for it. */
    policyTypes?: string[];
    /** What may come in: whatever one of these allows. */
    ingress?: NetworkPolicyIngressRule[];
    /** Where the pods may go: wherever one of these allows. */
    egress?: NetworkPolicyEgressRule[];
  };
}

/** `networking.k8s.io/v1` NetworkPolicyIngressRule. */
export interface NetworkPolicyIngressRule {
  /** From whom; absent or empty: from everybody. */
  from?: NetworkPolicyPeer[];
  /** To which ports of the pod; absent or empty: to all. */
  ports?: NetworkPolicyPort[];
}

/** `networking.k8s.io/v1` NetworkPolicyEgressRule. */
export interface NetworkPolicyEgressRule {
  /** To whom; absent or empty: to everybody. */
  to?: NetworkPolicyPeer[];
  /** To which of their ports; absent or empty: to all. */
  ports?: NetworkPolicyPort[];
}

/** `networking.k8s.io/v1` NetworkPolicyPeer: a range of addresses, or pods by one selector or by both. */
export interface NetworkPolicyPeer {
  /** Pods with these labels, in the policy's namespace unless there is a `namespaceSelector`. */
  podSelector?: LabelSelector;
  /** Namespaces with these labels; empty: all. */
  namespaceSelector?: LabelSelector;
  /** Addresses: `cidr` without those in `except`. Never together with a selector. */
  ipBlock?: { cidr: string; except?: string[] };
}

/** `networking.k8s.io/v1` NetworkPolicyPort. */
export interface NetworkPolicyPort {
  /** `TCP` (default), `UDP` or `SCTP`. */
  protocol?: string;
  /** A number, or the name that the pod which is spoken to gives one. Absent: all of the protocol. */
  port?: number | string;
  /** The last of a range that begins with `port`, which is a number then. */
  endPort?: number;
}
