/**
 * Signatures of images as `cosign sign --key` makes them: Sigstore bundles (cosign 3), and the older
 * payloads with their signatures in annotations.
 *
 * @module
 */
import type { Access } from "../oci/tokens.ts";
import { BUNDLE_BYTES_MAX, judgeStatement, openBundle } from "./bundle.ts";
import { type Candidate, candidates, type SignatureSource } from "./candidates.ts";
import type { PublicKey } from "./keys.ts";
import { judgePayload, type SignedImage } from "./payload.ts";

/** What a signature must say, and where it is looked for. */
export interface WantedSignature extends SignedImage {
  readonly access: Access;
  readonly signal: AbortSignal;
}

/** Signatures that are looked at; each is a download. */
export const SIGNATURES_MAX = 32;

/** Looks for one good signature. Returns undefined if there is one, and else why there is none. */
export async function verifySignature(
  source: SignatureSource,
  wanted: WantedSignature,
): Promise<string | undefined> {
  const states = new Set<string>();
  let left = SIGNATURES_MAX;
  for await (const found of candidates(source, wanted)) {
    if (typeof found === "string") {
      states.add(found);
      continue;
    }
    if (left-- === 0) return `none of its first ${SIGNATURES_MAX} signatures is good`;
    const state = await check(source, found, wanted);
    if (state === undefined) return undefined;
    states.add(state);
  }
  const { registry, repository } = wanted.access;
  const why = [...states].slice(0, STATES_MAX).join("; ") || "it has no signature";
  return `${why}; sign it with cosign sign --key KEY ${registry}/${repository}@${wanted.digest}`;
}

/** Reasons that a person is told; whoever may write beside the image chooses how many there are. */
const STATES_MAX = 5;

async function check(
  source: SignatureSource,
  { digest, size, signature }: Candidate,
  wanted: WantedSignature,
): Promise<string | undefined> {
  const { access, rule: { keys }, signal } = wanted;
  if (size > BUNDLE_BYTES_MAX) return tooLarge(size);
  const bytes = await source.smallBlob(access, digest, { signal });
  if (bytes.length > BUNDLE_BYTES_MAX) return tooLarge(bytes.length);
  if (signature === undefined) {
    const envelope = openBundle(bytes);
    if (typeof envelope === "string") return envelope;
    const isSigned = await isByOneOf(keys, envelope.signed, envelope.signature);
    return isSigned ? judgeStatement(envelope.statement, wanted) : NOT_OURS;
  }
  let signed: Uint8Array<ArrayBuffer>;
  try {
    signed = Uint8Array.fromBase64(signature);
  } catch {
    return "a signature is not base64";
  }
  return await isByOneOf(keys, bytes, signed) ? judgePayload(bytes, wanted) : NOT_OURS;
}

function tooLarge(bytes: number): string {
  return `a signature has ${bytes} bytes, more than ${BUNDLE_BYTES_MAX}`;
}

const NOT_OURS = "a signature is by none of the policy's keys";

async function isByOneOf(
  keys: readonly PublicKey[],
  bytes: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  for (const key of keys) if (await key.verifies(bytes, signature)) return true;
  return false;
}
