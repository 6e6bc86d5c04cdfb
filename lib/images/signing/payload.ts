/**
 * What cosign's older signatures sign: a "simple signing" payload that names the image and its digest.
 *
 * @module
 */
import { clean } from "../oci/failure.ts";
import { parseReference, type Reference } from "../oci/reference.ts";
import type { SignedRule } from "./policy.ts";

/** The image that a signature must be for. */
export interface SignedImage {
  readonly reference: Reference;
  /** What the reference stands for, of the index where there is one. */
  readonly digest: string;
  readonly rule: SignedRule;
}

/** Why a payload does not speak for the image; undefined if it does. Touches nothing. */
export function judgePayload(bytes: Uint8Array, image: SignedImage): string | undefined {
  let payload: { critical?: Record<string, Record<string, unknown>> };
  try {
    payload = Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return "a signed payload is not JSON";
  }
  const { image: said, identity } = Object(payload.critical);
  const signed: unknown = Object(said)["docker-manifest-digest"];
  if (signed !== image.digest) return otherImage(signed);
  return judgeName(Object(identity)["docker-reference"], image);
}

/** Why a signed name is not the image's own, or the rule's; undefined if it is. */
export function judgeName(name: unknown, { reference, rule }: SignedImage): string | undefined {
  const wanted = rule.signedAs ?? `${reference.registry}/${reference.repository}`;
  if (typeof name === "string" && isNamed(name, wanted, reference)) return undefined;
  return `a signature is for the name ${shown(name)}, not for "${wanted}"`;
}

/** What is said of a signature for something else. */
export function otherImage(signed: unknown): string {
  return `a signature is for another image, ${shown(signed).replaceAll('"', "")}`;
}

/** What stands where a text should, for messages. */
export function shown(value: unknown): string {
  if (typeof value === "string") return `"${clean(value)}"`;
  // An object of somebody else's may have a `toString` that is none.
  return typeof value === "object" ? "an object" : String(value);
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
