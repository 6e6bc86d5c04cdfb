/**
 * Paths of the API that this program uses. Every name is encoded, so none can lead elsewhere.
 *
 * @module
 */

const CORE = "/api/v1";
const CERTIFICATES = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const TRUST_BUNDLES = "/apis/certificates.k8s.io/v1beta1/clustertrustbundles";
/** Namespace of the nodes' leases. */
const NODE_LEASES = "kube-node-lease";

/** Pods of one namespace, or of all. */
export function podsPath(namespace?: string): string {
  return namespace === undefined ? `${CORE}/pods` : namespaced(namespace, "pods");
}

/** One pod. */
export function podPath(namespace: string, name: string): string {
  return namespaced(namespace, "pods", name);
}

/** One pod's status. */
export function podStatusPath(namespace: string, name: string): string {
  return `${podPath(namespace, name)}/status`;
}

/** Evicts one pod (POST). */
export function podEvictionPath(namespace: string, name: string): string {
  return `${podPath(namespace, name)}/eviction`;
}

/** All nodes. */
export function nodesPath(): string {
  return `${CORE}/nodes`;
}

/** One node. */
export function nodePath(name: string): string {
  return `${nodesPath()}/${segment(name)}`;
}

/** One node's status. */
export function nodeStatusPath(name: string): string {
  return `${nodePath(name)}/status`;
}

/** Leases of all nodes. */
export function leasesPath(): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${NODE_LEASES}/leases`;
}

/** One node's lease; it has the node's name. */
export function leasePath(name: string): string {
  return `${leasesPath()}/${segment(name)}`;
}

/** All namespaces. */
export function namespacesPath(): string {
  return `${CORE}/namespaces`;
}

/** NetworkPolicies of one namespace. */
export function networkPoliciesPath(namespace: string): string {
  return `/apis/networking.k8s.io/v1/namespaces/${segment(namespace)}/networkpolicies`;
}

/** One namespace. */
export function namespacePath(name: string): string {
  return `${namespacesPath()}/${segment(name)}`;
}

/** Events (`core/v1`) of one namespace. */
export function eventsPath(namespace: string): string {
  return namespaced(namespace, "events");
}

/** One event. */
export function eventPath(namespace: string, name: string): string {
  return namespaced(namespace, "events", name);
}

/** ConfigMaps of one namespace. A node may ask for it only with `metadata.name=…`. */
export function configMapsPath(namespace: string): string {
  return namespaced(namespace, "configmaps");
}

/** One ConfigMap. */
export function configMapPath(namespace: string, name: string): string {
  return namespaced(namespace, "configmaps", name);
}

/** Secrets of one namespace. A node may ask for it only with `metadata.name=…`. */
export function secretsPath(namespace: string): string {
  return namespaced(namespace, "secrets");
}

/** One Secret. */
export function secretPath(namespace: string, name: string): string {
  return namespaced(namespace, "secrets", name);
}

/** One PersistentVolumeClaim. */
export function claimPath(namespace: string, name: string): string {
  return namespaced(namespace, "persistentvolumeclaims", name);
}

/** One PersistentVolume. */
export function persistentVolumePath(name: string): string {
  return `${CORE}/persistentvolumes/${segment(name)}`;
}

/** All ClusterTrustBundles, or one. */
export function trustBundlesPath(name?: string): string {
  return name === undefined ? TRUST_BUNDLES : `${TRUST_BUNDLES}/${segment(name)}`;
}

/** One service account. */
export function serviceAccountPath(namespace: string, name: string): string {
  return namespaced(namespace, "serviceaccounts", name);
}

/** New tokens of one service account (POST a TokenRequest). */
export function serviceAccountTokenPath(namespace: string, name: string): string {
  return `${serviceAccountPath(namespace, name)}/token`;
}

/** Services of all namespaces, or of one. */
export function servicesPath(namespace?: string): string {
  return namespace === undefined ? `${CORE}/services` : namespaced(namespace, "services");
}

/** EndpointSlices of all namespaces. */
export function endpointSlicesPath(): string {
  return "/apis/discovery.k8s.io/v1/endpointslices";
}

/** One RuntimeClass. */
export function runtimeClassPath(name: string): string {
  return `/apis/node.k8s.io/v1/runtimeclasses/${segment(name)}`;
}

/** All certificate signing requests. */
export function csrsPath(): string {
  return CERTIFICATES;
}

/** One certificate signing request. */
export function csrPath(name: string): string {
  return `${CERTIFICATES}/${segment(name)}`;
}

/** Asks whether somebody may do something (POST). */
export function subjectAccessReviewsPath(): string {
  return "/apis/authorization.k8s.io/v1/subjectaccessreviews";
}

/** Asks whether we ourselves may do something (POST). */
export function selfSubjectAccessReviewsPath(): string {
  return "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
}

/** Asks who we ourselves are (POST). */
export function selfSubjectReviewsPath(): string {
  return "/apis/authentication.k8s.io/v1/selfsubjectreviews";
}

/** Asks who a bearer token belongs to (POST). */
export function tokenReviewsPath(): string {
  return "/apis/authentication.k8s.io/v1/tokenreviews";
}

/** The server's version. */
export function versionPath(): string {
  return "/version";
}

function namespaced(namespace: string, resource: string, name?: string): string {
  const base = `${namespacePath(namespace)}/${resource}`;
  return name === undefined ? base : `${base}/${segment(name)}`;
}

/** An empty name would ask for the whole list, and `..` would be folded away by the URL parser. */
function segment(name: string): string {
  if (name === "" || name === "." || name === "..") {
    throw new TypeError(`Cannot build an API path from the name "${name}": it is not a name`);
  }
  return encodeURIComponent(name);
}
