/**
 * One look at one image, wherever it lies: what it is, and whether this node would run it.
 *
 * @module
 */
import type { ModuleTerms } from "../../provider.ts";
import { parseImageConfig } from "../layout/image_config.ts";
import { parseJson } from "../layout/json.ts";
import {
  chooseManifest,
  type Descriptor,
  type ImageManifest,
  parseManifest,
} from "../layout/manifest.ts";
import { needsConfig, planImage } from "../layout/plan.ts";
import { parseWasmConfig } from "../layout/wasm_config.ts";
import { PullFailure } from "../oci/failure.ts";
import { CNCF_CONFIG, WASM_LAYERS } from "../oci/media_types.ts";
import type { FetchedManifest } from "../oci/reading.ts";
import { TITLE } from "./artifact.ts";
import { type ImageReport, layoutOf } from "./report.ts";
import { whyNot } from "./verdict.ts";
import type { WasmSurvey } from "./wasm_survey.ts";

/** Where an image is looked at. Everything that fails is a `PullFailure`. */
export interface InspectSource {
  /** What the image is called in the report. */
  readonly image: string;
  /** The image's manifest or index. */
  find(): Promise<FetchedManifest>;
  /** A manifest by its digest. */
  manifest(digest: string): Promise<FetchedManifest>;
  /** A small blob, whole and checked against its digest. */
  smallBlob(digest: string): Promise<Uint8Array>;
  /** What a module says of itself; undefined if it cannot be looked into. */
  survey(module: Descriptor): Promise<WasmSurvey | undefined>;
  /** Why the image policy would refuse the image with this digest; undefined if it would not. */
  refused(digest: string): Promise<string | undefined>;
}

/** Indexes between the first one and an image. */
const INDEX_DEPTH_MAX = 1;

interface Found {
  readonly image: ImageManifest | undefined;
  readonly first: FetchedManifest;
  readonly mediaType: string;
  readonly platforms: readonly string[];
  /** Why there is no image for this node. */
  readonly reason?: string;
}

/** Looks at one image, without keeping anything of it. */
export class Inspection {
  readonly #source: InspectSource;
  readonly #terms: ModuleTerms;

  /** `terms` is what a node here would take. */
  constructor(source: InspectSource, terms: ModuleTerms) {
    this.#source = source;
    this.#terms = terms;
  }

  /** What the image is. Rejects with a `PullFailure` if it cannot be looked at. */
  async report(): Promise<ImageReport> {
    const { image, first, mediaType, platforms, reason: noImage } = await this.#find();
    const base = {
      image: this.#source.image,
      digest: first.digest,
      ...(mediaType === "" ? {} : { mediaType }),
      ...(platforms.length === 0 ? {} : { platforms }),
    };
    if (image === undefined) {
      const reason = noImage ?? "";
      return {
        ...base,
        layout: "unknown",
        sizeBytes: 0,
        layers: [],
        annotations: {},
        runs: false,
        reason,
      };
    }
    const config = needsConfig(image)
      ? await this.#source.smallBlob(image.config.digest)
      : undefined;
    const module = image.layers.find(({ mediaType }) => WASM_LAYERS.includes(mediaType));
    const { survey, trouble } = await this.#survey(module);
    const reason = this.#planned(image, config) ?? trouble ??
      this.#judged(survey, module) ?? await this.#source.refused(first.digest);
    return {
      ...base,
      layout: layoutOf(image),
      ...fromConfig(image, config),
      sizeBytes: image.layers.reduce((sum, { size }) => sum + size, 0),
      ...(module === undefined ? {} : { module: moduleReport(module, survey) }),
      layers: image.layers.map(layerReport),
      ...(survey === undefined ? {} : { imports: survey.imports, exports: survey.exports }),
      annotations: image.annotations,
      runs: reason === undefined,
      ...(reason === undefined ? {} : { reason }),
    };
  }

