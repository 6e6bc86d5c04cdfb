import type { ConfigMapVolumeSource } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { configMapData } from "./objects.ts";
import type { Payload } from "./payload.ts";
import { publishedVolume } from "./published_volume.ts";
import { DEFAULT_FILE_MODE, selectKeys, type VolumeContext, type VolumeSource } from "./source.ts";

/** The keys of a ConfigMap as files. A missing ConfigMap is an empty volume if it is optional. */
export const configMapVolume: VolumeSource<ConfigMapVolumeSource> = publishedVolume(
  "kubernetes.io~configmap",
  configMapFiles,
);

/** The files that a ConfigMap gives to a volume. */
export async function configMapFiles(
  spec: ConfigMapVolumeSource,
  { objects }: Pick<VolumeContext, "objects">,
): Promise<Payload> {
  const optional = spec.optional ?? false;
  const configMap = await objects.configMap(spec.name ?? "");
  if (configMap === undefined) {
    if (optional) return new Map();
    throw new KubeletError("volume", `configmap "${spec.name ?? ""}" not found`);
  }
  return selectKeys(configMapData(configMap), {
    items: spec.items,
    mode: spec.defaultMode ?? DEFAULT_FILE_MODE,
    optional,
    missing: "configmap references non-existent config key",
  });
}
