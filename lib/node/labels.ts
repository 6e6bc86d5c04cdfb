/**
 * Which labels a node may give itself.
 *
 * @module
 */

/** Keys that this program sets; a user's value would make the node lie about itself. */
const MANAGED = new Set([
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "kubernetes.io/arch",
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "type",
]);

/** Keys in Kubernetes' own domains that the NodeRestriction admission plugin lets a node set. */
const ALLOWED = new Set([
  "beta.kubernetes.io/instance-type",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "node.kubernetes.io/instance-type",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
]);

/** Domains, with those below them, in which a node may set any key. */
const ALLOWED_DOMAINS = ["kubelet.kubernetes.io", "node.kubernetes.io"];
/** Kubernetes' own domains. */
const RESERVED_DOMAINS = ["kubernetes.io", "k8s.io"];

/** The user's labels that the node may have, and a sentence for each one that was left out. */
export function filterLabels(
  wanted: Readonly<Record<string, string>>,
): { labels: Record<string, string>; warnings: string[] } {
  const labels: Record<string, string> = {};
  const warnings: string[] = [];
  for (const [key, value] of Object.entries(wanted)) {
    const objection = objectionTo(key);
    if (objection === undefined) labels[key] = value;
    else warnings.push(`Cannot set node label "${key}": ${objection}; it is left out`);
  }
  return { labels, warnings };
}

function objectionTo(key: string): string | undefined {
  if (MANAGED.has(key)) return "the node sets it itself";
  const domain = key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
  const within = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);
  if (!RESERVED_DOMAINS.some(within)) return undefined;
  if (ALLOWED.has(key) || ALLOWED_DOMAINS.some(within)) return undefined;
  return "the cluster lets no node set it; use kubectl label, or a key in node.kubernetes.io/";
}
