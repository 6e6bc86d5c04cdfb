/**
 * What is to be fetched of an image, and what becomes of it.
 *
 * Everything here is pure.
 *
 * @module
 */
import type { ModuleTerms } from "../../provider.ts";
import { clean, PullFailure } from "../oci/failure.ts";
import { CNCF_CONFIG, IMAGE_CONFIGS, isTreeLayer, WASM_LAYERS } from "../oci/media_types.ts";
import { isDigest } from "../oci/reference.ts";
import { type ImageConfig, isWasmPlatform, parseImageConfig } from "./image_config.ts";
import { FILE_BYTES_MAX, LAYER_BYTES_MAX, LAYERS_BYTES_MAX, LAYERS_MAX } from "./limits.ts";
import type { Descriptor, ImageManifest } from "./manifest.ts";
import { treePath } from "./tree_paths.ts";
import type { TreePart } from "./tree_store.ts";
import { otherPlatform, WANTED } from "./unsupported.ts";
import { checkWasmConfig, parseWasmConfig } from "./wasm_config.ts";

/** What an image consists of, and how it is run. */
export interface ImagePlan {
  /** A layer that is the module itself. Absent: the module is a file of the tree. */
  readonly module?: Descriptor & { readonly title?: string };
  /** The files of the container's root, lowest first; none for an empty root. */
  readonly tree: readonly TreePart[];
  /** The files are data of the module, and nothing else is written beside them. */
  readonly readOnly: boolean;
  /** What the image's config says about running it. */
  readonly config?: ImageConfig;
}

/** The name of a layer's file, as `oras` and others write it. */
const TITLE = "org.opencontainers.image.title";
/** `true`: the layer is a folder, packed by `oras`. */
const ORAS_UNPACK = "io.deis.oras.content.unpack";
/** Digest of that folder's archive, unpacked. */
const ORAS_DIGEST = "io.deis.oras.content.digest";
/** With it and a title that is no archive's name, a layer is a folder that Python's oras has packed. */
const PACKED_FOLDER = "application/vnd.oci.image.layer.v1.tar+gzip";
/** On images that were built for another platform, for runtimes that look inside: `compat…`. */
const WASM_VARIANT = "module.wasm.image/variant";

/** True if the plan depends on what the image's config holds. */
export function needsConfig({ config }: ImageManifest): boolean {
  return config.mediaType === CNCF_CONFIG || IMAGE_CONFIGS.includes(config.mediaType);
}

/**
 * Decides what to do with an image. `config` are the bytes of its config, if it {@linkcode needsConfig}.
 *
 * Throws a `PullFailure` for one that this node cannot have: an `UnsupportedImage`, before anything
 * large is fetched, if it never will.
 */
export function planImage(
  image: ImageManifest,
  { config, terms }: { readonly config: Uint8Array | undefined; readonly terms: ModuleTerms },
): ImagePlan {
  if (image.layers.length > LAYERS_MAX) {
    throw new PullFailure(
      `it has ${image.layers.length} layers, more than ${LAYERS_MAX}; build it with fewer`,
    );
  }
  if (config !== undefined && image.config.mediaType === CNCF_CONFIG) {
    checkWasmConfig(parseWasmConfig(config), terms);
  }
  const imageConfig = config !== undefined && IMAGE_CONFIGS.includes(image.config.mediaType)
    ? parseImageConfig(config)
    : undefined;
  const module = moduleOf(image.layers, terms);
  const trees = image.layers.filter((layer) => isTreeLayer(layer.mediaType));
  if (module === undefined && (imageConfig === undefined || trees.length === 0)) {
    throw withoutModule(image);
  }
  if (imageConfig === undefined) {
    const tree = filesBeside(image.layers, module);
    checkTotal(tree);
    return { ...(module && { module }), tree, readOnly: true };
  }
  if (module === undefined && !isForWasm(image, imageConfig)) {
    throw otherPlatform([imageConfig.platform]);
  }
  const tree = archivesOf(image.layers, imageConfig);
  checkTotal(tree);
  return { ...(module && { module }), tree, readOnly: false, config: imageConfig };
}

function moduleOf(layers: readonly Descriptor[], terms: ModuleTerms): ImagePlan["module"] {
  const module = layers.find((layer) => WASM_LAYERS.includes(layer.mediaType));
  if (module === undefined) return undefined;
  if (module.size > terms.bytesMax) {
    throw new PullFailure(
      `its module has ${module.size} bytes, more than ${terms.bytesMax}, the limit; make it smaller`,
    );
  }
  const title = fileName(module.annotations[TITLE] ?? "");
  return { ...module, ...(title === undefined ? {} : { title }) };
}

