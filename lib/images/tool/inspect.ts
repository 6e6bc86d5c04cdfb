/**
 * `krustlet inspect`: says what an image or a module is, and whether this node would run it.
 *
 * @module
 */
import { basename } from "node:path";
import { isKubeletError, messageOf } from "../../errors.ts";
import type { ModuleTerms } from "../../provider.ts";
import { parseJson } from "../layout/json.ts";
import { openRegular } from "../layout/local_file.ts";
import {
  chooseManifest,
  type Descriptor,
  type ImageManifest,
  parseManifest,
} from "../layout/manifest.ts";
import { parseImageConfig } from "../layout/image_config.ts";
import { needsConfig, planImage } from "../layout/plan.ts";
import { parseWasmConfig } from "../layout/wasm_config.ts";
import type { OciClient } from "../oci/client.ts";
import { PullFailure } from "../oci/failure.ts";
import { CNCF_CONFIG, WASM_LAYERS } from "../oci/media_types.ts";
import type { FetchedManifest } from "../oci/reading.ts";
import { formatReference, type Reference, target } from "../oci/reference.ts";
import { fileSource } from "../oci/source.ts";
import type { Access } from "../oci/tokens.ts";
import { ImageGuard } from "../signing/guard.ts";
import { openPolicy } from "../signing/policy_file.ts";
import { TITLE } from "./artifact.ts";
import { OutOfSight, remoteWasm } from "./remote_wasm.ts";
import { type ImageReport, layoutOf } from "./report.ts";
import { openSession, pinned, type ToolSettings, type ToolWorld } from "./session.ts";
import { attempt, attemptFile, referenceOf } from "./trouble.ts";
import { whyNot } from "./verdict.ts";
import { surveyWasm, wasmOnDisk, type WasmSurvey } from "./wasm_survey.ts";

/** What `krustlet inspect` was asked to do. */
export interface InspectRequest {
  /** A name of a registry's, or a file: one that is there, or a path that begins as one. */
  readonly image: string;
  /** How the registry is reached, and how the result is printed. */
  readonly settings: ToolSettings;
}

/** Indexes between the first one and an image. */
const INDEX_DEPTH_MAX = 1;

/**
 * Looks at an image without keeping anything of it.
 *
 * Throws a `KubeletError`: `invalid` for a name that is none, `image_pull` if it cannot be looked at.
 */
export async function inspectImage(
  { image, settings }: InspectRequest,
  { signal, terms }: Pick<ToolWorld, "signal"> & { readonly terms: ModuleTerms },
): Promise<ImageReport> {
  const path = await pathOf(image);
  if (path !== undefined) {
    return await attemptFile(
      `Cannot inspect "${image}"`,
      () => inspectFile(path, { signal, terms }),
    );
  }
  const reference = referenceOf(image);
  using session = await openSession(reference, settings, signal);
  return await attempt(
    `Cannot inspect image "${formatReference(reference)}"`,
    () =>
      session.enter((access) =>
        new Inspection(session.client, access, { reference, settings, signal, terms }).report()
      ),
  );
}

async function inspectFile(
  path: string,
  { signal, terms }: { readonly signal: AbortSignal; readonly terms: ModuleTerms },
): Promise<ImageReport> {
  using file = await openRegular(path);
  const { size } = await file.stat();
  const survey = await surveyWasm(wasmOnDisk(file, size));
  const { digest } = await fileSource(path, { signal });
  const reason = whyNot(survey, { sizeBytes: size, terms });
  return {
    image: path,
    digest,
    layout: "file",
    sizeBytes: size,
    module: { name: basename(path), digest, sizeBytes: size, kind: survey.kind },
    layers: [],
    imports: survey.imports,
    exports: survey.exports,
    annotations: {},
    runs: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
  };
}

interface Found {
  readonly image: ImageManifest | undefined;
  readonly first: FetchedManifest;
  readonly mediaType: string;
  readonly platforms: readonly string[];
  /** Why there is no image for this node. */
  readonly reason?: string;
}

