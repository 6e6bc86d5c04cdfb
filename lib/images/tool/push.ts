/**
 * `krustlet push`: publishes a module, or a folder with a module, as an artifact; and image layouts as
 * they are.
 *
 * @module
 */
import { KubeletError } from "../../errors.ts";
import type { ModuleTerms } from "../../provider.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { bytesSource, fileSource } from "../oci/source.ts";
import type { Pushed } from "../oci/upload.ts";
import { artifactConfig, type ArtifactFormat, artifactManifest } from "./artifact.ts";
import { findInput, type InputFile } from "./input_files.ts";
import { placeOf } from "./local_layout.ts";
import { packLayout } from "./push_layout.ts";
import { type Layer, type Packing, type Parcel, Push } from "./sending.ts";
import { openSession, pinned, type ToolSettings, type ToolWorld } from "./session.ts";
import { Transfers } from "./transfers.ts";
import { attempt, attemptFile, fileError, referenceOf } from "./trouble.ts";
import { whyNot } from "./verdict.ts";
import { surveyWasm, wasmOnDisk, type WasmSurvey } from "./wasm_survey.ts";

/** What `krustlet push` was asked to do. */
export interface PushRequest {
  /** A module, a folder, or an image layout as `oci:FOLDER` or `oci-archive:FILE`. */
  readonly path: string;
  /** Under which name. */
  readonly image: string;
  /** Further tags of the same repository. */
  readonly tags: readonly string[];
  /** In which form. */
  readonly format: ArtifactFormat;
  /** Which file of a folder is the module. */
  readonly module: string | undefined;
  /** Of the manifest, besides those that say its title and time. */
  readonly annotations: Readonly<Record<string, string>>;
  /** When it was made, in ms since 1970; undefined for bytes that do not depend on the time. */
  readonly createdMs: number | undefined;
  /** How the registry is reached, and how the result is printed. */
  readonly settings: ToolSettings;
}

/** What was pushed. */
export interface PushReport {
  /** All names that stand for it now. */
  readonly images: readonly string[];
  /** The name by digest. */
  readonly pinned: string;
  /** Of the manifest. */
  readonly digest: string;
  readonly layers: readonly {
    readonly title: string;
    readonly digest: string;
    readonly sizeBytes: number;
    /** `present` if the registry had it already. */
    readonly how: Pushed;
  }[];
}

/**
 * Pushes an image: all layers, the config, and then the manifest under each name.
 *
 * Throws a `KubeletError`: `invalid` for what cannot be pushed at all, `image_pull` for what the
 * registry or the network does.
 */
export async function pushImage(
  request: PushRequest,
  { screen, signal, terms }: ToolWorld & { readonly terms: ModuleTerms },
): Promise<PushReport> {
  const { path, settings } = request;
  const names = namesOf(request);
  const [reference] = names;
  const transfers = new Transfers(screen, settings);
  try {
    const parcel = await pack(request, { signal, terms, transfers });
    const { layers } = parcel;
    using session = await openSession(reference, settings, signal);
    const what = `Cannot push "${path}" to "${formatReference(reference)}"`;
    const { digest, hows } = await attempt(
      what,
      () =>
        session.enter((access) =>
          new Push(session.client, access, { transfers, signal }).send({ ...parcel, names })
        ),
    );
    return {
      images: names.map(formatReference),
      pinned: pinned(reference, digest),
      digest,
      layers: layers.map(({ title, source }, i) => ({
        title,
        digest: source.digest,
        sizeBytes: source.size,
        how: hows[i]!,
      })),
    };
  } finally {
    transfers.close();
  }
}

/** All names that the artifact gets, in one repository. */
function namesOf({ image, tags }: PushRequest): [Reference, ...Reference[]] {
  const reference = referenceOf(image);
  if (reference.digest !== undefined) {
    throw new KubeletError(
      "invalid",
      `Cannot push to "${image}": a digest follows from the content; give a tag`,
    );
  }
  const { registry, repository } = reference;
  const more = tags.map((tag) => {
    if (!/^\w[\w.-]{0,127}$/.test(tag)) {
      throw new KubeletError(
        "invalid",
        `Cannot use --tag "${tag}": allowed are 1–128 letters, digits, "_", "." and "-"`,
      );
    }
    return { registry, repository, tag };
  });
  const others = more.filter(({ tag }) => tag !== reference.tag);
  return [reference, ...new Map(others.map((name) => [name.tag, name])).values()];
}

async function pack(request: PushRequest, packing: Packing): Promise<Omit<Parcel, "names">> {
  const { path, format, annotations, createdMs } = request;
  const { signal, terms, transfers } = packing;
  const place = await placeOf(path);
  if (place !== undefined) return await packLayout(request, place, packing);
  const { module, files, leftOut } = await findInput(path, request.module);
  if (format === "wasm-to-oci" && files.length > 0) {
    throw new KubeletError(
      "invalid",
      `Cannot push "${path}" as wasm-to-oci: that format has no room for the files beside the ` +
        "module; leave --format out, or push the module alone",
    );
  }
  if (leftOut.length > 0) {
    transfers.note(`Left out, for the dot in front: ${leftOut.slice(0, 5).join(", ")}`);
  }
  const survey = await attemptFile(`Cannot push "${module.path}"`, () => surveyFile(module.path));
  const layers: Layer[] = [];
  for (const file of [module, ...files]) layers.push(await layerOf(file, signal));
  const [first, ...others] = layers.map(({ title, source }) => ({ ...source, title }));
  const parts = { format, module: first!, files: others, survey, annotations, createdMs };
  const reason = whyNot(survey, { sizeBytes: parts.module.size, terms });
  if (reason !== undefined) transfers.note(`This node would not run it: ${reason}`);
  const config = artifactConfig(parts);
  const configSource = bytesSource(config.bytes);
  const manifest = artifactManifest(parts, { ...configSource, mediaType: config.mediaType });
  return { layers, configs: [configSource], children: [], manifest };
}

async function surveyFile(path: string): Promise<WasmSurvey> {
  using file = await Deno.open(path).catch((error) => {
    throw fileError(`Cannot read "${path}"`, error);
  });
  return await surveyWasm(wasmOnDisk(file, (await file.stat()).size));
}

async function layerOf({ path, title }: InputFile, signal: AbortSignal): Promise<Layer> {
  try {
    return { title, source: await fileSource(path, { signal }) };
  } catch (error) {
    signal.throwIfAborted();
    throw fileError(`Cannot read "${path}"`, error);
  }
}
