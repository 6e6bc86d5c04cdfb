/**
 * Which images are wanted on this node, and which of them must be signed.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { KubeletError } from "../../errors.ts";
import type { Credential } from "../oci/credential.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import type { SignatureSource } from "./candidates.ts";
import { type ImagePolicy, ruleFor, type SignedRule } from "./policy.ts";
import { verifySignature } from "./verify.ts";

/** What an image must still show. */
export interface Admission {
  /** Stands for what {@linkcode check} finds; another one if the policy asks for something else. */
  readonly marker: string;
  /**
   * Throws a `KubeletError` with code `image_pull` and reason `SignatureValidationFailed` if the image
   * has no signature that the policy asks for.
   */
  check(
    image: {
      readonly imageId: string;
      readonly credential: Credential | undefined;
      readonly signal: AbortSignal;
    },
  ): Promise<void>;
}

/** The reason that a kubelet gives for an image without the right signature. */
export const SIGNATURE_REASON = "SignatureValidationFailed";

/** Applies a policy to images. */
export class ImageGuard {
  readonly #policy: () => Promise<ImagePolicy>;
  readonly #source: SignatureSource;

  /** `policy` gives the newest one each time. */
  constructor(policy: () => Promise<ImagePolicy>, source: SignatureSource) {
    this.#policy = policy;
    this.#source = source;
  }

  /**
   * What the policy says of an image by its name; undefined if it may be used as it is.
   *
   * Throws a `KubeletError` with code `image_pull` if it may not be used at all.
   */
  async admit(reference: Reference): Promise<Admission | undefined> {
    const rule = ruleFor(await this.#policy(), reference);
    if (rule.action === "accept") return undefined;
    if (rule.action !== "signed") {
      throw refused(reference, `the node's image policy rejects it; use one that it takes`);
    }
    return {
      marker: markerOf(rule),
      check: async ({ imageId, credential, signal }) => {
        const digest = imageId.slice(imageId.lastIndexOf("@") + 1);
        const { registry, repository } = reference;
        const state = await verifySignature(this.#source, {
          access: { registry, repository, credential },
          reference,
          digest,
          rule,
          signal,
        });
        if (state !== undefined) throw refused(reference, state);
      },
    };
  }
}

/** Other keys, or another name, are another question. */
function markerOf({ keys, signedAs }: SignedRule): string {
  const parts = [...keys.map(({ id }) => id).sort(), signedAs ?? ""];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

function refused(reference: Reference, state: string): KubeletError {
  return new KubeletError(
    "image_pull",
    `image pull failed for ${
      formatReference(reference)
    } because the signature validation failed: ` +
      state,
    { reason: SIGNATURE_REASON },
  );
}
