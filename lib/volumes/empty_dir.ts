import type { EmptyDirVolumeSource } from "../api/types.ts";
import type { MountedVolume, VolumeSource } from "./source.ts";

/** Media that are honoured. A tmpfs needs root, so `Memory` is a folder on disk as well. */
export const EMPTY_DIR_MEDIA: readonly string[] = ["", "Memory"];

/**
 * An empty folder that lives as long as its pod and that all may write to.
 *
 * `medium: Memory` gives a plain folder too, since mounting a tmpfs needs root; `sizeLimit` is not
 * enforced here.
 */
export const emptyDirVolume: VolumeSource<EmptyDirVolumeSource> = {
  folderName: "kubernetes.io~empty-dir",
  async mount(_spec, { folder }): Promise<MountedVolume> {
    // chmod, because what mkdir is asked for is cut by the umask.
    if (Deno.build.os !== "windows") await Deno.chmod(folder, 0o777);
    return { hostPath: folder, readOnly: false };
  },
};
