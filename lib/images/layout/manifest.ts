/**
 * Manifests and indexes: what an image holds, and which of its layers is the module.
 *
 * Everything here is pure and distrusts its input. What is wrong is a `PullFailure` that names what
 * was found and what would be right.
 *
 * @module
 */
import { clean, PullFailure } from "../oci/failure.ts";
import { MODULE_BYTES_MAX } from "../limits.ts";
import {
  CNCF_LAYER,
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  IMAGE_CONFIGS,
  isTreeLayer,
  OCI_INDEX,
  OCI_MANIFEST,
  WASM_LAYERS,
  WASM_TO_OCI_LAYER,
} from "../oci/media_types.ts";
import { isDigest } from "../oci/reference.ts";

/** What points at a blob or a manifest. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** `os/architecture`, in an index only. */
  readonly platform?: string;
}

/** A manifest, read. */
export type Manifest =
  | { readonly kind: "index"; readonly manifests: readonly Descriptor[] }
  | { readonly kind: "image"; readonly config: Descriptor; readonly layers: readonly Descriptor[] };

/** An image for container runtimes: no try will ever make it run here. */
export class UnsupportedImage extends PullFailure {}

/** Platforms of Wasm images in an index, best first. */
const WASM_PLATFORMS = ["wasip1/wasm", "wasi/wasm", "wasi/wasm32", "wasip1/wasm32", "wasip2/wasm"];
/** What the reader of an error would have to push instead. */
const WANTED = `push a module as a layer of type "${CNCF_LAYER}" or "${WASM_TO_OCI_LAYER}"`;

/** Reads a manifest. `contentType` counts only where the manifest itself does not say what it is. */
export function parseManifest(bytes: Uint8Array, contentType: string): Manifest {
  const body = parseJson(bytes);
  const own = body["mediaType"];
  const mediaType = typeof own === "string" ? own : kindByShape(body, contentType);
  switch (mediaType) {
    case OCI_INDEX:
    case DOCKER_INDEX:
      return { kind: "index", manifests: list(body, "manifests").map(readDescriptor) };
    case OCI_MANIFEST:
    case DOCKER_MANIFEST:
      return {
        kind: "image",
        config: readDescriptor(body["config"], "config"),
        layers: list(body, "layers").map(readDescriptor),
      };
    default:
      throw new PullFailure(
        `the registry sent a manifest of type "${
          clean(mediaType)
        }", which this node cannot read; ` +
          `push it as "${OCI_MANIFEST}"`,
      );
  }
}

/** The manifest for this node among those of an index. */
export function chooseManifest(manifests: readonly Descriptor[]): Descriptor {
  for (const platform of WASM_PLATFORMS) {
    const found = manifests.find((entry) => entry.platform === platform);
    if (found !== undefined) return found;
  }
  // Attestations are stored beside the images and name no real platform.
  const images = manifests.filter((entry) => entry.platform !== "unknown/unknown");
  const [only] = images;
  if (only !== undefined && images.length === 1 && only.platform === undefined) return only;
  const platforms = [...new Set(images.map((entry) => entry.platform ?? "no platform"))];
  throw unsupported(platforms);
}

/** What is to be fetched of an image. */
export interface Chosen {
  readonly module: Descriptor;
  /** Base name of the module's file, if the layer says it. */
  readonly title?: string;
  /** The config is a container image's, and may name an entrypoint. */
  readonly hasImageConfig: boolean;
}

/** The module's layer. Undefined if the image's config must be read to say why there is none. */
export function chooseModule(image: Extract<Manifest, { kind: "image" }>): Chosen | undefined {
  const { config, layers } = image;
  const hasImageConfig = IMAGE_CONFIGS.includes(config.mediaType);
  const module = layers.find((layer) => WASM_LAYERS.includes(layer.mediaType));
  if (module !== undefined) {
    if (module.size > MODULE_BYTES_MAX) {
      throw new PullFailure(
        `its module has ${module.size} bytes; this node takes modules of up to ${MODULE_BYTES_MAX}`,
      );
    }
    const title = fileName(module.annotations["org.opencontainers.image.title"] ?? "");
    return { module, hasImageConfig, ...(title === undefined ? {} : { title }) };
  }
  if (hasImageConfig && layers.some((layer) => isTreeLayer(layer.mediaType))) return undefined;
  const types = [...new Set(layers.map((layer) => layer.mediaType))].slice(0, 5);
  throw new PullFailure(
    layers.length === 0
      ? `it has no layers (its config is of type "${clean(config.mediaType)}"); ${WANTED}`
      : `it holds no WebAssembly module: its layers are of type ${
        types.map((type) => `"${clean(type)}"`).join(", ")
      } and its config of type "${clean(config.mediaType)}"; ${WANTED}`,
  );
}

