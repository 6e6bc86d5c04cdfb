import type { ImageVolumeSource } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { MountedVolume, VolumeSource } from "./source.ts";

/** The files of an image, which no guest may change. An image that is pulled anew is another folder. */
export const imageVolume: VolumeSource<ImageVolumeSource> = {
  async mount({ reference = "", pullPolicy }, { images, pod, signal }): Promise<MountedVolume> {
    if (images === undefined) throw new KubeletError("volume", "there is no image store");
    if (reference === "") throw new KubeletError("volume", "the image volume has no reference");
    const wanted = { reference, ...(pullPolicy === undefined ? {} : { pullPolicy }) };
    const { path, imageId } = await images.files(wanted, { pod, signal });
    return { hostPath: path, readOnly: true, imageId };
  },
};
