import type { StorageSource } from "../api/object_source.ts";
import type { ImageVolumeSource, KeyToPath, Pod } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { FieldFacts } from "../fields.ts";
import type { MemoryFolders } from "./memory_folders.ts";
import type { PodObjects } from "./objects.ts";
import type { Payload } from "./payload.ts";
import type { Layout } from "./publish.ts";
import type { ServiceAccountTokens } from "./tokens.ts";

/** A volume that is ready for the containers of its pod. */
export interface MountedVolume {
  /** Absolute path on this machine. */
  readonly hostPath: string;
  /** True if the source allows no guest to write: configMap, secret, downwardAPI, projected. */
  readonly readOnly: boolean;
  /** True if `hostPath` is not a directory: a file, socket or device of the machine. */
  readonly isFile?: boolean;
  /** Of an image volume: the image, which must stay in the store. */
  readonly imageId?: string;
}

/** Where the files of images are from. */
export interface ImageFiles {
  /**
   * Makes sure that all files of an image lie in a folder of this machine, which nobody changes.
   *
   * Rejects with a `KubeletError` if they cannot be had, with code `rejected` if they never can.
   */
  files(
    wanted: ImageVolumeSource & { readonly reference: string },
    options: { readonly pod: Pod; readonly signal: AbortSignal },
  ): Promise<{ readonly path: string; readonly imageId: string }>;
}

/** What a source is given to set up one volume. */
export interface VolumeContext {
  readonly pod: Pod;
  /** The volume's name in the pod. */
  readonly name: string;
  /** The volume's own folder, which exists. Empty for sources that have none. */
  readonly folder: string;
  readonly facts: FieldFacts;
  readonly objects: PodObjects;
  readonly tokens: ServiceAccountTokens;
  /** Absent where there is no cluster. */
  readonly storage: StorageSource | undefined;
  /** Absent where there are no images. */
  readonly images: ImageFiles | undefined;
  /** See `publish()`: some container mounts a part of this volume by `subPath`. */
  readonly keepPrevious: boolean;
  /** See `publish()`: how the files of a published volume lie. */
  readonly layout: Layout | undefined;
  readonly memory: MemoryFolders;
  readonly signal: AbortSignal;
}

/** One kind of volume. */
export interface VolumeSource<Spec> {
  /** Name of the folder that holds this kind's volumes of a pod; absent if they live elsewhere. */
  readonly folderName?: string;
  /** True if what it is made of may change while containers use it. @default false */
  readonly changes?: boolean;
  /** Sets the volume up, or brings it up to date. May be called any number of times. */
  mount(spec: Spec, context: VolumeContext): Promise<MountedVolume>;
}

/** Permissions of files whose manifest names none: the API's own default. */
export const DEFAULT_FILE_MODE = 0o644;

/**
 * Chooses the files of a configMap or secret volume: all keys, or those that `items` name.
 *
 * Throws a {@linkcode KubeletError} for an item whose key is missing, unless `optional`.
 */
export function selectKeys(
  data: ReadonlyMap<string, Uint8Array>,
  options: {
    items: readonly KeyToPath[] | undefined;
    mode: number;
    optional: boolean;
    missing: string;
  },
): Payload {
  const { items = [], mode, optional, missing } = options;
  const files: Payload = new Map();
  if (items.length === 0) {
    for (const [key, bytes] of data) files.set(key, { bytes, mode });
    return files;
  }
  for (const item of items) {
    const bytes = data.get(item.key);
    if (bytes !== undefined) files.set(item.path, { bytes, mode: item.mode ?? mode });
    else if (!optional) throw new KubeletError("volume", `${missing}: ${item.key}`);
  }
  return files;
}
