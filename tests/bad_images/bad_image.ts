/**
 * What a row of the table says, and what the rows are made with.
 *
 * @module
 */
import { type BadRegistry, type Descriptor, digestOf, OCI_MANIFEST } from "./registry.ts";

/** What a container waits for, or what its pod has failed with. */
export type Reason =
  | "ErrImagePull"
  | "ErrImageNeverPull"
  | "InvalidImageName"
  | "RegistryUnavailable"
  | "SignatureValidationFailed"
  /** The pod is Failed: no other try can help. */
  | "UnsupportedImage";

/** Where images are, and what they are made of. */
export interface World {
  /** Plain HTTP, and the agent knows it. */
  readonly registry: BadRegistry;
  /** HTTPS, and the agent believes its certificate. */
  readonly secure: BadRegistry;
  /** A module that runs, and says so. */
  readonly hello: Uint8Array;
}

/** One bad image. */
export interface BadImage {
  /** Makes it, in a repository of its own, and answers its name. */
  readonly image: (world: World, repo: string) => string;
  /** What is to be read in `kubectl describe pod`: what is wrong, and what to do about it. */
  readonly says: RegExp;
  /** @default "ErrImagePull" */
  readonly reason?: Reason;
  /** The pod has the pull secret with credentials for this repository. */
  readonly withSecret?: true;
  /** @default "IfNotPresent" */
  readonly imagePullPolicy?: "IfNotPresent" | "Never";
}

/** Rows by the names of their pods. */
export type BadImages = Readonly<Record<string, BadImage>>;

export const WASM_LAYER = "application/wasm";
export const TREE_LAYER = "application/vnd.oci.image.layer.v1.tar";
const WASM_CONFIG = "application/vnd.wasm.config.v0+json";
export const IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json";

/** The manifest of a Wasm artifact, with a config that says nothing special if nothing is said. */
export function artifact(
  registry: BadRegistry,
  layers: readonly unknown[],
  config: unknown = { architecture: "wasm", os: "wasip1", layerDigests: [] },
): Record<string, unknown> {
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: registry.blob(JSON.stringify(config), WASM_CONFIG),
    layers,
  };
}

/** A Wasm artifact whose module is `bytes`, whatever they are. Answers its name. */
export function module(
  { registry }: World,
  { repo, bytes, config }: {
    readonly repo: string;
    readonly bytes: Uint8Array | string;
    readonly config?: unknown;
  },
): string {
  registry.manifest(repo, artifact(registry, [registry.blob(bytes, WASM_LAYER)], config));
  return registry.image(repo);
}

/** The hello module with bytes of its own, so that no other image has the same blob. */
export function ownModule({ hello }: World, repo: string): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(repo);
  const section = [0, name.length + 2, 1, 0x78, ...name];
  return new Uint8Array([...hello, ...section]);
}

/** A container image whose layers are these, packed or not. Answers its name. */
export function tree(
  { registry }: World,
  { repo, layers, diffIds, mediaType = TREE_LAYER }: {
    readonly repo: string;
    readonly layers: readonly { readonly bytes: Uint8Array; readonly unpacked?: Uint8Array }[];
    /** @default {those of the layers} */
    readonly diffIds?: readonly string[];
    readonly mediaType?: string;
  },
): string {
  const config = {
    os: "wasip1",
    architecture: "wasm",
    config: { Entrypoint: ["/app.wasm"] },
    rootfs: {
      type: "layers",
      diff_ids: diffIds ?? layers.map(({ bytes, unpacked = bytes }) => digestOf(unpacked)),
    },
  };
  registry.manifest(repo, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: registry.blob(JSON.stringify(config), IMAGE_CONFIG),
    layers: layers.map(({ bytes }): Descriptor => registry.blob(bytes, mediaType)),
  });
  return registry.image(repo);
}
