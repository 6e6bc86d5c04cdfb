/**
 * Manifests, indexes and configs: of every layout that is understood, and damaged in their structure,
 * their text and their bytes. For tests only.
 *
 * @module
 */
import {
  CNCF_CONFIG,
  CNCF_LAYER,
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  IMAGE_CONFIGS,
  OCI_INDEX,
  OCI_MANIFEST,
  WASM_LAYERS,
  WASM_TO_OCI_LAYER,
} from "../oci/media_types.ts";
import { mutateBytes, mutateText } from "../../fuzz/mutate.ts";
import type { Random } from "../../fuzz/random.ts";

/** What a registry sends of an image. */
export interface Sent {
  readonly manifest: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  readonly config: Uint8Array<ArrayBuffer>;
  /** Layers that a plan must have; absent if something was damaged. */
  readonly expected?: { readonly module: boolean; readonly tree: number };
}

const TAR_LAYERS = [
  "application/vnd.oci.image.layer.v1.tar",
  "application/vnd.oci.image.layer.v1.tar+gzip",
  "application/vnd.oci.image.layer.v1.tar+zstd",
  "application/vnd.docker.image.rootfs.diff.tar.gzip",
];
const TITLE = "org.opencontainers.image.title";
const TITLES = ["a", "b.txt", "site/index.html", "d/./e", "é"];
const ODD_TITLES = [
  "",
  "/",
  "../x",
  "/etc/passwd",
  "a/../b",
  "n".repeat(300),
  "x\0y",
  "\\..\\x",
  "x/".repeat(120),
];

/** An image that a node takes, or with `damage` one that something happened to. */
export function makeSent(random: Random, damage: boolean): Sent {
  const { manifest, config, expected } = random.once(2)
    ? makeArtifact(random)
    : makeContainer(random);
  const own = manifest["mediaType"];
  const contentType = typeof own === "string" && random.once(2) ? own : random.of(CONTENT_TYPES);
  if (!damage) {
    return { manifest: bytesOf(manifest), config: bytesOf(config), contentType, expected };
  }
  const whole = random.once(6) ? makeIndex(random, manifest) : manifest;
  return { manifest: damaged(random, whole), config: damaged(random, config), contentType };
}

type Body = Record<string, unknown>;

interface Made {
  readonly manifest: Body;
  readonly config: Body;
  readonly expected: { readonly module: boolean; readonly tree: number };
}

function makeArtifact(random: Random): Made {
  const files = random.list(
    0,
    3,
    (at) =>
      descriptor(random, "application/octet-stream", { [TITLE]: `${at}/${random.of(TITLES)}` }),
  );
  const isOld = random.once(3);
  const module = descriptor(random, isOld ? WASM_TO_OCI_LAYER : CNCF_LAYER);
  const configType = isOld ? "application/vnd.wasm.config.v1+json" : CNCF_CONFIG;
  return {
    manifest: manifestOf(random, {
      config: descriptor(random, configType),
      layers: random.once(2) ? [module, ...files] : [...files, module],
    }),
    config: {
      architecture: "wasm",
      os: "wasip1",
      module: { imports: ["wasi_snapshot_preview1"], exports: ["_start"] },
    },
    expected: { module: true, tree: files.length },
  };
}

function makeContainer(random: Random): Made {
  const layers = random.list(1, 4, () => descriptor(random, random.of(TAR_LAYERS)));
  return {
    manifest: manifestOf(random, {
      config: descriptor(random, random.of(IMAGE_CONFIGS)),
      layers,
    }),
    config: {
      ...random.of([{ os: "wasip1", architecture: "wasm" }, {
        os: "linux",
        architecture: "wasm32",
      }]),
      config: { Entrypoint: ["/app.wasm"], Env: ["A=1", "__proto__=x"], WorkingDir: "/srv" },
      rootfs: { type: "layers", diff_ids: layers.map(() => makeDigest(random)) },
    },
    expected: { module: false, tree: layers.length },
  };
}

function manifestOf(random: Random, { config, layers }: { config: Body; layers: Body[] }): Body {
  const mediaType = random.of([OCI_MANIFEST, DOCKER_MANIFEST, undefined]);
  return {
    schemaVersion: 2,
    ...(mediaType === undefined ? {} : { mediaType }),
    config,
    layers,
    ...(random.once(3) ? { annotations: { "module.wasm.image/variant": "compat" } } : {}),
  };
}

function makeIndex(random: Random, beside: Body): Body {
  const platform = { os: random.of(["wasip1", "wasi", "linux"]), architecture: "wasm" };
  const manifests = random.list(0, 3, () => ({ ...descriptor(random, OCI_MANIFEST), platform }));
  const index = { schemaVersion: 2, mediaType: random.of([OCI_INDEX, DOCKER_INDEX]), manifests };
  // Whoever reads such a one takes it for the one or the other.
  return random.once(3) ? { ...beside, manifests } : index;
}

