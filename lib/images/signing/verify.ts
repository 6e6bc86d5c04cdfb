/**
 * Signatures of images as cosign makes them: a "simple signing" payload that names the image by its
 * digest, and a signature over the payload's bytes. They lie beside the image, under the tag
 * `sha256-<hex>.sig`, or refer to it (OCI 1.1).
 *
 * @module
 */
import { messageOf } from "../../errors.ts";
import { type FetchedManifest } from "../oci/reading.ts";
import { clean, PullFailure } from "../oci/failure.ts";
import type { Referrer } from "../oci/listing.ts";
import { isDigest, parseReference, type Reference } from "../oci/reference.ts";
import type { Access } from "../oci/tokens.ts";
import type { PublicKey } from "./keys.ts";
import type { SignedRule } from "./policy.ts";

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

/** What a signature must say, and whose it must be. */
export interface WantedSignature {
  readonly access: Access;
  readonly reference: Reference;
  /** What the reference stands for, of the index where there is one. */
  readonly digest: string;
  readonly rule: SignedRule;
  readonly signal: AbortSignal;
}

/** Type of a layer that is a payload; its signature is an annotation. */
export const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
/** The annotation that holds a payload's signature in base64. */
export const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";
/** Artifact types of manifests that refer to an image and hold payloads. */
const ARTIFACT_TYPES: readonly string[] = [
  "application/vnd.dev.cosign.artifact.sig.v1+json",
  PAYLOAD_TYPE,
];
/** The newer form, which is not read: named, so that a person knows what is there. */
const BUNDLE_TYPE = /^application\/vnd\.dev\.sigstore\.bundle/;
/** Signatures that are looked at; each is a download. */
export const SIGNATURES_MAX = 32;

/** Looks for one good signature. Returns undefined if there is one, and else why there is none. */
export async function verifySignature(
  source: SignatureSource,
  wanted: WantedSignature,
): Promise<string | undefined> {
  const states: string[] = [];
  let left = SIGNATURES_MAX;
  for await (const found of manifests(source, wanted)) {
    if (typeof found === "string") {
      states.push(found);
      continue;
    }
    for (const layer of payloads(found)) {
      if (left-- === 0) return `none of its first ${SIGNATURES_MAX} signatures is good`;
      const state = await checkLayer(source, layer, wanted);
      if (state === undefined) return undefined;
      states.push(state);
    }
  }
  return [...new Set(states)].join("; ") ||
    `it has no signature; sign it with cosign sign --key KEY ${wanted.access.registry}/` +
      `${wanted.access.repository}@${wanted.digest}`;
}

/** Why a payload does not speak for the image; undefined if it does. Touches nothing. */
export function judgePayload(
  bytes: Uint8Array,
  { reference, digest, rule }: Pick<WantedSignature, "reference" | "digest" | "rule">,
): string | undefined {
  let payload: { critical?: Record<string, Record<string, unknown>> };
  try {
    payload = Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return "a signed payload is not JSON";
  }
  const { image, identity } = Object(payload.critical);
  const signed: unknown = Object(image)["docker-manifest-digest"];
  if (signed !== digest) return `a signature is for another image, ${clean(String(signed))}`;
  const name: unknown = Object(identity)["docker-reference"];
  const wanted = rule.signedAs ?? `${reference.registry}/${reference.repository}`;
  if (typeof name !== "string" || !isNamed(name, wanted, reference)) {
    return `a signature is for the name "${clean(String(name))}", not for "${wanted}"`;
  }
  return undefined;
}

/** A tag in the signed name must be the one that is asked for. */
function isNamed(name: string, wanted: string, reference: Reference): boolean {
  try {
    const { registry, repository, tag } = parseReference(name);
    if (`${registry}/${repository}` !== wanted) return false;
    return !name.endsWith(`:${tag}`) || reference.tag === undefined || tag === reference.tag;
  } catch {
    return false;
  }
}

interface Layer {
  readonly digest: string;
  readonly signature: string;
}

async function checkLayer(
  source: SignatureSource,
  { digest, signature }: Layer,
  wanted: WantedSignature,
): Promise<string | undefined> {
  const { access, rule, signal } = wanted;
  const bytes = await source.smallBlob(access, digest, { signal });
  let signed: Uint8Array<ArrayBuffer>;
  try {
    signed = Uint8Array.fromBase64(signature);
  } catch {
    return "a signature is not base64";
  }
  if (!await isByOneOf(rule.keys, bytes, signed)) {
    return "a signature is by none of the policy's keys";
  }
  return judgePayload(bytes, wanted);
}

async function isByOneOf(
  keys: readonly PublicKey[],
  bytes: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  for (const key of keys) if (await key.verifies(bytes, signature)) return true;
  return false;
}

/** Manifests that hold signatures, or words about what else was found; those under the tag first. */
async function* manifests(
  source: SignatureSource,
  { access, digest, signal }: WantedSignature,
): AsyncGenerator<FetchedManifest | string> {
  const tagged = await orAbsent(
    source.manifest(access, `${digest.replace(":", "-")}.sig`, { signal }),
  );
  if (tagged !== undefined) yield tagged;
  const referrers = await orAbsent(source.referrers(access, digest, { signal })) ?? [];
  for (const { artifactType = "", digest } of referrers) {
    if (BUNDLE_TYPE.test(artifactType)) {
      yield "it has a Sigstore bundle, which is not read; sign it with cosign sign " +
        "--new-bundle-format=false as well";
    } else if (ARTIFACT_TYPES.includes(artifactType)) {
      yield await source.manifest(access, digest, { signal });
    }
  }
}

function payloads({ bytes }: FetchedManifest): Layer[] {
  let body: Record<string, unknown>;
  try {
    body = Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw new PullFailure(`a manifest of signatures is not JSON: ${messageOf(error)}`);
  }
  const { layers } = body;
  return (Array.isArray(layers) ? layers : []).flatMap((layer: unknown) => {
    const { mediaType, digest, annotations } = Object(layer);
    const signature: unknown = Object(annotations)[SIGNATURE_ANNOTATION];
    if (mediaType !== PAYLOAD_TYPE || typeof signature !== "string") return [];
    return typeof digest === "string" && isDigest(digest) ? [{ digest, signature }] : [];
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
