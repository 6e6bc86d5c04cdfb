/**
 * From a claim of the pod's namespace to the volume that it is bound to.
 *
 * @module
 */
import type { StorageSource } from "../api/object_source.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";
import { nodeFits } from "./node_affinity.ts";

/** Keeps a claim in use from going away under its pod. */
const PROTECTION = "kubernetes.io/pvc-protection";

/** Whose claim is looked up, and where. */
export interface ClaimLookup {
  readonly storage: StorageSource | undefined;
  readonly pod: Pod;
  readonly nodeName: string;
  /** The claim was made for one volume of this pod (a generic ephemeral volume). */
  readonly ownedByPod: boolean;
  readonly signal: AbortSignal;
}

/**
 * The volume that a claim is bound to, once all is as a kubelet demands.
 *
 * Throws a {@linkcode KubeletError} with code `volume`, in a kubelet's words, for a claim that is
 * missing, is not bound, is going away or is another pod's, and for a volume that is another
 * claim's or out of this node's reach. All of this may be right later.
 */
export async function claimedVolume(
  claimName: string,
  { storage, pod, nodeName, ownedByPod, signal }: ClaimLookup,
): Promise<PersistentVolume> {
  const namespace = pod.metadata?.namespace ?? "default";
  try {
    if (storage === undefined) throw new Error("there is no cluster to ask for it");
    const claim = await storage.claim(namespace, claimName, signal);
    const found = boundClaim(claim);
    if (ownedByPod) demandOwner(found, pod);
    const name = found.spec?.volumeName ?? "";
    const volume = await storage.persistentVolume(name, signal);
    if (volume === undefined) throw new Error(`failed to fetch PV ${name}: it does not exist`);
    demandClaim(volume, found);
    await demandReach(volume, { storage, nodeName, signal });
    return volume;
  } catch (error) {
    signal.throwIfAborted();
    throw new KubeletError(
      "volume",
      `error processing PVC ${namespace}/${claimName}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** Name of the claim that the cluster makes for a generic ephemeral volume. */
export function ephemeralClaimName(pod: Pod, volumeName: string): string {
  return `${pod.metadata?.name ?? ""}-${volumeName}`;
}

function boundClaim(claim: PersistentVolumeClaim | undefined): PersistentVolumeClaim {
  if (claim === undefined) throw new Error("failed to fetch PVC: it does not exist");
  const { deletionTimestamp, finalizers = [] } = claim.metadata ?? {};
  if (deletionTimestamp !== undefined && !finalizers.includes(PROTECTION)) {
    throw new Error("PVC is being deleted");
  }
  if (claim.status?.phase !== "Bound") throw new Error("PVC is not bound");
  if (!claim.spec?.volumeName) throw new Error("PVC has empty pvc.Spec.VolumeName");
  return claim;
}

/** A claim that only bears the name could be somebody else's data. */
function demandOwner({ metadata }: PersistentVolumeClaim, pod: Pod): void {
  const controller = metadata?.ownerReferences?.find((owner) => owner.controller === true);
  const { uid } = pod.metadata ?? {};
  if (uid !== undefined && controller?.uid === uid) return;
  const { namespace, name } = pod.metadata ?? {};
  throw new Error(
    `PVC ${metadata?.namespace}/${metadata?.name} was not created for pod ${namespace}/${name} ` +
      "(pod is not owner)",
  );
}

function demandClaim({ metadata, spec }: PersistentVolume, claim: PersistentVolumeClaim): void {
  if (spec?.claimRef === undefined) {
    throw new Error(`PV ${metadata?.name} is not yet bound to the claim: it has no claimRef`);
  }
  if (spec.claimRef.uid !== undefined && spec.claimRef.uid === claim.metadata?.uid) return;
  throw new Error(
    `the claimRef of PV ${metadata?.name} has UID ${spec.claimRef.uid} and not that of the claim, ` +
      `${claim.metadata?.uid}`,
  );
}

async function demandReach(
  { metadata, spec }: PersistentVolume,
  { storage, nodeName, signal }: {
    readonly storage: StorageSource;
    readonly nodeName: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const required = spec?.nodeAffinity?.required;
  if (required === undefined) return;
  const node = await storage.node(nodeName, signal);
  const labels = node?.metadata?.labels ?? {};
  if (nodeFits(required, { name: nodeName, labels })) return;
  throw new Error(
    `Storage node affinity check failed for volume "${metadata?.name}": node "${nodeName}" is none ` +
      "of those that the volume can be reached from",
  );
}
