import type { SecretVolumeSource } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { secretData } from "./objects.ts";
import type { Payload } from "./payload.ts";
import { publishedVolume } from "./published_volume.ts";
import { DEFAULT_FILE_MODE, selectKeys, type VolumeContext, type VolumeSource } from "./source.ts";

/**
 * The keys of a Secret as files. A missing Secret is an empty volume if it is optional.
 *
 * The files are on disk, not in memory as a root kubelet's tmpfs is; folders of mode 0700 above them
 * keep other users of the machine out.
 */
export const secretVolume: VolumeSource<SecretVolumeSource> = publishedVolume(
  "kubernetes.io~secret",
  secretFiles,
);

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
