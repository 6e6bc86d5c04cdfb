/**
 * Whether a pod may use an image that is on the node already (KEP-2535).
 *
 * An image that was pulled with a credential is not everybody's: another pod must show the same right,
 * or pull by its own.
 *
 * @module
 */
import { parseReference, type Reference } from "../oci/reference.ts";
import type { Owner } from "./tracked.ts";

/** A kubelet's `imagePullCredentialsVerificationPolicy`. */
export type VerificationPolicy =
  | "NeverVerify"
  | "NeverVerifyPreloadedImages"
  | "NeverVerifyAllowlistedImages"
  | "AlwaysVerify";

/** Whose images must be proven. */
export interface Verification {
  /** Which images a pod must show a right to. */
  readonly policy: VerificationPolicy;
  /**
   * For `NeverVerifyAllowlistedImages`: names without tag and digest, or prefixes that end in a slash
   * and a star.
   */
  readonly allowlist: readonly string[];
}

/** Who has shown a right to an image. Without an owner, nobody has: each pod must show one. */
export interface ImageAccess {
  readonly owners: readonly Owner[];
}

/** Owners that are remembered for one image: beyond, the registry is asked. */
export const OWNERS_MAX = 256;

/** Must a pod show a right to this image? `access` is absent for one that this node has not pulled. */
export function needsProof(
  { policy, allowlist }: Verification,
  reference: Reference,
  access: ImageAccess | undefined,
): boolean {
  switch (policy) {
    case "NeverVerify":
      return false;
    case "NeverVerifyPreloadedImages":
      return access !== undefined;
    case "NeverVerifyAllowlistedImages":
      return !allowlist.some((entry) => isListed(entry, reference));
    case "AlwaysVerify":
      return true;
  }
}

/** The owner, among those that a pod comes with, who has shown a right to the image before. */
export function provenBy(
  access: ImageAccess | undefined,
  owners: readonly Owner[],
): Owner | undefined {
  const known = access?.owners ?? [];
  if (isEverybodys(access)) return { kind: "node" };
  return owners.find((owner) => known.some((other) => hasSameRight(other, owner)));
}

/** True if every pod of the node may use the image. */
export function isEverybodys(access: ImageAccess | undefined): boolean {
  return access?.owners.some(({ kind }) => kind === "node") ?? false;
}

/** The access with one more owner; the same object if that says nothing new. */
export function withOwner(access: ImageAccess | undefined, owner: Owner): ImageAccess {
  if (access !== undefined && isEverybodys(access)) return access;
  if (owner.kind === "node") return { owners: [owner] };
  const known = access?.owners ?? [];
  if (access !== undefined && known.some((other) => isSame(other, owner))) return access;
  // A Secret that has changed proves its new content only, as a kubelet has it.
  const others = known.filter((other) => !hasSameName(other, owner));
  return { owners: [...others, owner].slice(-OWNERS_MAX) };
}

/** Checks an entry of the allowlist. Throws a `RangeError` whose message says what is wrong. */
export function checkAllowlistEntry(entry: string): string {
  const name = entry.endsWith("/*") ? entry.slice(0, -2) : entry;
  if (name === "" || name.includes("*")) {
    throw new RangeError(`"${entry}" must be an image's name, or a part of it followed by /*`);
  }
  if (name !== entry) return entry;
  const { tag, digest, ...rest } = parseReference(name);
  const written = [tag !== undefined && name.endsWith(`:${tag}`), digest !== undefined];
  if (rest.repository === "" || written.includes(true)) {
    throw new RangeError(`"${entry}" must name neither a tag nor a digest`);
  }
  return entry;
}

function isListed(entry: string, { registry, repository }: Reference): boolean {
  const name = `${registry}/${repository}`;
  if (entry.endsWith("/*")) return name.startsWith(entry.slice(0, -1));
  const listed = parseReference(entry);
  return `${listed.registry}/${listed.repository}` === name;
}

/** A Secret counts if it is the same one, or another with the same credential. */
function hasSameRight(known: Owner, shown: Owner): boolean {
  if (known.kind === "secret" && shown.kind === "secret" && known.hash === shown.hash) return true;
  return hasSameName(known, shown);
}

function hasSameName(known: Owner, shown: Owner): boolean {
  if (known.kind === "node" || shown.kind === "node") return false;
  return known.kind === shown.kind && known.uid === shown.uid &&
    known.namespace === shown.namespace && known.name === shown.name;
}

function isSame(known: Owner, shown: Owner): boolean {
  return hasSameName(known, shown) &&
    (known.kind !== "secret" || shown.kind !== "secret" || known.hash === shown.hash);
}

/** True for what `owners` may hold. */
export function isOwner(value: unknown): value is Owner {
  const { kind, uid, namespace, name, hash }: Record<string, unknown> = Object(value);
  if (kind === "node") return true;
  return (kind === "secret" && typeof hash === "string" || kind === "serviceAccount") &&
    [uid, namespace, name].every((text) => typeof text === "string");
}
