/**
 * The kinds of volume that this program knows, by their field name in `spec.volumes[]`.
 *
 * A new kind is a file with a {@linkcode VolumeSource} and a line in the table here.
 *
 * @module
 */
import type { Volume } from "../api/types.ts";
import { configMapVolume } from "./config_map.ts";
import { downwardApiVolume } from "./downward_api.ts";
import { emptyDirVolume } from "./empty_dir.ts";
import { hostPathVolume } from "./host_path.ts";
import { imageVolume } from "./image.ts";
import { claimVolume, ephemeralVolume } from "./persistent.ts";
import { projectedVolume } from "./projected.ts";
import { secretVolume } from "./secret.ts";
import type { MountedVolume, VolumeContext, VolumeSource } from "./source.ts";

export type { MountedVolume } from "./source.ts";

type VolumeKind = Exclude<keyof Volume, "name">;
type Table = { readonly [Kind in VolumeKind]: VolumeSource<NonNullable<Volume[Kind]>> };

const SOURCES: Table = {
  configMap: configMapVolume,
  secret: secretVolume,
  downwardAPI: downwardApiVolume,
  projected: projectedVolume,
  emptyDir: emptyDirVolume,
  hostPath: hostPathVolume,
  persistentVolumeClaim: claimVolume,
  ephemeral: ephemeralVolume,
  image: imageVolume,
};

/** The kinds that are supported. */
export const VOLUME_KINDS: readonly string[] = Object.keys(SOURCES);

/**
 * The kinds that a volume's manifest sets, known or not. One without any is an `emptyDir`, which is
 * what the API server makes of it.
 */
export function kindsOf(volume: Volume): string[] {
  const kinds = Object.entries(volume)
    .filter(([kind, spec]) => kind !== "name" && spec !== undefined && spec !== null)
    .map(([kind]) => kind);
  return kinds.length === 0 ? ["emptyDir"] : kinds;
}

/** A DNS label, which is what the API demands: the name becomes a folder's. */
export function isVolumeName(name: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name);
}

/** A volume with the source that can set it up. */
export interface BoundVolume {
  /** See {@linkcode VolumeSource}. */
  readonly folderName: string | undefined;
  /** See {@linkcode VolumeSource}. */
  readonly changes: boolean;
  /** Sets the volume up, or brings it up to date. */
  mount(context: VolumeContext): Promise<MountedVolume>;
}

/** Joins a volume to its source; `undefined` for a kind that is not supported. */
export function bindVolume(volume: Volume): BoundVolume | undefined {
  const [kind] = kindsOf(volume);
  if (kind === undefined || !isKnown(kind)) return undefined;
  return bind(kind, volume[kind]);
}

function isKnown(kind: string): kind is VolumeKind {
  return Object.hasOwn(SOURCES, kind);
}

function bind<Kind extends VolumeKind>(kind: Kind, spec: Volume[Kind]): BoundVolume {
  const source: Table[Kind] = SOURCES[kind];
  return {
    folderName: source.folderName,
    changes: source.changes ?? false,
    // Only an emptyDir may be without a spec: see kindsOf().
    mount: (context) => source.mount((spec ?? {}) as NonNullable<Volume[Kind]>, context),
  };
}
