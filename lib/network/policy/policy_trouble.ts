/**
 * What an operator has to know of network policies that cannot be read.
 *
 * @module
 */
import { isForbidden } from "../../api/client.ts";
import { messageOf } from "../../errors.ts";

/** What is watched for policies. */
export type PolicyResource = "networkpolicies" | "pods" | "namespaces";

/** Something that cannot be read. */
export interface PolicyTrouble {
  /** `NetworkPolicyForbidden`, or `NetworkPolicyUnavailable` for what may pass by itself. */
  readonly reason: "NetworkPolicyForbidden" | "NetworkPolicyUnavailable";
  readonly resource: PolicyResource;
  /** What follows from it, and what to do. */
  readonly message: string;
}

const ADVICE =
  'run "krustlet bootstrap" as an administrator, or apply the role of docs/services.md';
const CONSEQUENCES: Readonly<Record<PolicyResource, string>> = {
  networkpolicies: "so none is enforced on this node",
  pods: "so podSelector chooses only pods of this node",
  namespaces: "so namespaceSelector chooses namespaces by their names only",
};

/** The words for a failure of a watch, after which it is tried again in `retryInMs`. Touches nothing. */
export function troubleWith(
  resource: PolicyResource,
  { error, retryInMs }: { readonly error: unknown; readonly retryInMs: number },
): PolicyTrouble {
  const what = `Cannot watch ${resource} for network policies`;
  if (isForbidden(error)) {
    const message = `${what}: it is forbidden, ${CONSEQUENCES[resource]}; ${ADVICE}`;
    return { reason: "NetworkPolicyForbidden", resource, message };
  }
  const message = `${what}: ${messageOf(error)}; what is known stays, trying again in ` +
    `${Math.ceil(retryInMs / 1000)} s`;
  return { reason: "NetworkPolicyUnavailable", resource, message };
}
