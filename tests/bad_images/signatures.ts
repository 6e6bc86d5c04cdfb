/**
 * Images that the node's policy does not take.
 *
 * @module
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  artifact,
  type BadImage,
  type BadImages,
  IMAGE_CONFIG,
  ownModule,
  WASM_LAYER,
  type World,
} from "./bad_image.ts";
import { OCI_MANIFEST } from "./registry.ts";

/** Folder of the repositories whose images must be signed. */
export const SIGNED = "signed";
/** Folder of the repositories that are not taken at all. */
export const REJECTED = "rejected";

const ours = generateKeyPairSync("ec", { namedCurve: "P-256" });
const theirs = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** The policy file that the agent gets. */
export function imagePolicy({ registry }: Pick<World, "registry">): string {
  const key = ours.publicKey.export({ type: "spki", format: "pem" }).toString();
  return JSON.stringify({
    default: "accept",
    rules: [
      { images: [`${registry.host}/${REJECTED}`], action: "reject" },
      { images: [`${registry.host}/${SIGNED}`], action: "signed", keys: [key] },
    ],
  });
}

interface Signature {
  readonly by?: KeyObject;
  /** @default {the image's own} */
  readonly digest?: string;
  /** @default {the image's own} */
  readonly name?: string;
}

/** An image with this signature, or with none. Answers its name. */
export function signedImage(world: World, repo: string, signature?: Signature): string {
  const { registry } = world;
  const layers = [registry.blob(ownModule(world, repo), WASM_LAYER)];
  const digest = registry.manifest(repo, artifact(registry, layers));
  if (signature === undefined) return registry.image(repo);
  const { by = ours.privateKey, name = `${registry.host}/${repo}` } = signature;
  const payload = new TextEncoder().encode(JSON.stringify({
    critical: {
      identity: { "docker-reference": name },
      image: { "docker-manifest-digest": signature.digest ?? digest },
      type: "cosign container image signature",
    },
    optional: null,
  }));
  const annotations = {
    "dev.cosignproject.cosign/signature": sign("sha256", payload, by).toString("base64"),
  };
  const type = "application/vnd.dev.cosign.simplesigning.v1+json";
  registry.manifest(repo, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: registry.blob("{}", IMAGE_CONFIG),
    layers: [registry.blob(payload, type, { annotations })],
  }, { tag: `${digest.replace(":", "-")}.sig` });
  return registry.image(repo);
}

function signed(signature?: Signature): Pick<BadImage, "image" | "reason"> {
  return {
    image: (world, repo) => signedImage(world, `${SIGNED}/${repo}`, signature),
    reason: "SignatureValidationFailed",
  };
}

/** Rows that the policy decides. */
export const SIGNATURES: BadImages = {
  "rejected": {
    image: (world, repo) => signedImage(world, `${REJECTED}/${repo}`, {}),
    reason: "SignatureValidationFailed",
    says:
      /the signature validation failed: the node's image policy rejects it; use one that it takes/,
  },
  "unsigned": {
    ...signed(),
    says:
      /the signature validation failed: it has no signature; sign it with cosign sign --key KEY/,
  },
  "signed-by-another": {
    ...signed({ by: theirs.privateKey }),
    says: /a signature is by none of the policy's keys; sign it with cosign sign --key KEY 127/,
  },
  "signed-for-another": {
    ...signed({ digest: `sha256:${"0".repeat(64)}` }),
    says: /a signature is for another image, sha256:0+; sign it with cosign sign --key KEY 127/,
  },
  "signed-as-another": {
    ...signed({ name: "registry.example.com/other" }),
    says:
      /is for the name "registry\.example\.com\/other", .*; sign it with cosign sign --key KEY 127/,
  },
};
