import type { EmptyDirVolumeSource } from "../api/types.ts";
import type { MountedVolume, VolumeSource } from "./source.ts";

/** Media that are honoured. */
export const EMPTY_DIR_MEDIA: readonly string[] = ["", "Memory"];

/**
 * An empty folder that lives as long as its pod and that all may write to.
 *
 * `medium: Memory` is a folder of a tmpfs that is there already, since mounting one needs root; where
 * there is none it is on disk too. `sizeLimit` is enforced by `PodVolumes.excess()`.
 */
export const emptyDirVolume: VolumeSource<EmptyDirVolumeSource> = {
  folderName: "kubernetes.io~empty-dir",
  async mount({ medium = "" }, { folder, name, pod, memory }): Promise<MountedVolume> {
    const inMemory = medium === "Memory"
      ? await memory.make(pod.metadata?.uid ?? "", name)
      : undefined;
    const hostPath = inMemory ?? folder;
    // chmod, because what mkdir is asked for is cut by the umask.
    if (Deno.build.os !== "windows") await Deno.chmod(hostPath, 0o777);
    return { hostPath, readOnly: false };
  },
};
