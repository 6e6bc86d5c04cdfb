/**
 * Signs images for tests as cosign does, into a registry in the test's process.
 *
 * @module
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { OCI_MANIFEST } from "../oci/media_types.ts";
import type { TestRegistry } from "../oci/_test_registry.ts";
import {
  BUNDLE_TYPE,
  preAuthEncoding,
  PREDICATE_ANNOTATION,
  SIGN_PREDICATE,
  STATEMENT_TYPE,
} from "./bundle.ts";
import { PAYLOAD_TYPE, SIGNATURE_ANNOTATION } from "./candidates.ts";

/** The kinds of keys that cosign makes or takes. */
export const KEY_KINDS = ["P-256", "P-384", "Ed25519", "RSA"] as const;

/** A key pair that signs. */
export class Signer {
  readonly publicPem: string;
  readonly #privateKey: KeyObject;

  constructor(kind: typeof KEY_KINDS[number] = "P-256") {
    const pair = kind === "Ed25519"
      ? generateKeyPairSync("ed25519")
      : kind === "RSA"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: kind });
    this.publicPem = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
    this.#privateKey = pair.privateKey;
  }

  /** A signature in base64, ECDSA's in ASN.1. */
  sign(bytes: Uint8Array): string {
    const { asymmetricKeyType } = this.#privateKey;
    return sign(asymmetricKeyType === "ed25519" ? null : "sha256", bytes, this.#privateKey)
      .toString("base64");
  }
}

/** What a payload says. */
export interface Said {
  readonly digest: string;
  readonly name: string;
}

/** The bytes of a payload. */
export function payloadOf({ digest, name }: Said): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify({
    critical: {
      identity: { "docker-reference": name },
      image: { "docker-manifest-digest": digest },
      type: "cosign container image signature",
    },
    optional: null,
  }));
}

/** Puts a signature into a registry, under cosign's tag or as a referrer. */
export function putSignature(
  registry: TestRegistry,
  repository: string,
  { signer, of, said, as = "tag" }: {
    readonly signer: Signer;
    /** The image that it lies beside. */
    readonly of: string;
    readonly said: Said;
    readonly as?: "tag" | "referrer";
  },
): void {
  const bytes = payloadOf(said);
  const annotations = { [SIGNATURE_ANNOTATION]: signer.sign(bytes) };
  const config = new TextEncoder().encode("{}");
  const artifactType = "application/vnd.dev.cosign.artifact.sig.v1+json";
  const { bytes: image } = registry.manifests.get(`${repository} ${of}`)!;
  const subject = { mediaType: OCI_MANIFEST, digest: of, size: image.length };
  const body = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    ...(as === "tag" ? {} : { artifactType, subject }),
    config: registry.blob(config, "application/vnd.oci.image.config.v1+json"),
    layers: [registry.blob(bytes, PAYLOAD_TYPE, { annotations })],
  };
  const tag = `${of.replace(":", "-")}.${as === "tag" ? "sig" : "referred"}`;
  registry.manifest(repository, tag, body);
}

/** A statement as cosign 3 signs it. */
export function statementOf(digest: string): Record<string, unknown> {
  const [algorithm, hex] = digest.split(":");
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { [algorithm!]: hex } }],
    predicateType: SIGN_PREDICATE,
    predicate: {},
  };
}

/** A bundle as cosign 3 writes it, signed by `signer`. */
export function bundleOf(
  signer: Signer,
  statement: object,
  payloadType: string = STATEMENT_TYPE,
): Record<string, unknown> & { dsseEnvelope: Record<string, unknown> } {
  const payload = new TextEncoder().encode(JSON.stringify(statement));
  const sig = signer.sign(preAuthEncoding(payloadType, payload));
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint: "any" } },
    dsseEnvelope: { payload: payload.toBase64(), payloadType, signatures: [{ sig }] },
  };
}

/** Puts bytes as a bundle that refers to an image into a registry; returns its manifest's digest. */
export function putBundle(
  registry: TestRegistry,
  repository: string,
  { of, bundle, predicate = SIGN_PREDICATE }: {
    /** The image that it lies beside. */
    readonly of: string;
    readonly bundle: Uint8Array | object;
    /** What its annotation says. */
    readonly predicate?: string;
  },
): string {
  const bytes = bundle instanceof Uint8Array
    ? bundle
    : new TextEncoder().encode(JSON.stringify(bundle));
  const { bytes: image } = registry.manifests.get(`${repository} ${of}`)!;
  return registry.manifest(repository, `bundle-${crypto.randomUUID()}`, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: BUNDLE_TYPE,
    config: registry.blob(new TextEncoder().encode("{}"), "application/vnd.oci.empty.v1+json"),
    layers: [registry.blob(bytes, BUNDLE_TYPE)],
    subject: { mediaType: OCI_MANIFEST, digest: of, size: image.length },
    annotations: { [PREDICATE_ANNOTATION]: predicate },
  });
}
