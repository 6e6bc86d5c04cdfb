import { normalize } from "node:path";
import type { PersistentVolume } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { checkHostPath, statOrUndefined } from "./host_path.ts";
import type { MountedVolume, VolumeSource } from "./source.ts";

type LocalVolumeSource = NonNullable<NonNullable<PersistentVolume["spec"]>["local"]>;

/** A folder of this machine that an administrator has set aside. It is never made, and never removed. */
export const localVolume: VolumeSource<LocalVolumeSource> = {
  async mount({ path }): Promise<MountedVolume> {
    checkHostPath(path);
    const info = await statOrUndefined(path);
    if (info === undefined) throw new KubeletError("volume", `path "${path}" does not exist`);
    if (!info.isDirectory) {
      throw new KubeletError(
        "volume",
        `path "${path}" is not a directory: a device must be formatted and mounted first`,
      );
    }
    return { hostPath: normalize(path), readOnly: false };
  },
};