  async #find(): Promise<Found> {
    const first = await this.#source.find();
    let manifest = parseManifest(first.bytes, first.mediaType);
    const mediaType = typeOf(first);
    const platforms = manifest.kind === "index"
      ? [...new Set(manifest.manifests.map(({ platform }) => platform ?? "none"))]
      : [];
    for (let depth = 0; manifest.kind === "index"; depth++) {
      const chosen = choose(manifest.manifests, depth);
      if (typeof chosen === "string") {
        return { image: undefined, first, mediaType, platforms, reason: chosen };
      }
      const next = await this.#source.manifest(chosen.digest);
      manifest = parseManifest(next.bytes, next.mediaType);
    }
    return { image: manifest, first, mediaType, platforms };
  }

  /** What the module says of itself; in `trouble` why it cannot be one. */
  async #survey(
    module: Descriptor | undefined,
  ): Promise<{ survey?: WasmSurvey; trouble?: string }> {
    if (module === undefined) return {};
    try {
      const survey = await this.#source.survey(module);
      return survey === undefined ? {} : { survey };
    } catch (error) {
      if (!(error instanceof PullFailure) || error.retry || error.status === 401) throw error;
      return { trouble: error.message };
    }
  }

  /** Why a node would not even fetch it. */
  #planned(image: ImageManifest, config: Uint8Array | undefined): string | undefined {
    try {
      planImage(image, { config, terms: this.#terms });
      return undefined;
    } catch (error) {
      if (!(error instanceof PullFailure)) throw error;
      return error.message;
    }
  }

  #judged(survey: WasmSurvey | undefined, module: Descriptor | undefined): string | undefined {
    if (survey === undefined || module === undefined) return undefined;
    return whyNot(survey, { sizeBytes: module.size, terms: this.#terms });
  }
}

/** The entry of an index that a node here would take, or why there is none. */
function choose(manifests: readonly Descriptor[], depth: number): Descriptor | string {
  if (depth > INDEX_DEPTH_MAX) return "its index leads to an index in an index, and to no image";
  try {
    return chooseManifest(manifests);
  } catch (error) {
    if (!(error instanceof PullFailure)) throw error;
    return error.message;
  }
}

function typeOf({ bytes, mediaType }: FetchedManifest): string {
  const own = parseJson(bytes)["mediaType"];
  return typeof own === "string" ? own : mediaType;
}

function moduleReport(
  { digest, size, annotations }: Descriptor,
  survey: WasmSurvey | undefined,
): NonNullable<ImageReport["module"]> {
  const name = annotations[TITLE];
  return {
    ...(name === undefined ? {} : { name }),
    digest,
    sizeBytes: size,
    ...(survey === undefined ? {} : { kind: survey.kind }),
  };
}

function layerReport(
  { mediaType, digest, size, annotations }: Descriptor,
): ImageReport["layers"][number] {
  const title = annotations[TITLE];
  return { ...(title === undefined ? {} : { title }), mediaType, digest, sizeBytes: size };
}

/** What the config says. One that cannot be read is a reason not to run it, and is told as that. */
function fromConfig(
  { config: { mediaType } }: ImageManifest,
  bytes: Uint8Array | undefined,
): Partial<ImageReport> {
  if (bytes === undefined) return {};
  try {
    const body = parseJson(bytes);
    const text = (key: string): Partial<ImageReport> =>
      typeof body[key] === "string" ? { [key]: body[key] } : {};
    const both = { ...text("created"), ...text("author") };
    if (mediaType === CNCF_CONFIG) {
      const { os, architecture } = parseWasmConfig(bytes);
      return { platform: `${os}/${architecture}`, ...both };
    }
    const { platform, entrypoint, cmd, env, workingDir } = parseImageConfig(bytes);
    return {
      platform,
      ...both,
      ...(entrypoint && { entrypoint }),
      ...(cmd && { cmd }),
      ...(env && { env }),
      ...(workingDir !== undefined && { workingDir }),
    };
  } catch (error) {
    if (!(error instanceof PullFailure)) throw error;
    return {};
  }
}
