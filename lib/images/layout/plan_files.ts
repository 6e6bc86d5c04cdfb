/**
 * Which files a volume gets of an image, whatever that was made to run on.
 *
 * Everything here is pure.
 *
 * @module
 */
import { PullFailure } from "../oci/failure.ts";
import { IMAGE_CONFIGS } from "../oci/media_types.ts";
import { parseImageConfig } from "./image_config.ts";
import { LAYERS_MAX } from "./limits.ts";
import type { Descriptor, ImageManifest } from "./manifest.ts";
import { archivesOf, fileOf } from "./plan.ts";
import type { TreePart } from "./tree_store.ts";

/** Architectures as images name them, by the runtime's names. */
const ARCHITECTURES: Readonly<Record<typeof Deno.build.arch, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
};

/** Platforms whose files will do for a volume if there are none for Wasm. */
export const FILE_PLATFORMS: readonly string[] = [`linux/${ARCHITECTURES[Deno.build.arch]}`];

/**
 * The parts of the volume's tree, lowest first: the layers of a container image, or a file for each layer
 * of an artifact. Throws a `PullFailure` for an image that this node cannot unpack.
 */
export function planFiles(image: ImageManifest, config: Uint8Array | undefined): TreePart[] {
  const { layers } = image;
  if (layers.length > LAYERS_MAX) {
    throw new PullFailure(`it has ${layers.length} layers, more than ${LAYERS_MAX}`);
  }
  if (config !== undefined && IMAGE_CONFIGS.includes(image.config.mediaType)) {
    const parts = archivesOf(layers, parseImageConfig(config));
    // A module as a layer of its own bears a name, or it is nowhere to be found.
    const others = layers.filter(({ digest }) => parts.every((part) => part.digest !== digest));
    return [...parts, ...others.flatMap((layer) => fileOf(layer) ?? [])];
  }
  return layers.flatMap((layer) => fileOf(layer) ?? unnamed(layer));
}

/** A layer without a name is found by its digest, as other runtimes have it. */
function unnamed({ digest, size }: Descriptor): TreePart[] {
  return [{ kind: "file", digest, size, path: digest.slice(digest.indexOf(":") + 1) }];
}
