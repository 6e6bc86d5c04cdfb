/**
 * The media types that this node can read, and what it calls the others.
 *
 * @module
 */

/** OCI image index. */
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
/** OCI image manifest. */
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** Docker manifest list. */
export const DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
/** Docker image manifest, schema 2. */
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
/** What a registry is asked for, and all that `parseManifest` takes. */
export const MANIFEST_TYPES: readonly string[] = [
  OCI_MANIFEST,
  OCI_INDEX,
  DOCKER_MANIFEST,
  DOCKER_INDEX,
];

/** The layer of the CNCF's Wasm artifact, with a config of `application/vnd.wasm.config.v0+json`. */
export const CNCF_LAYER = "application/wasm";
/** The layer that wasm-to-oci writes, with a config of `application/vnd.wasm.config.v1+json`. */
export const WASM_TO_OCI_LAYER = "application/vnd.wasm.content.layer.v1+wasm";
/** Layers that are one Wasm module as it is. */
export const WASM_LAYERS: readonly string[] = [
  CNCF_LAYER,
  WASM_TO_OCI_LAYER,
  "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",
];

/** The config of the CNCF's Wasm artifact: it says what the module needs. */
export const CNCF_CONFIG = "application/vnd.wasm.config.v0+json";
/** Configs of container images: they name a platform, and may name an entrypoint and variables. */
export const IMAGE_CONFIGS: readonly string[] = [
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
];

/** True for a layer that is a tree of files: the image was made for a container runtime. */
export function isTreeLayer(mediaType: string): boolean {
  return /^application\/vnd\.(oci\.image\.layer\.|docker\.image\.rootfs\.)/.test(mediaType);
}