/** What this node takes from a container image's config. */
export interface ImageConfig {
  /** `os/architecture`. */
  readonly platform: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Reads a container image's config. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const body = parseJson(bytes);
  const run = isObject(body["config"]) ? body["config"] : {};
  const entrypoint = strings(run["Entrypoint"]);
  const cmd = strings(run["Cmd"]);
  const env = strings(run["Env"]).flatMap((line) => {
    const at = line.indexOf("=");
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
  });
  return {
    platform: platformOf(body) ?? "unknown/unknown",
    ...(entrypoint.length === 0 ? {} : { entrypoint }),
    ...(cmd.length === 0 ? {} : { cmd }),
    ...(env.length === 0 ? {} : { env: Object.fromEntries(env) }),
  };
}

/** The error for an image that has files for a container runtime, and no module layer. */
export function unsupported(platforms: readonly string[]): UnsupportedImage {
  const shown = platforms.slice(0, 8).map(clean).join(", ");
  const isWasm = platforms.some((platform) => platform.endsWith("/wasm"));
  if (isWasm) {
    return new UnsupportedImage(
      `it is a WebAssembly image packed as file-system layers (${shown}), which this node cannot ` +
        `unpack; ${WANTED}`,
    );
  }
  const systems = new Set(platforms.map((platform) => platform.split("/")[0]));
  const what = systems.has("linux")
    ? "a Linux container image"
    : systems.has("windows")
    ? "a Windows container image"
    : "a container image";
  return new UnsupportedImage(
    `it is ${what} (${shown}): this node runs WebAssembly only; run the pod on another node, or ` +
      WANTED,
  );
}

function kindByShape(body: Record<string, unknown>, contentType: string): string {
  if (contentType === OCI_INDEX || contentType === DOCKER_INDEX) return contentType;
  if (contentType === OCI_MANIFEST || contentType === DOCKER_MANIFEST) return contentType;
  if (body["schemaVersion"] === 2 && Array.isArray(body["manifests"])) return OCI_INDEX;
  if (body["schemaVersion"] === 2 && Array.isArray(body["layers"])) return OCI_MANIFEST;
  return contentType === "" ? "unknown" : contentType;
}

function readDescriptor(value: unknown, at: string | number): Descriptor {
  const name = typeof at === "number" ? `entry ${at}` : at;
  const fields = isObject(value) ? value : {};
  const { mediaType, digest, size, annotations } = fields;
  if (typeof mediaType !== "string" || typeof digest !== "string") {
    throw new PullFailure(`its manifest is broken: ${name} has no mediaType or no digest`);
  }
  if (!isDigest(digest)) {
    throw new PullFailure(`its manifest is broken: "${clean(digest)}" of ${name} is not a digest`);
  }
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw new PullFailure(`its manifest is broken: ${name} has no size`);
  }
  const texts = Object.entries(isObject(annotations) ? annotations : {})
    .filter((entry): entry is [string, string] => typeof entry[1] === "string");
  const platform = isObject(fields["platform"]) ? platformOf(fields["platform"]) : undefined;
  return {
    mediaType,
    digest,
    size,
    annotations: Object.fromEntries(texts),
    ...(platform === undefined ? {} : { platform }),
  };
}

function platformOf({ os, architecture }: Record<string, unknown>): string | undefined {
  return typeof os === "string" && typeof architecture === "string"
    ? `${os}/${architecture}`
    : undefined;
}

/** The last part of a path in a title; undefined if nothing of it can name a program. */
function fileName(title: string): string | undefined {
  const name = clean(title.split(/[/\\]/).at(-1) ?? "");
  return name === "" || name === "." || name === ".." ? undefined : name;
}

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isObject(body)) return body;
  } catch {
    // Said below: it is of no use to know where the text stops being JSON.
  }
  throw new PullFailure("its manifest or config is not a JSON object");
}

function list(body: Record<string, unknown>, key: string): unknown[] {
  const value = body[key];
  // Older tools write null for an empty list.
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new PullFailure(`its manifest is broken: "${key}" is not a list`);
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