function descriptor(random: Random, mediaType: string, annotations?: Body): Body {
  const size = random.below(random.once(4) ? 1 << 20 : 1_000);
  return { mediaType, digest: makeDigest(random), size, ...(annotations && { annotations }) };
}

function makeDigest(random: Random): string {
  const half = random.below(2 ** 32).toString(16).padStart(8, "0");
  return random.once(8) ? `sha512:${half.repeat(16)}` : `sha256:${half.repeat(8)}`;
}

const CONTENT_TYPES = [OCI_MANIFEST, "application/json", "", "text/plain; charset=utf-8"];

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  -0,
  0.5,
  1e308,
  2 ** 53,
  2 ** 40,
  2 ** 30,
  2 ** 30 + 1,
  "",
  "1",
  "__proto__",
  "a\nb\u202e\u2028\ud800",
  "x".repeat(3_000),
  "wasm",
  "linux",
  "wasip2",
  [],
  {},
  [[]],
  { __proto__: null, constructor: 1 },
  ...ODD_TITLES,
  ...WASM_LAYERS,
  ...TAR_LAYERS,
  `${TAR_LAYERS[0]}+encrypted`,
  ...IMAGE_CONFIGS,
  CNCF_CONFIG,
  OCI_INDEX,
];
const KEYS = [
  "annotations",
  "size",
  "digest",
  "manifests",
  "layers",
  "config",
  "imports",
  "component",
  TITLE,
];
const KEYS_ORAS = ["io.deis.oras.content.unpack", "io.deis.oras.content.digest"];

function damaged(random: Random, body: Body): Uint8Array<ArrayBuffer> {
  const copy: Body = structuredClone(body);
  if (random.once(4)) resize(random, copy["layers"]);
  for (let left = random.below(4); left > 0; left--) changeSomewhere(random, copy);
  let text = JSON.stringify(copy);
  if (random.once(40)) text = nested(random, text);
  if (random.once(4)) text = twice(random, text);
  if (random.once(6)) text = mutateText(random, text, [JSON.stringify(body)]);
  const bytes = new TextEncoder().encode(text);
  if (random.once(10)) mutateBytes(random, bytes);
  return random.once(20) ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
}

/** Other sizes, of one layer or of many. */
function resize(random: Random, layers: unknown): void {
  if (!Array.isArray(layers)) return;
  const size = random.of(SIZES);
  if (random.once(3) && layers.length > 0) layers.push(...new Array(5).fill(layers.at(-1)));
  for (const layer of layers) if (random.once(2)) layer["size"] = size;
}

const SIZES = [-1, 0.5, 2 ** 20 + 1, 600 * 2 ** 20, 2 ** 30, 2 ** 30 + 1, 2 ** 40, 2 ** 53, 1e308];

/** Walks down by chance, and sets, adds, removes or repeats something there. */
function changeSomewhere(random: Random, value: unknown): void {
  if (Array.isArray(value)) {
    const at = random.below(value.length + 1);
    if (!random.once(3) && isBranch(value[at])) return changeSomewhere(random, value[at]);
    if (random.once(3)) value.splice(at, 1);
    else if (random.once(2) && value.length > 0) {
      value.push(...new Array(random.once(4) ? 130 : 2).fill(value[0]));
    } else value[at] = oddValue(random);
    return;
  }
  const body = value as Body;
  const keys = Object.keys(body);
  const key = random.once(4) || keys.length === 0 ? random.of(KEYS) : random.of(keys);
  if (!random.once(4) && isBranch(body[key])) return changeSomewhere(random, body[key]);
  const kind = random.below(6);
  if (kind === 0) delete body[key];
  else if (kind > 1) body[key] = oddValue(random);
  else {
    body["annotations"] = {
      [TITLE]: random.of(TITLES),
      [random.of(KEYS_ORAS)]: random.of(["true", makeDigest(random)]),
    };
  }
}

/** A copy, as it may be changed further. */
function oddValue(random: Random): unknown {
  const value = random.of(VALUES);
  return isBranch(value) ? structuredClone(value) : value;
}

function isBranch(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** A key that is there twice: readers differ in which one they take. */
function twice(random: Random, text: string): string {
  const braces = [...text.matchAll(/[{}]/g)];
  const brace = random.of(braces);
  const member = `${JSON.stringify(random.of(KEYS))}:${JSON.stringify(random.of(VALUES))}`;
  const at = brace.index;
  return brace[0] === "{"
    ? `${text.slice(0, at + 1)}${member},${text.slice(at + 1)}`
    : `${text.slice(0, at)},${member}${text.slice(at)}`;
}

function nested(random: Random, text: string): string {
  const depth = random.of([50, 1_000, 5_000]);
  const [open, close] = random.of([["[", "]"], ['{"a":', "}"]] as const);
  const deep = open.repeat(depth) + "1" + close.repeat(random.once(4) ? 0 : depth);
  return text.replace(/"mediaType":"[^"]*"/, `"x":${deep.replaceAll("$", "")}`);
}

function bytesOf(body: Body): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(body));
}