/** Layers beside the module that bear a file's name: what the module finds in its root. */
function filesBeside(layers: readonly Descriptor[], module: Descriptor | undefined): TreePart[] {
  return layers.flatMap((layer) =>
    layer === module || layer.digest === module?.digest ? [] : fileOf(layer) ?? []
  );
}

/** A layer that bears the name of a file, or of a folder that `oras` packed; undefined for another. */
export function fileOf(layer: Descriptor): TreePart | undefined {
  const { digest, size, annotations } = layer;
  const title = annotations[TITLE];
  if (title === undefined) return undefined;
  if (isPackedFolder(layer, title)) {
    const diffId = annotations[ORAS_DIGEST] ?? "";
    checkSize(layer, LAYER_BYTES_MAX);
    return { kind: "archive", digest, size, ...(isDigest(diffId) ? { diffId } : {}) };
  }
  checkSize(layer, FILE_BYTES_MAX);
  const path = treePath(title).join("/");
  return path === "" ? undefined : { kind: "file", digest, size, path };
}

/** Go's oras says it of a folder; Python's does not, and takes all such layers for folders. */
function isPackedFolder({ mediaType, annotations }: Descriptor, title: string): boolean {
  const said = annotations[ORAS_UNPACK];
  return said === undefined
    ? mediaType === PACKED_FOLDER && !/\.(tar|tar\.gz|tgz)$/i.test(title)
    : said === "true";
}

/** The layers of a container image that are trees of files. Throws a `PullFailure` for what is none. */
export function archivesOf(
  layers: readonly Descriptor[],
  { diffIds }: Pick<ImageConfig, "diffIds">,
): TreePart[] {
  const hasIds = diffIds.length === layers.length;
  return layers.flatMap((layer, at): TreePart[] => {
    const { mediaType, digest, size } = layer;
    if (!isTreeLayer(mediaType)) return [];
    if (/[+.]encrypted$/.test(mediaType)) {
      throw new PullFailure(
        `its layer of type "${clean(mediaType)}" is encrypted; push it in clear`,
      );
    }
    checkSize(layer, LAYER_BYTES_MAX);
    const diffId = diffIds[at] ?? "";
    if (!hasIds || !isDigest(diffId)) {
      throw new PullFailure(
        `its config names ${diffIds.length} digests of unpacked layers for ${layers.length} layers, ` +
          "so that they cannot be checked; build it again",
      );
    }
    return [{ kind: "archive", digest, size, diffId }];
  });
}

/** Images of Wasm programs were, and are, also built under the platform of the machine they were built on. */
function isForWasm({ annotations }: ImageManifest, config: ImageConfig): boolean {
  const [program = ""] = [...config.entrypoint ?? [], ...config.cmd ?? []];
  return isWasmPlatform(config.platform) || /\.wasm$/.test(program) ||
    /^compat/.test(annotations[WASM_VARIANT] ?? "");
}

function checkSize({ mediaType, size }: Descriptor, bytesMax: number): void {
  if (size <= bytesMax) return;
  throw new PullFailure(
    `its layer of type "${
      clean(mediaType)
    }" has ${size} bytes, more than ${bytesMax}, the limit; make ` +
      `it smaller`,
  );
}

/** Before a hundred large layers are fetched that could never be unpacked. */
function checkTotal(tree: readonly TreePart[]): void {
  const bytes = tree.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= LAYERS_BYTES_MAX) return;
  throw new PullFailure(
    `its layers have ${bytes} bytes together, more than ${LAYERS_BYTES_MAX}, the limit; leave some out`,
  );
}

function withoutModule({ config, layers }: ImageManifest): PullFailure {
  const types = [...new Set(layers.map((layer) => layer.mediaType))].slice(0, 5);
  const configType = `"${clean(config.mediaType)}"`;
  return new PullFailure(
    layers.length === 0
      ? `it has no layers (its config is of type ${configType}); ${WANTED}`
      : `it holds no WebAssembly module: its layers are of type ${
        types.map((type) => `"${clean(type)}"`).join(", ")
      } and its config of type ${configType}; ${WANTED}`,
  );
}

/** The last part of a path in a title; undefined if nothing of it can name a program. */
function fileName(title: string): string | undefined {
  const name = clean(title.split(/[/\\]/).at(-1) ?? "");
  return name === "" || name === "." || name === ".." ? undefined : name;
}