/** One look at one image, as one user. */
class Inspection {
  readonly #client: OciClient;
  readonly #access: Access;
  readonly #options: {
    readonly reference: Reference;
    readonly settings: ToolSettings;
    readonly signal: AbortSignal;
    readonly terms: ModuleTerms;
  };

  constructor(
    client: OciClient,
    access: Access,
    options: {
      readonly reference: Reference;
      readonly settings: ToolSettings;
      readonly signal: AbortSignal;
      readonly terms: ModuleTerms;
    },
  ) {
    this.#client = client;
    this.#access = access;
    this.#options = options;
  }

  async report(): Promise<ImageReport> {
    const { reference } = this.#options;
    const { image, first, mediaType, platforms, reason: noImage } = await this.#find();
    const base = {
      image: formatReference(reference),
      digest: first.digest,
      mediaType,
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
      ? await this.#client.smallBlob(this.#access, image.config.digest, this.#options)
      : undefined;
    const module = image.layers.find(({ mediaType }) => WASM_LAYERS.includes(mediaType));
    const { survey, trouble } = await this.#survey(module);
    const reason = this.#planned(image, config) ?? trouble ??
      this.#judged(survey, module) ?? await this.#refused(first.digest);
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
    const { reference, signal } = this.#options;
    const first = await this.#client.manifest(this.#access, target(reference), { signal });
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
      const next = await this.#client.manifest(this.#access, chosen.digest, { signal });
      manifest = parseManifest(next.bytes, next.mediaType);
    }
    return { image: manifest, first, mediaType, platforms };
  }

  /** What the module says of itself; in `trouble` why it cannot be one. */
  async #survey(
    module: Descriptor | undefined,
  ): Promise<{ survey?: WasmSurvey; trouble?: string }> {
    if (module === undefined) return {};
    const { digest, size } = module;
    const { signal } = this.#options;
    try {
      const file = await remoteWasm(this.#client, this.#access, { digest, size, signal });
      return { survey: await surveyWasm(file) };
    } catch (error) {
      if (error instanceof OutOfSight) return {};
      if (!(error instanceof PullFailure) || error.retry || error.status === 401) throw error;
      return { trouble: error.message };
    }
  }

  /** Why a node would not even fetch it. */
  #planned(image: ImageManifest, config: Uint8Array | undefined): string | undefined {
    try {
      planImage(image, { config, terms: this.#options.terms });
      return undefined;
    } catch (error) {
      if (!(error instanceof PullFailure)) throw error;
      return error.message;
    }
  }

  #judged(survey: WasmSurvey | undefined, module: Descriptor | undefined): string | undefined {
    if (survey === undefined || module === undefined) return undefined;
    return whyNot(survey, { sizeBytes: module.size, terms: this.#options.terms });
  }

  /** Why the image policy would refuse it. */
  async #refused(digest: string): Promise<string | undefined> {
    const { reference, settings, signal } = this.#options;
    const { policyFile } = settings.images;
    if (policyFile === undefined) return undefined;
    try {
      const admission = await new ImageGuard(await openPolicy(policyFile), this.#client)
        .admit(reference);
      const { credential } = this.#access;
      await admission?.check({ imageId: pinned(reference, digest), credential, signal });
      return undefined;
    } catch (error) {
      if (!isKubeletError(error, "image_pull")) throw error;
      return messageOf(error);
    }
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

/** A file if it is one, or looks like a path. */
async function pathOf(image: string): Promise<string | undefined> {
  const named = /^file:(?!\/\/)(.+)$/i.exec(image)?.[1];
  if (named !== undefined) return named;
  if (/^(\.{0,2}[/\\]|[a-z]:[/\\])/i.test(image)) return image;
  const info = await Deno.stat(image).catch(() => undefined);
  return info?.isFile === true ? image : undefined;
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
