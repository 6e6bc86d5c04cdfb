/**
 * Signs images for tests as cosign does, into a registry in the test's process.
 *
 * @module
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { OCI_MANIFEST } from "../oci/media_types.ts";
import type { TestRegistry } from "../oci/_test_registry.ts";
import { PAYLOAD_TYPE, SIGNATURE_ANNOTATION } from "./verify.ts";

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
