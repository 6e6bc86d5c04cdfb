/**
 * What `krustlet inspect` says of an image.
 *
 * @module
 */
import { clean } from "../oci/failure.ts";
import { IMAGE_CONFIGS } from "../oci/media_types.ts";
import type { ImageManifest } from "../layout/manifest.ts";
import type { WasmKind } from "../layout/wasm_kind.ts";
import { formatBytes } from "./transfers.ts";

/** An image, or a module on disk. The names of the fields are those of `-o json`, and stay. */
export interface ImageReport {
  /** As it was asked for, of a registry's in the normal form; a path for a file. */
  readonly image: string;
  /** Of the manifest or index; for a file of its content. */
  readonly digest: string;
  /** Of the manifest or index; absent for a file, and where nobody says it. */
  readonly mediaType?: string;
  /** How it was published. */
  readonly layout: Layout;
  /** `os/architecture`. */
  readonly platform?: string;
  /** The platforms of an index. */
  readonly platforms?: readonly string[];
  readonly created?: string;
  readonly author?: string;
  /** Of all layers, as they are sent. */
  readonly sizeBytes: number;
  readonly module?: {
    readonly name?: string;
    readonly digest: string;
    readonly sizeBytes: number;
    readonly kind?: WasmKind;
  };
  readonly layers: readonly {
    readonly title?: string;
    readonly mediaType: string;
    readonly digest: string;
    readonly sizeBytes: number;
  }[];
  /** Absent where they could not be found out. */
  readonly imports?: readonly string[];
  /** Absent where they could not be found out. */
  readonly exports?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Whether this node would run it. */
  readonly runs: boolean;
  /** Why it would not. */
  readonly reason?: string;
}

/** The ways in which Wasm is published, and what is none of them. */
export type Layout =
  | "file"
  | "wasm-artifact"
  | "wasm-to-oci"
  | "bytecodealliance"
  | "wasm-layer"
  | "container-image"
  | "unknown";

const LAYOUT_WORDS: Readonly<Record<Layout, string>> = {
  "file": "a file of this machine",
  "wasm-artifact": "Wasm artifact (CNCF)",
  "wasm-to-oci": "wasm-to-oci",
  "bytecodealliance": "Bytecode Alliance's layer",
  "wasm-layer": "a Wasm layer in another image",
  "container-image": "container image",
  "unknown": "unknown",
};
/** Imports, exports or files that a person is shown; `-o json` has all. */
const SHOWN_MAX = 40;

/** How an image was published, by its types. */
export function layoutOf({ config, layers }: ImageManifest): Layout {
  const types = layers.map(({ mediaType }) => mediaType);
  if (types.some((type) => type.startsWith("application/vnd.wasm.content.layer."))) {
    return "wasm-to-oci";
  }
  if (types.some((type) => type.startsWith("application/vnd.bytecodealliance."))) {
    return "bytecodealliance";
  }
  const isWasm = types.includes("application/wasm");
  if (isWasm && config.mediaType.startsWith("application/vnd.wasm.config.")) return "wasm-artifact";
  if (isWasm) return "wasm-layer";
  return IMAGE_CONFIGS.includes(config.mediaType) ? "container-image" : "unknown";
}

/** The report for people. Ends with a line break; what others wrote cannot move the cursor. */
export function reportText(report: ImageReport): string {
  const { module, layers, reason } = report;
  const files = layers.filter(({ digest, title }) => digest !== module?.digest && title);
  const rows: [string, string | readonly string[] | undefined][] = [
    ["Image", report.image],
    ["Digest", report.digest],
    ["Layout", LAYOUT_WORDS[report.layout]],
    ["Type", report.mediaType],
    ["Platform", report.platform],
    ["Platforms", report.platforms],
    ["Created", report.created],
    ["Author", report.author],
    ["Size", formatBytes(report.sizeBytes)],
    ["Module", module && moduleText(module)],
    ["Files", files.map(({ title = "", sizeBytes }) => `${title} (${formatBytes(sizeBytes)})`)],
    ["Layers", module ? undefined : layers.map(layerText)],
    ["Entrypoint", report.entrypoint && JSON.stringify(report.entrypoint)],
    ["Cmd", report.cmd && JSON.stringify(report.cmd)],
    ["Env", Object.entries(report.env ?? {}).map(([key, value]) => `${key}=${value}`)],
    ["Folder", report.workingDir],
    ["Imports", report.imports],
    ["Exports", report.exports],
    [
      "Annotations",
      Object.entries(report.annotations).map(([key, value]) => `${key}=${value}`),
    ],
    ["Runs here", report.runs ? "yes" : `no: ${reason ?? ""}`],
  ];
  return rows.flatMap(([title, value]) => rowLines(title, value)).map((line) => `${line}\n`)
    .join("");
}

function rowLines(title: string, value: string | readonly string[] | undefined): string[] {
  const values = value === undefined ? [] : typeof value === "string" ? [value] : value;
  const shown = values.slice(0, SHOWN_MAX).map(clean);
  if (values.length > SHOWN_MAX) shown.push(`and ${values.length - SHOWN_MAX} more`);
  return shown.map((text, i) => `${(i === 0 ? `${title}:` : "").padEnd(13)} ${text}`.trimEnd());
}

function moduleText({ name, digest, sizeBytes, kind }: NonNullable<ImageReport["module"]>): string {
  const what = kind === undefined ? "" : kind === "component" ? ", a component" : ", a core module";
  return `${name ?? digest}, ${formatBytes(sizeBytes)}${what}`;
}

function layerText({ mediaType, sizeBytes }: ImageReport["layers"][number]): string {
  return `${mediaType} (${formatBytes(sizeBytes)})`;
}
