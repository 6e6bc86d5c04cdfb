/**
 * What a node needs to be allowed, and whether it is.
 *
 * @module
 */
import type { ApiClient } from "../api/client.ts";
import { selfSubjectAccessReviewsPath } from "../api/paths.ts";
import type { Finding } from "./finding.ts";

/** Attributes of a SelfSubjectAccessReview (authorization.k8s.io/v1). */
export interface Right {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Since 1.34 a node may list only what a selector on itself finds. */
  readonly fieldSelector?: {
    readonly requirements: readonly {
      readonly key: string;
      readonly operator: "In";
      readonly values: readonly string[];
    }[];
  };
}

/** What the agent does in the name of the node; for a bootstrap it is only to ask. */
export function neededRights(nodeName: string, as: "node" | "bootstrap"): Right[] {
  const ask: Right = {
    verb: "create",
    group: "certificates.k8s.io",
    resource: "certificatesigningrequests",
  };
  if (as === "bootstrap") return [ask];
  const own = {
    fieldSelector: {
      requirements: [{ key: "spec.nodeName", operator: "In", values: [nodeName] }],
    },
  } as const;
  const lease = {
    group: "coordination.k8s.io",
    resource: "leases",
    namespace: "kube-node-lease",
    name: nodeName,
  };
  return [
    { verb: "create", resource: "nodes", name: nodeName },
    { verb: "get", resource: "nodes", name: nodeName },
    // The server takes the name out of the selector.
    { verb: "list", resource: "nodes", name: nodeName },
    { verb: "watch", resource: "nodes", name: nodeName },
    { verb: "patch", resource: "nodes", name: nodeName },
    { verb: "patch", resource: "nodes", subresource: "status", name: nodeName },
    { verb: "get", ...lease },
    { verb: "update", ...lease },
    { verb: "list", resource: "pods", ...own },
    { verb: "watch", resource: "pods", ...own },
    { verb: "patch", resource: "pods", subresource: "status", namespace: "default" },
    { verb: "list", resource: "services" },
    { verb: "create", resource: "events", namespace: "default" },
    { verb: "create", group: "authorization.k8s.io", resource: "subjectaccessreviews" },
    { verb: "create", group: "authentication.k8s.io", resource: "tokenreviews" },
    ask,
  ];
}

/** What connections to Services, names and network policies of pods depend on; a node works without. */
export function networkRights(): Right[] {
  const resources: Pick<Right, "group" | "resource">[] = [
    { resource: "services" },
    { group: "discovery.k8s.io", resource: "endpointslices" },
    { group: "networking.k8s.io", resource: "networkpolicies" },
    { resource: "namespaces" },
    { resource: "pods" },
  ];
  return resources.flatMap((resource) => ["list", "watch"].map((verb) => ({ verb, ...resource })));
}

/** Says what pods will miss. */
export function judgeNetworkRights(missing: readonly Right[]): Finding {
  const check = "network-rights";
  if (missing.length === 0) {
    return { check, state: "ok", message: "Services and network policies may be seen" };
  }
  const words = [...new Set(missing.map(({ resource }) => resource))].join(", ");
  return {
    check,
    state: "warn",
    message: `it is not allowed to list and watch ${words}: Services, their names or network \
policies do not work in pods`,
    advice: 'run "krustlet bootstrap" as an administrator, or apply the role of docs/services.md',
  };
}

/** Asks the API server about each right. Rejects if it cannot be asked. */
export async function missingRights(
  client: ApiClient,
  { rights, signal }: { readonly rights: readonly Right[]; readonly signal: AbortSignal },
): Promise<Right[]> {
  const answers = await Promise.all(rights.map(async (right) => {
    const review = await client.create<{ status?: { allowed?: boolean } }>(
      selfSubjectAccessReviewsPath(),
      {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: right },
      },
      { signal },
    );
    return review.status?.allowed === true;
  }));
  return rights.filter((_, at) => answers[at] !== true);
}

/** Says what is not allowed. */
export function judgeRights(missing: readonly Right[], as: "node" | "bootstrap"): Finding {
  const check = "rights";
  if (missing.length === 0) {
    return { check, state: "ok", message: "all that a node has to do is allowed" };
  }
  const words = missing.map(({ verb, resource, subresource }) =>
    `${verb} ${resource}${subresource === undefined ? "" : `/${subresource}`}`
  );
  return {
    check,
    state: "fail",
    message: `it is not allowed to ${words.join(", ")}`,
    advice: as === "bootstrap"
      ? 'run "krustlet bootstrap" as an administrator: it makes the bindings'
      : "a node is allowed what it needs by the Node authorizer (--authorization-mode=Node,RBAC of " +
        "kube-apiserver) and its own name",
  };
}
