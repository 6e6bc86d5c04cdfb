import type { DownwardAPIVolumeFile, DownwardAPIVolumeSource } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { fieldValue, findContainer, resourceFieldValue } from "../fields.ts";
import type { Payload } from "./payload.ts";
import { publishedVolume } from "./published_volume.ts";
import { DEFAULT_FILE_MODE, type VolumeContext, type VolumeSource } from "./source.ts";

/** Facts about the pod as files. */
export const downwardApiVolume: VolumeSource<DownwardAPIVolumeSource> = publishedVolume(
  "kubernetes.io~downward-api",
  downwardApiFiles,
);

/** The files that the downward API gives to a volume. */
export function downwardApiFiles(
  spec: DownwardAPIVolumeSource,
  context: Pick<VolumeContext, "pod" | "facts">,
): Payload {
  const encoder = new TextEncoder();
  const mode = spec.defaultMode ?? DEFAULT_FILE_MODE;
  const files: Payload = new Map();
  for (const item of spec.items ?? []) {
    const bytes = encoder.encode(fileText(item, context));
    files.set(item.path, { bytes, mode: item.mode ?? mode });
  }
  return files;
}

function fileText(
  item: DownwardAPIVolumeFile,
  { pod, facts }: Pick<VolumeContext, "pod" | "facts">,
): string {
  if (item.fieldRef) return fieldValue(pod, item.fieldRef.fieldPath, facts);
  const selector = item.resourceFieldRef;
  if (!selector) {
    throw new KubeletError(
      "volume",
      `file "${item.path}" has neither fieldRef nor resourceFieldRef`,
    );
  }
  const container = findContainer(pod, selector.containerName ?? "");
  return resourceFieldValue(container, selector, facts.allocatable);
}
