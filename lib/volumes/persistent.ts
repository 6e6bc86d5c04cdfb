import type { PersistentVolume, PersistentVolumeClaimVolumeSource, Volume } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { claimedVolume, ephemeralClaimName } from "./claims.ts";
import { hostPathVolume } from "./host_path.ts";
import { localVolume } from "./local.ts";
import type { MountedVolume, VolumeContext, VolumeSource } from "./source.ts";

/** Kinds of persistent volumes that are supported. */
export const PERSISTENT_KINDS: readonly string[] = ["hostPath", "local"];

/** A persistent volume, by the claim that it is bound to. Waits while there is none. */
export const claimVolume: VolumeSource<PersistentVolumeClaimVolumeSource> = {
  mount: ({ claimName, readOnly = false }, context) =>
    mountClaim(claimName, { context, readOnly, ownedByPod: false }),
};

/** The same by a claim that the cluster makes for this pod and volume. */
export const ephemeralVolume: VolumeSource<NonNullable<Volume["ephemeral"]>> = {
  mount: (_spec, context) => {
    const claimName = ephemeralClaimName(context.pod, context.name);
    return mountClaim(claimName, { context, readOnly: false, ownedByPod: true });
  },
};

async function mountClaim(
  claimName: string,
  { context, readOnly, ownedByPod }: {
    readonly context: VolumeContext;
    readonly readOnly: boolean;
    readonly ownedByPod: boolean;
  },
): Promise<MountedVolume> {
  const { storage, pod, facts, signal } = context;
  const { nodeName } = facts;
  const volume = await claimedVolume(claimName, { storage, pod, nodeName, ownedByPod, signal });
  const { volumeMode = "Filesystem" } = volume.spec ?? {};
  if (volumeMode !== "Filesystem") {
    throw new KubeletError(
      "volume",
      `volume ${context.name} has volumeMode ${volumeMode}, but is specified in volumeMounts`,
    );
  }
  const mounted = await mountSource(volume, context);
  return { ...mounted, readOnly: readOnly || mounted.readOnly };
}

/** Throws with code `rejected` for a kind that is not supported: a bound volume never becomes another. */
async function mountSource(
  { metadata, spec = {} }: PersistentVolume,
  context: VolumeContext,
): Promise<MountedVolume> {
  if (spec.hostPath) return await hostPathVolume.mount(spec.hostPath, context);
  if (spec.local) return await localVolume.mount(spec.local, context);
  throw new KubeletError(
    "rejected",
    `Cannot mount volume "${context.name}": persistent volume "${metadata?.name}" is of no kind ` +
      `that this node can mount; supported: ${PERSISTENT_KINDS.join(", ")}`,
    { reason: "UnsupportedVolume" },
  );
}
