/**
 * An image layout, to be pushed as it is: with the digests that it has.
 *
 * @module
 */
import { KubeletError } from "../../errors.ts";
import { ImageLayout } from "../layout/image_layout.ts";
import { type LayoutPlace, openLayout } from "../layout/layout_place.ts";
import { type Descriptor, parseManifest } from "../layout/manifest.ts";
import { parseJson } from "../layout/json.ts";
import { DISK_BYTES } from "../limits.ts";
import { clean, PullFailure } from "../oci/failure.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../oci/media_types.ts";
import type { BlobSource } from "../oci/source.ts";
import { type ArtifactFormat, TITLE } from "./artifact.ts";
import { Inspection } from "./inspection.ts";
import { layoutSource } from "./local_layout.ts";
import type { Layer, Packing, Parcel } from "./sending.ts";
import { attemptFile } from "./trouble.ts";

/** What somebody who pushes a layout may have asked for. */
export interface LayoutRequest {
  /** As it was typed. */
  readonly path: string;
  readonly format: ArtifactFormat;
  readonly module: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Images of one index: some tens of platforms, each with an attestation. */
const MANIFESTS_MAX = 256;
/** Indexes above an image: the layout's own, the image's, and one for each variant. */
const DEPTH_MAX = 3;

/**
 * All parts of the image, which are checked by the registry as they come.
 *
 * Throws a `KubeletError` with code `invalid` for what is no such layout, and for wishes that would make
 * another image of it.
 */
export async function packLayout(
  request: LayoutRequest,
  place: LayoutPlace,
  { signal, terms, transfers }: Packing,
): Promise<Omit<Parcel, "names">> {
  const what = `Cannot push "${request.path}"`;
  const { format, module, annotations } = request;
  if (format !== "oci" || module !== undefined || Object.keys(annotations).length > 0) {
    throw new KubeletError(
      "invalid",
      `${what}: an image layout is pushed as it is; leave --format, --module and --annotation out`,
    );
  }
  return await attemptFile(what, async () => {
    const source = await layoutSource(request.path, place, signal);
    const { reason } = await new Inspection(source, terms).report();
    if (reason !== undefined) transfers.note(`This node would not run it: ${reason}`);
    const packer = new Packer(new ImageLayout(await openLayout(place, signal)));
    return await packer.pack(place.name);
  });
}

/** Follows an image from its manifest to all of its blobs. */
class Packer {
  readonly #layout: ImageLayout;
  readonly #layers = new Map<string, Layer>();
  readonly #configs = new Map<string, BlobSource>();
  readonly #children = new Map<string, Parcel["children"][number]>();

  constructor(layout: ImageLayout) {
    this.#layout = layout;
  }

  async pack(name: string | undefined): Promise<Omit<Parcel, "names">> {
    const found = await this.#layout.find(name);
    const manifest = parseManifest(found.bytes, found.mediaType);
    // Around a single image the layout's own index is nothing but a list of names.
    const [only, ...others] = name === undefined && manifest.kind === "index"
      ? manifest.manifests
      : [];
    const image = only !== undefined && others.length === 0
      ? await this.#layout.manifest(only.digest)
      : found;
    await this.#follow(image.bytes, image.mediaType, 0);
    return {
      layers: [...this.#layers.values()],
      configs: [...this.#configs.values()],
      children: [...this.#children.values()],
      manifest: { bytes: image.bytes, mediaType: typeOf(image.bytes, image.mediaType) },
    };
  }

  async #follow(bytes: Uint8Array, mediaType: string, depth: number): Promise<void> {
    const manifest = parseManifest(bytes, mediaType);
    if (manifest.kind === "image") {
      this.#configs.set(manifest.config.digest, this.#source(manifest.config));
      for (const layer of manifest.layers) {
        const { [TITLE]: title = layer.digest } = layer.annotations;
        this.#layers.set(layer.digest, { title: clean(title), source: this.#source(layer) });
      }
      return;
    }
    if (depth >= DEPTH_MAX) throw new PullFailure("its indexes lead to one another");
    for (const { digest, mediaType } of manifest.manifests) {
      if (this.#children.has(digest)) continue;
      if (this.#children.size >= MANIFESTS_MAX) {
        throw new PullFailure(`it has more than ${MANIFESTS_MAX} images; push them one by one`);
      }
      const { bytes } = await this.#layout.manifest(digest);
      await this.#follow(bytes, mediaType, depth + 1);
      this.#children.set(digest, { bytes, digest, mediaType: typeOf(bytes, mediaType) });
    }
  }

  #source({ digest, size }: Descriptor): BlobSource {
    const layout = this.#layout;
    return {
      digest,
      size,
      open: async function* (from): AsyncGenerator<Uint8Array> {
        using file = await layout.open(digest);
        if (file.size !== size) {
          throw new PullFailure(`${file.shown} has ${file.size} bytes instead of ${size}`);
        }
        const buffer = new Uint8Array(DISK_BYTES);
        for (let at = from, n = 1; n > 0; at += n) {
          n = await file.read(at, buffer);
          if (n > 0) yield buffer.subarray(0, n);
        }
      },
    };
  }
}

function typeOf(bytes: Uint8Array, otherwise: string): string {
  const { mediaType, manifests } = parseJson(bytes);
  if (typeof mediaType === "string") return mediaType;
  return otherwise || (Array.isArray(manifests) ? OCI_INDEX : OCI_MANIFEST);
}
