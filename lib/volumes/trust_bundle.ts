import type { StorageSource } from "../api/object_source.ts";
import type { ClusterTrustBundle, ClusterTrustBundleProjection } from "../api/types.ts";
import { KubeletError } from "../errors.ts";

/**
 * The trust anchors that a projection names, as one PEM text: each certificate once, in the order of the
 * bundles' names and of their content, without what stands between the blocks (KEP-3257).
 *
 * Throws a {@linkcode KubeletError} with code `volume` if there are none, unless it is `optional`.
 */
export async function trustAnchors(
  spec: ClusterTrustBundleProjection,
  { storage, signal }: {
    readonly storage: StorageSource | undefined;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  if (storage === undefined) {
    throw new KubeletError("volume", "there is no cluster to ask for ClusterTrustBundles");
  }
  const bundles = await chosenBundles(spec, { storage, signal });
  const blocks = new Set(bundles.flatMap(({ spec }) => pemBlocks(spec?.trustBundle ?? "")));
  if (blocks.size > 0) return [...blocks].join("");
  if (spec.optional === true) return "";
  throw new KubeletError("volume", missing(spec, bundles.length));
}

async function chosenBundles(
  { name, signerName, labelSelector }: ClusterTrustBundleProjection,
  { storage, signal }: { readonly storage: StorageSource; readonly signal: AbortSignal },
): Promise<ClusterTrustBundle[]> {
  if (name) {
    const bundle = await storage.trustBundle(name, signal);
    return bundle === undefined ? [] : [bundle];
  }
  if (!signerName) {
    throw new KubeletError(
      "volume",
      "ClusterTrustBundle projection requires either name or signerName to be set",
    );
  }
  // Without a selector nothing is chosen; an empty one chooses all.
  if (labelSelector === undefined) return [];
  const bundles = await storage.trustBundles({ signerName, labelSelector }, signal);
  return bundles.filter(({ spec }) => spec?.signerName === signerName).sort(byName);
}

function byName(a: ClusterTrustBundle, b: ClusterTrustBundle): number {
  return (a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, each as its block in one form, so that equal ones are equal. */
function pemBlocks(text: string): string[] {
  return [...text.matchAll(CERTIFICATE)].map(([, body = ""]) => {
    const lines = body.replaceAll(/\s/g, "").match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
  });
}

function missing(
  { name, signerName }: ClusterTrustBundleProjection,
  bundles: number,
): string {
  if (bundles > 0) return "the chosen ClusterTrustBundles hold no certificate";
  return name
    ? `clustertrustbundle "${name}" not found`
    : `combination of signerName "${signerName}" and labelSelector matched zero ClusterTrustBundles`;
}
