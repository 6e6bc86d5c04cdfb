/**
 * The config and the manifest of a Wasm artifact.
 *
 * Everything here is pure, and the same input gives the same bytes: keys stand in one order, and the
 * only time in them is one that was given.
 *
 * @module
 */
import { CNCF_CONFIG, CNCF_LAYER, OCI_MANIFEST, WASM_TO_OCI_LAYER } from "../oci/media_types.ts";
import type { WasmSurvey } from "./wasm_survey.ts";

/** How a module is published: as the CNCF's Wasm artifact, or as wasm-to-oci did. */
export type ArtifactFormat = "oci" | "wasm-to-oci";

/** A file that is a layer. */
export interface LayerFile {
  /** The file's name, or its path from the artifact's root. */
  readonly title: string;
  readonly digest: string;
  readonly size: number;
}

/** What an artifact is made of. */
export interface ArtifactParts {
  readonly format: ArtifactFormat;
  readonly module: LayerFile;
  readonly survey: WasmSurvey;
  /** Files that the module finds in its root, in the order of their layers. */
  readonly files: readonly LayerFile[];
  readonly annotations: Readonly<Record<string, string>>;
  /** When it was made, in milliseconds since 1970; undefined if it is to be the same whenever it is made. */
  readonly createdMs: number | undefined;
}

/** Bytes to push, and what they are. */
export interface Document {
  readonly mediaType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What names a layer's file, as all tools have it. */
export const TITLE = "org.opencontainers.image.title";
/** When an artifact was made (RFC 3339). */
export const CREATED = "org.opencontainers.image.created";
/** The config that wasm-to-oci writes: an empty object. */
const WASM_TO_OCI_CONFIG = "application/vnd.wasm.config.v1+json";
/** The type of a file that is data. */
const DATA = "application/octet-stream";

/**
 * The config: what the module is and needs (CNCF TAG Runtime, "Wasm OCI Artifact layout").
 *
 * The specification foresees a section `module` beside `component` and leaves open what is in it; here
 * it has the same fields. `created` is always there, because common readers insist on it.
 */
export function artifactConfig(parts: ArtifactParts): Document {
  const { format, module, files, survey, createdMs = 0 } = parts;
  if (format === "wasm-to-oci") return { mediaType: WASM_TO_OCI_CONFIG, bytes: encode({}) };
  const names = { exports: survey.exports, imports: survey.imports };
  return {
    mediaType: CNCF_CONFIG,
    bytes: encode({
      created: timeText(createdMs),
      architecture: "wasm",
      os: survey.kind === "component" ? "wasip2" : "wasip1",
      layerDigests: [module, ...files].map(({ digest }) => digest),
      [survey.kind]: names,
    }),
  };
}

/** The manifest, which names the config and all layers. */
export function artifactManifest(
  parts: ArtifactParts,
  config: { readonly mediaType: string; readonly digest: string; readonly size: number },
): Document {
  const { format, module, files, createdMs } = parts;
  const moduleType = format === "oci" ? CNCF_LAYER : WASM_TO_OCI_LAYER;
  const annotations = {
    [TITLE]: module.title,
    ...(createdMs === undefined ? {} : { [CREATED]: timeText(createdMs) }),
    ...parts.annotations,
  };
  const { mediaType, digest, size } = config;
  return {
    mediaType: OCI_MANIFEST,
    bytes: encode({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType, digest, size },
      layers: [layer(module, moduleType), ...files.map((file) => layer(file, DATA))],
      annotations: Object.fromEntries(Object.entries(annotations).sort(byKey)),
    }),
  };
}

function layer({ title, digest, size }: LayerFile, mediaType: string): object {
  return { mediaType, digest, size, annotations: { [TITLE]: title } };
}

/** In whole seconds, as RFC 3339 has it. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
