/**
 * What nodes may see of a cluster's network beyond their own objects.
 *
 * @module
 */
import type { Cluster } from "./cluster.ts";
import { eventually } from "./eventually.ts";

const RIGHTS = "/apis/rbac.authorization.k8s.io/v1";
const ROLE = "network-policies-of-nodes";

/** Lets all nodes see what policies are made of, and waits until the server knows. */
export async function allowNetworkPolicies(cluster: Cluster): Promise<void> {
  const review = {
    spec: {
      user: "system:node:any",
      groups: ["system:nodes"],
      resourceAttributes: {
        verb: "list",
        group: "networking.k8s.io",
        resource: "networkpolicies",
        namespace: "any",
      },
    },
  };
  const isAllowed = async (): Promise<boolean> => {
    const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    const { status } = await cluster.create<{ status: { allowed: boolean } }>(path, review);
    return status.allowed;
  };
  if (await isAllowed()) return;
  await cluster.create(`${RIGHTS}/clusterroles`, {
    metadata: { name: ROLE },
    rules: [
      {
        apiGroups: ["networking.k8s.io"],
        resources: ["networkpolicies"],
        verbs: ["get", "list", "watch"],
      },
      { apiGroups: [""], resources: ["pods", "namespaces"], verbs: ["get", "list", "watch"] },
    ],
  });
  await cluster.create(`${RIGHTS}/clusterrolebindings`, {
    metadata: { name: ROLE },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: ROLE },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:nodes" }],
  });
  await eventually("nodes to be allowed to see policies", isAllowed);
}
