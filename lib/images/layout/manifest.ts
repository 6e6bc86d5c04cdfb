/**
 * Manifests and indexes: what an image says that it holds.
 *
 * Everything here is pure and distrusts its input. What is wrong is a `PullFailure` that names what
 * was found and what would be right.
 *
 * @module
 */
import { clean, PullFailure } from "../oci/failure.ts";
import { DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "../oci/media_types.ts";
import { isDigest } from "../oci/reference.ts";
import { isObject, parseJson, platformOf } from "./json.ts";
import { otherPlatform } from "./unsupported.ts";

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
  | ImageManifest;

/** The manifest of one image. */
export interface ImageManifest {
  readonly kind: "image";
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Platforms of Wasm images in an index, best first. */
const WASM_PLATFORMS = ["wasip1/wasm", "wasi/wasm", "wasi/wasm32", "wasip1/wasm32", "wasip2/wasm"];
/** Reads a manifest. `contentType` counts only where the manifest itself does not say what it is. */
export function parseManifest(bytes: Uint8Array, contentType: string): Manifest {
  const body = parseJson(bytes);
  const own = body["mediaType"];
  const mediaType = typeof own === "string" ? own : kindByShape(body, contentType);
  checkOneMeaning(body);
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
        annotations: readAnnotations(body["annotations"]),
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

/**
 * The manifest for this node among those of an index. `others` are platforms that will do as well: files
 * alone have none.
 */
export function chooseManifest(
  manifests: readonly Descriptor[],
  others: readonly string[] = [],
): Descriptor {
  for (const platform of [...WASM_PLATFORMS, ...others]) {
    const found = manifests.find((entry) => entry.platform === platform);
    if (found !== undefined) return found;
  }
  // Attestations are stored beside the images and name no real platform.
  const images = manifests.filter((entry) => entry.platform !== "unknown/unknown");
  const [only] = images;
  // Its config then says what it is: Wasm was often published under the builder's own platform.
  if (only !== undefined && images.length === 1) return only;
  if (images.length === 0) {
    throw new PullFailure("its index names no images; push an index of images");
  }
  const platforms = [...new Set(images.map((entry) => entry.platform ?? "no platform"))];
  throw otherPlatform(platforms);
}

/** Bytes with a digest must not be one image for this reader and another one for that (CVE-2021-41190). */
function checkOneMeaning({ manifests, layers, config }: Record<string, unknown>): void {
  const isImage = isObject(config) || (Array.isArray(layers) && layers.length > 0);
  if (!isImage || !Array.isArray(manifests) || manifests.length === 0) return;
  throw broken("it is an index and a manifest at once");
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
    throw broken(`${name} has no mediaType or no digest`);
  }
  if (!isDigest(digest)) {
    throw broken(`"${clean(digest)}" of ${name} is not a digest`);
  }
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw broken(`${name} has no size`);
  }
  const platform = isObject(fields["platform"]) ? platformOf(fields["platform"]) : undefined;
  return {
    mediaType,
    digest,
    size,
    annotations: readAnnotations(annotations),
    ...(platform === undefined ? {} : { platform }),
  };
}

function readAnnotations(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

function list(body: Record<string, unknown>, key: string): unknown[] {
  const value = body[key];
  // Older tools write null for an empty list.
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw broken(`"${key}" is not a list`);
}

function broken(state: string): PullFailure {
  return new PullFailure(`its manifest is broken: ${state}; push it again`);
}
