/**
 * Sigstore bundles, which cosign 3 makes of itself: a DSSE envelope around an in-toto statement that
 * names the image by its digest.
 *
 * Only what a key has signed counts. What a bundle brings for others (a hint at the key, entries of a
 * transparency log, time stamps) is not looked at.
 *
 * @module
 */
import { judgeName, otherImage, shown, type SignedImage } from "./payload.ts";

/** Type of a bundle: of the manifest that refers to the image, and of its layer. */
export const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** The annotation of that manifest that says what kind of statement is in it. */
export const PREDICATE_ANNOTATION = "dev.sigstore.bundle.predicateType";
/** The kind of statement that is a signature; others say something of the image, and approve nothing. */
export const SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1";
/** What DSSE calls an in-toto statement. */
export const STATEMENT_TYPE = "application/vnd.in-toto+json";
/** Bytes of a bundle: a signature's has a few KiB, with certificates and proofs some ten. */
export const BUNDLE_BYTES_MAX = 1024 * 1024;

/** An envelope, opened. Nothing in it is true before its signature is. */
export interface Envelope {
  /** What the signature is over. */
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
  /** A statement, if the signature is good. */
  readonly statement: Uint8Array;
}

/** Opens a bundle, or says why it is none that a key could vouch for. Touches nothing. */
export function openBundle(bytes: Uint8Array): Envelope | string {
  const bundle = objectIn(bytes);
  if (bundle === undefined) return "a bundle is not JSON";
  const { mediaType, verificationMaterial, dsseEnvelope } = bundle;
  if (mediaType !== BUNDLE_TYPE) {
    return `a bundle is of type ${shown(mediaType)}, and "${BUNDLE_TYPE}" is read`;
  }
  const { certificate, x509CertificateChain } = Object(verificationMaterial);
  if (certificate !== undefined || x509CertificateChain !== undefined) {
    return "a bundle is signed keyless, with a certificate, which is not checked";
  }
  const { payload, payloadType, signatures } = Object(dsseEnvelope);
  if (payloadType !== STATEMENT_TYPE) {
    return `a bundle holds ${shown(payloadType)}, and not "${STATEMENT_TYPE}"`;
  }
  // The format's own rule: an envelope of several signatures means something else.
  if (!Array.isArray(signatures) || signatures.length !== 1) {
    return "a bundle has not exactly one signature";
  }
  const statement = base64(payload);
  const signature = base64(Object(signatures[0]).sig);
  if (statement === undefined || signature === undefined) return "a bundle is not in base64";
  return { signed: preAuthEncoding(payloadType, statement), signature, statement };
}

/** What DSSE signs of a payload: its type and itself, each with its length (DSSE 1.0, PAE). */
export function preAuthEncoding(type: string, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const typeBytes = new TextEncoder().encode(type);
  const head = `DSSEv1 ${typeBytes.length} ${type} ${payload.length} `;
  const headBytes = new TextEncoder().encode(head);
  const whole = new Uint8Array(headBytes.length + payload.length);
  whole.set(headBytes);
  whole.set(payload, headBytes.length);
  return whole;
}

/** Why a signed statement does not speak for the image; undefined if it does. Touches nothing. */
export function judgeStatement(bytes: Uint8Array, image: SignedImage): string | undefined {
  const statement = objectIn(bytes);
  if (statement === undefined) return "a signed statement is not JSON";
  const { _type: type, predicateType, subject } = statement;
  if (type !== "https://in-toto.io/Statement/v1") {
    return `a signed statement is of type ${shown(type)}`;
  }
  if (predicateType !== SIGN_PREDICATE) return noSignature(predicateType);
  if (!Array.isArray(subject) || subject.length !== 1) {
    return "a signed statement has not exactly one subject";
  }
  const { digest, name } = Object(subject[0]);
  const [algorithm, hex] = image.digest.split(":");
  const digests: Readonly<Record<string, unknown>> = Object(digest);
  const signed = Object.hasOwn(digests, algorithm!) ? digests[algorithm!] : undefined;
  if (signed !== hex) {
    return otherImage(typeof signed === "string" ? `${algorithm}:${signed}` : signed);
  }
  if (name !== undefined && name !== "") return judgeName(name, image);
  const { signedAs } = image.rule;
  // cosign 3 signs no name, and a rule that asks for one must not be content with none.
  return signedAs === undefined
    ? undefined
    : `a signature names no image, and the rule asks for the name "${signedAs}"; leave signedAs ` +
      "out, or sign with --new-bundle-format=false";
}

/** What is said of a statement that is no signature. */
export function noSignature(predicateType: unknown): string {
  return `a statement of type ${shown(predicateType)} is no signature`;
}

function objectIn(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function base64(value: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (typeof value !== "string") return undefined;
  try {
    return Uint8Array.fromBase64(value);
  } catch {
    return undefined;
  }
}
