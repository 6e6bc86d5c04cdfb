import type { SecretVolumeSource } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { secretData } from "./objects.ts";
import { type Payload, publish } from "./publish.ts";
import {
  DEFAULT_FILE_MODE,
  type MountedVolume,
  selectKeys,
  type VolumeContext,
  type VolumeSource,
} from "./source.ts";

/**
 * The keys of a Secret as files. A missing Secret is an empty volume if it is optional.
 *
 * The files are on disk, not in memory as a root kubelet's tmpfs is; folders of mode 0700 above them
 * keep other users of the machine out.
 */
export const secretVolume: VolumeSource<SecretVolumeSource> = {
  folderName: "kubernetes.io~secret",
  async mount(spec, context): Promise<MountedVolume> {
    const files = await secretFiles(spec, context);
    await publish(context.folder, files, context);
    return { hostPath: context.folder, readOnly: true };
  },
};

/** The files that a Secret gives to a volume. */
export async function secretFiles(
  spec: SecretVolumeSource,
  { objects }: Pick<VolumeContext, "objects">,
): Promise<Payload> {
  const optional = spec.optional ?? false;
  const secret = await objects.secret(spec.secretName ?? "");
  if (secret === undefined) {
    if (optional) return new Map();
    throw new KubeletError("volume", `secret "${spec.secretName ?? ""}" not found`);
  }
  return selectKeys(secretData(secret), {
    items: spec.items,
    mode: spec.defaultMode ?? DEFAULT_FILE_MODE,
    optional,
    missing: "references non-existent secret key",
  });
}
