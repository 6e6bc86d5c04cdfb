/**
 * `krustlet inspect`: says what an image or a module is, and whether this node would run it.
 *
 * @module
 */
import { basename } from "node:path";
import { isKubeletError, messageOf } from "../../errors.ts";
import type { ModuleTerms } from "../../provider.ts";
import { openRegular } from "../layout/local_file.ts";
import type { OciClient } from "../oci/client.ts";
import { formatReference, type Reference, target } from "../oci/reference.ts";
import { fileSource } from "../oci/source.ts";
import type { Access } from "../oci/tokens.ts";
import { ImageGuard } from "../signing/guard.ts";
import { openPolicy } from "../signing/policy_file.ts";
import { Inspection, type InspectSource } from "./inspection.ts";
import { layoutSource, placeOf } from "./local_layout.ts";
import { OutOfSight, remoteWasm } from "./remote_wasm.ts";
import type { ImageReport } from "./report.ts";
import { openSession, pinned, type ToolSettings, type ToolWorld } from "./session.ts";
import { attempt, attemptFile, referenceOf } from "./trouble.ts";
import { whyNot } from "./verdict.ts";
import { surveyWasm, wasmOnDisk } from "./wasm_survey.ts";

/** What `krustlet inspect` was asked to do. */
export interface InspectRequest {
  /**
   * A name of a registry's; a file, which is there or whose path begins as one; or an image layout, as
   * `oci:FOLDER` or `oci-archive:FILE`.
   */
  readonly image: string;
  /** How the registry is reached, and how the result is printed. */
  readonly settings: ToolSettings;
}

/**
 * Looks at an image without keeping anything of it.
 *
 * Throws a `KubeletError`: `invalid` for a name that is none, `image_pull` if it cannot be looked at.
 */
export async function inspectImage(
  { image, settings }: InspectRequest,
  { signal, terms }: Pick<ToolWorld, "signal"> & { readonly terms: ModuleTerms },
): Promise<ImageReport> {
  const what = `Cannot inspect "${image}"`;
  const place = await placeOf(image);
  if (place !== undefined) {
    return await attemptFile(what, async () => {
      return await new Inspection(await layoutSource(image, place, signal), terms).report();
    });
  }
  const path = await pathOf(image);
  if (path !== undefined) {
    return await attemptFile(what, () => inspectFile(path, { signal, terms }));
  }
  const reference = referenceOf(image);
  using session = await openSession(reference, settings, signal);
  return await attempt(
    `Cannot inspect image "${formatReference(reference)}"`,
    () =>
      session.enter((access) => {
        const source = remoteSource(session.client, access, { reference, settings, signal });
        return new Inspection(source, terms).report();
      }),
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

/** An image in a registry, as one user sees it. */
function remoteSource(
  client: OciClient,
  access: Access,
  { reference, settings, signal }: {
    readonly reference: Reference;
    readonly settings: ToolSettings;
    readonly signal: AbortSignal;
  },
): InspectSource {
  return {
    image: formatReference(reference),
    find: () => client.manifest(access, target(reference), { signal }),
    manifest: (digest) => client.manifest(access, digest, { signal }),
    smallBlob: (digest) => client.smallBlob(access, digest, { signal }),
    survey: async ({ digest, size }) => {
      try {
        return await surveyWasm(await remoteWasm(client, access, { digest, size, signal }));
      } catch (error) {
        if (error instanceof OutOfSight) return undefined;
        throw error;
      }
    },
    refused: async (digest) => {
      const { policyFile } = settings.images;
      if (policyFile === undefined) return undefined;
      try {
        const admission = await new ImageGuard(await openPolicy(policyFile), client)
          .admit(reference);
        const { credential } = access;
        await admission?.check({ imageId: pinned(reference, digest), credential, signal });
        return undefined;
      } catch (error) {
        if (!isKubeletError(error, "image_pull")) throw error;
        return messageOf(error);
      }
    },
  };
}

/** A file if it is one, or looks like a path. */
async function pathOf(image: string): Promise<string | undefined> {
  const named = /^file:(?!\/\/)(.+)$/i.exec(image)?.[1];
  if (named !== undefined) return named;
  if (/^(\.{0,2}[/\\]|[a-z]:[/\\])/i.test(image)) return image;
  const info = await Deno.stat(image).catch(() => undefined);
  return info?.isFile === true ? image : undefined;
}
