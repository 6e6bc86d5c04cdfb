/**
 * The right to see what connections and names of pods depend on, which nodes do not have by themselves.
 *
 * @module
 */
import {
  type Binding,
  bindingObject,
  type BindingReport,
  ensureBinding,
} from "./bootstrap_rbac.ts";
import { adminError } from "./bootstrap_token.ts";
import type { BootstrapObjects, KubernetesObject } from "./bootstrap_token.ts";
import { httpStatusOf } from "./errors.ts";

/** Name of the ClusterRole and of its ClusterRoleBinding. */
export const NETWORK_ROLE = "krustlet:network";
const API_VERSION = "rbac.authorization.k8s.io/v1";
const VERBS = ["get", "list", "watch"];
const RULES = [
  { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs: VERBS },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: VERBS },
  { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: VERBS },
];
const ROLE: KubernetesObject = {
  apiVersion: API_VERSION,
  kind: "ClusterRole",
  metadata: { name: NETWORK_ROLE },
  rules: RULES,
};
const BINDING: Binding = {
  name: NETWORK_ROLE,
  role: NETWORK_ROLE,
  group: "system:nodes",
  purpose: "nodes may see Services, their endpoints and network policies",
};

/**
 * Sees to it that nodes may see Services, their endpoints, network policies and what those select: elsewhere
 * kube-proxy and a network plugin on each node have this right.
 *
 * @throws {CertificateError} `forbidden` or `refused` if the API server says so.
 */
export async function ensureNetworkRbac(
  objects: BootstrapObjects,
  options: { readonly signal?: AbortSignal } = {},
): Promise<BindingReport[]> {
  return [
    await ensureRole(objects, options.signal),
    await ensureBinding(objects, BINDING, options.signal),
  ];
}

/** What {@linkcode ensureNetworkRbac} sees to, as it is made: the role, and who has it. */
export function networkObjects(): KubernetesObject[] {
  return [ROLE, bindingObject(BINDING)];
}

async function ensureRole(
  objects: BootstrapObjects,
  signal: AbortSignal | undefined,
): Promise<BindingReport> {
  const name = NETWORK_ROLE;
  const kind = "ClusterRole";
  try {
    const found = await objects.get({ apiVersion: API_VERSION, kind, name }, signal);
    if (found === undefined) {
      await objects.create(ROLE, signal).catch((error) => {
        // Another administrator was first.
        if (httpStatusOf(error) !== 409) throw error;
      });
      return { name, outcome: "created", message: `${kind} "${name}" was created` };
    }
    const same = JSON.stringify(found["rules"]) === JSON.stringify(RULES);
    return same ? { name, outcome: "existed", message: `${kind} "${name}" is there` } : {
      name,
      outcome: "differs",
      message:
        `${kind} "${name}" is there with other rules, so it was left alone; to have those of \
this release, delete it and run this again`,
    };
  } catch (error) {
    throw adminError(`${kind} "${name}"`, error);
  }
}
