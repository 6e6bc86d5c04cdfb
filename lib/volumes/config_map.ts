import type { ConfigMapVolumeSource } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { configMapData } from "./objects.ts";
import { type Payload, publish } from "./publish.ts";
import {
  DEFAULT_FILE_MODE,
  type MountedVolume,
  selectKeys,
  type VolumeContext,
  type VolumeSource,
} from "./source.ts";

/** The keys of a ConfigMap as files. A missing ConfigMap is an empty volume if it is optional. */
export const configMapVolume: VolumeSource<ConfigMapVolumeSource> = {
  folderName: "kubernetes.io~configmap",
  async mount(spec, context): Promise<MountedVolume> {
    const files = await configMapFiles(spec, context);
    await publish(context.folder, files, context);
    return { hostPath: context.folder, readOnly: true };
  },
};

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
