import type { ProjectedVolumeSource, VolumeProjection } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";
import { configMapFiles } from "./config_map.ts";
import { downwardApiFiles } from "./downward_api.ts";
import type { Payload } from "./payload.ts";
import { publishedVolume } from "./published_volume.ts";
import { secretFiles } from "./secret.ts";
import { DEFAULT_FILE_MODE, type VolumeContext, type VolumeSource } from "./source.ts";
import { trustAnchors } from "./trust_bundle.ts";

/** What a projected volume can be made of. */
export const PROJECTIONS: readonly string[] = [
  "configMap",
  "secret",
  "downwardAPI",
  "serviceAccountToken",
  "clusterTrustBundle",
];

/**
 * Several sources in one folder. Of two files with the same path the later one is kept.
 *
 * All sources are read before anything is written, and all that fail are named.
 */
export const projectedVolume: VolumeSource<ProjectedVolumeSource> = publishedVolume(
  "kubernetes.io~projected",
  projectedFiles,
);

async function projectedFiles(
  spec: ProjectedVolumeSource,
  context: VolumeContext,
): Promise<Payload> {
  const mode = spec.defaultMode ?? DEFAULT_FILE_MODE;
  const results = await Promise.allSettled(
    (spec.sources ?? []).map((source) => projectionFiles(source, mode, context)),
  );
  context.signal.throwIfAborted();
  const failed = results.filter((result) => result.status === "rejected");
  if (failed.length > 0) {
    const messages = failed.map((result) => messageOf(result.reason));
    const message = messages.length === 1 ? messages.join() : `[${messages.join(", ")}]`;
    throw new KubeletError("volume", message, { cause: failed[0]?.reason });
  }
  const files: Payload = new Map();
  for (const result of results) {
    if (result.status !== "fulfilled") continue;
    for (const [path, file] of result.value) files.set(path, file);
  }
  return files;
}

async function projectionFiles(
  source: VolumeProjection,
  mode: number,
  context: VolumeContext,
): Promise<Payload> {
  if (source.configMap) {
    return await configMapFiles({ ...source.configMap, defaultMode: mode }, context);
  }
  if (source.secret) {
    const { name, ...rest } = source.secret;
    const spec = { ...rest, ...(name === undefined ? {} : { secretName: name }) };
    return await secretFiles({ ...spec, defaultMode: mode }, context);
  }
  if (source.downwardAPI) {
    return downwardApiFiles({ ...source.downwardAPI, defaultMode: mode }, context);
  }
  if (source.serviceAccountToken) {
    const { path, ...request } = source.serviceAccountToken;
    const token = await context.tokens.get(context.pod, request, context.signal);
    return new Map([[path, { bytes: new TextEncoder().encode(token), mode }]]);
  }
  if (source.clusterTrustBundle) {
    const { path } = source.clusterTrustBundle;
    const text = await trustAnchors(source.clusterTrustBundle, context);
    return new Map([[path, { bytes: new TextEncoder().encode(text), mode }]]);
  }
  throw new KubeletError("volume", `projected source ${Object.keys(source)} is not supported`);
}
