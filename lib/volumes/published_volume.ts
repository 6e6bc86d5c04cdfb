import type { Payload } from "./payload.ts";
import { publish } from "./publish.ts";
import type { MountedVolume, VolumeContext, VolumeSource } from "./source.ts";

/** A kind of volume that is a folder of files, published all at once; guests only read it. */
export function publishedVolume<Spec>(
  folderName: string,
  filesOf: (spec: Spec, context: VolumeContext) => Payload | Promise<Payload>,
): VolumeSource<Spec> {
  return {
    folderName,
    changes: true,
    async mount(spec, context): Promise<MountedVolume> {
      await publish(context.folder, await filesOf(spec, context), context);
      return { hostPath: context.folder, readOnly: true };
    },
  };
}
