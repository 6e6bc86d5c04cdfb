/**
 * What lies beside an image in its registry and may be a signature: under cosign's tag
 * `sha256-<hex>.sig`, and what refers to the image (OCI distribution 1.1).
 *
 * @module
 */
import { messageOf } from "../../errors.ts";
import { clean, PullFailure } from "../oci/failure.ts";
import type { Referrer } from "../oci/listing.ts";
import type { FetchedManifest } from "../oci/reading.ts";
import { isDigest } from "../oci/reference.ts";
import type { Access } from "../oci/tokens.ts";
import { BUNDLE_TYPE, noSignature, PREDICATE_ANNOTATION, SIGN_PREDICATE } from "./bundle.ts";

/** Where signatures are read. `OciClient` fits. */
export interface SignatureSource {
  manifest(
    access: Access,
    target: string,
    until: { readonly signal: AbortSignal },
  ): Promise<FetchedManifest>;
  smallBlob(
    access: Access,
    digest: string,
    until: { readonly signal: AbortSignal },
  ): Promise<Uint8Array<ArrayBuffer>>;
  referrers(
    access: Access,
    digest: string,
    until: { readonly signal: AbortSignal },
  ): Promise<readonly Referrer[]>;
}

/** A blob that may be a signature. */
export interface Candidate {
  readonly digest: string;
  /** As its manifest says. */
  readonly size: number;
  /** In base64, of a payload of the older form; a bundle holds its own. */
  readonly signature?: string;
}

/** Type of a layer that is a payload; its signature is an annotation. */
export const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
/** The annotation that holds a payload's signature in base64. */
export const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";
/** Artifact types of manifests that refer to an image and hold signatures. */
const ARTIFACT_TYPES: readonly string[] = [
  BUNDLE_TYPE,
  "application/vnd.dev.cosign.artifact.sig.v1+json",
  PAYLOAD_TYPE,
  // A client that keeps the list itself may leave the type out, or take the config's.
  "",
  "application/vnd.oci.empty.v1+json",
];
/** Bundles of another version. */
const BUNDLE_KIND = /^application\/vnd\.dev\.sigstore\.bundle/;
/**
 * Manifests that are fetched to look for signatures in them. Where a client keeps the list, it often
 * does not say which are attestations, and of those there may be one for each day.
 */
export const MANIFESTS_MAX = 128;

/**
 * What may be a signature of the manifest with this digest; as texts, what else was found, for the
 * message if there is no signature.
 */
export async function* candidates(
  source: SignatureSource,
  { access, digest, signal }: {
    readonly access: Access;
    readonly digest: string;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<Candidate | string> {
  const tag = `${digest.replace(":", "-")}.sig`;
  const tagged = await orAbsent(source.manifest(access, tag, { signal }));
  if (tagged !== undefined) yield* candidatesIn(tagged);
  const referrers = await orAbsent(source.referrers(access, digest, { signal })) ?? [];
  let left = MANIFESTS_MAX;
  for (const { artifactType = "", digest, annotations } of referrers) {
    const other = otherKind(artifactType, annotations);
    if (other !== undefined) yield other;
    else if (ARTIFACT_TYPES.includes(artifactType)) {
      if (left-- === 0) {
        return yield `only the first ${MANIFESTS_MAX} things that refer to it were looked at`;
      }
      yield* candidatesIn(await source.manifest(access, digest, { signal }));
    }
  }
}

/** A bundle that is no signature, by what is said of it: it need not be fetched to be left out. */
function otherKind(type: string, annotations: unknown): string | undefined {
  if (type !== BUNDLE_TYPE && BUNDLE_KIND.test(type)) {
    return `a bundle is of type "${clean(type)}", and "${BUNDLE_TYPE}" is read`;
  }
  const predicate: unknown = Object(annotations)[PREDICATE_ANNOTATION];
  return predicate === undefined || predicate === SIGN_PREDICATE
    ? undefined
    : noSignature(predicate);
}

function candidatesIn({ bytes }: FetchedManifest): (Candidate | string)[] {
  let body: Record<string, unknown>;
  try {
    body = Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw new PullFailure(`a manifest of signatures is not JSON: ${messageOf(error)}`);
  }
  const { layers, annotations } = body;
  const other = otherKind("", annotations);
  if (other !== undefined) return [other];
  return (Array.isArray(layers) ? layers : []).flatMap((layer: unknown) => {
    const { mediaType, digest, size, annotations } = Object(layer);
    if (typeof digest !== "string" || !isDigest(digest) || typeof size !== "number") return [];
    if (mediaType === BUNDLE_TYPE) return [{ digest, size }];
    const signature: unknown = Object(annotations)[SIGNATURE_ANNOTATION];
    if (mediaType !== PAYLOAD_TYPE || typeof signature !== "string") return [];
    return [{ digest, size, signature }];
  });
}

/** A registry that does not know a signature says so by 404. */
async function orAbsent<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof PullFailure && error.status === 404) return undefined;
    throw error;
  }
}
