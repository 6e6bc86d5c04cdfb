import assert from "node:assert/strict";
import { parseReference } from "../oci/reference.ts";
import type { Owner } from "./tracked.ts";
import {
  checkAllowlistEntry,
  type ImageAccess,
  needsProof,
  OWNERS_MAX,
  provenBy,
  type VerificationPolicy,
  withOwner,
} from "./verification.ts";

const secret = (uid: string, hash: string, namespace = "a"): Owner => ({
  kind: "secret",
  uid,
  namespace,
  name: "pull",
  hash,
});
const account = (uid: string): Owner => ({
  kind: "serviceAccount",
  uid,
  namespace: "a",
  name: "robot",
});
const NODE: Owner = { kind: "node" };
const PULLED: ImageAccess = { owners: [secret("1", "h1")] };

const NEEDS: readonly (readonly [VerificationPolicy, ImageAccess | undefined, boolean])[] = [
  ["NeverVerify", PULLED, false],
  ["NeverVerify", undefined, false],
  ["NeverVerifyPreloadedImages", PULLED, true],
  ["NeverVerifyPreloadedImages", undefined, false],
  ["NeverVerifyAllowlistedImages", PULLED, true],
  ["NeverVerifyAllowlistedImages", undefined, true],
  ["AlwaysVerify", PULLED, true],
  ["AlwaysVerify", undefined, true],
];

for (const [policy, access, needed] of NEEDS) {
  const what = access === undefined ? "preloaded" : "pulled";
  Deno.test(`needsProof() is ${needed} by ${policy} for a ${what} image`, () => {
    assert.equal(needsProof({ policy, allowlist: [] }, parseReference("r.io/a"), access), needed);
  });
}

Deno.test("needsProof() leaves out what the allowlist names", () => {
  const allowlist = ["r.io/free", "r.io/open/*", "busybox"];
  const policy = "NeverVerifyAllowlistedImages";
  const needed = (image: string): boolean =>
    needsProof({ policy, allowlist }, parseReference(image), PULLED);
  for (const image of ["r.io/free:1", "r.io/open/x/y", "busybox", "docker.io/library/busybox:2"]) {
    assert.equal(needed(image), false, image);
  }
  for (const image of ["r.io/free2", "r.io/open", "r.io/openly/x", "other/busybox"]) {
    assert.equal(needed(image), true, image);
  }
});

const PROVEN: readonly (readonly [what: string, ImageAccess | undefined, Owner[], boolean])[] = [
  ["the same Secret", PULLED, [secret("1", "h1")], true],
  ["the same Secret with a new credential", PULLED, [secret("1", "h2")], true],
  ["another Secret with the same credential", PULLED, [secret("2", "h1", "b")], true],
  ["another Secret with another credential", PULLED, [secret("2", "h2", "b")], false],
  ["a Secret of the same name in another namespace", PULLED, [secret("1", "h2", "b")], false],
  ["no Secret", PULLED, [], false],
  ["no Secret, for everybody's image", { owners: [NODE] }, [], true],
  ["any Secret, for an image of unknown rights", { owners: [] }, [secret("1", "h1")], false],
  ["any Secret, for a preloaded image", undefined, [secret("1", "h1")], false],
  ["the same service account", { owners: [account("1")] }, [account("1")], true],
  ["a new service account of the same name", { owners: [account("1")] }, [account("2")], false],
];

for (const [what, access, owners, proven] of PROVEN) {
  Deno.test(`provenBy() finds ${proven ? "a" : "no"} right with ${what}`, () => {
    assert.equal(provenBy(access, owners) !== undefined, proven);
  });
}

Deno.test("withOwner() adds what is new, and forgets a Secret's old credential", () => {
  const first = withOwner(undefined, secret("1", "h1"));
  assert.deepEqual(first, PULLED);
  assert.equal(withOwner(first, secret("1", "h1")), first);
  assert.deepEqual(withOwner(first, secret("1", "h2")).owners, [secret("1", "h2")]);
  assert.deepEqual(withOwner(first, account("1")).owners, [secret("1", "h1"), account("1")]);
  const everybodys = withOwner(first, NODE);
  assert.deepEqual(everybodys.owners, [NODE]);
  assert.equal(withOwner(everybodys, secret("1", "h1")), everybodys);
});

Deno.test("withOwner() keeps the newest ones within its limit", () => {
  let access: ImageAccess = PULLED;
  for (let i = 0; i < OWNERS_MAX; i++) access = withOwner(access, secret(`x${i}`, `y${i}`));
  assert.equal(access.owners.length, OWNERS_MAX);
  assert.equal(provenBy(access, [secret("1", "h1")]), undefined);
});

Deno.test("checkAllowlistEntry() takes names and prefixes only", () => {
  for (const entry of ["r.io/a", "r.io:5000/a", "r.io/*", "busybox"]) {
    assert.equal(checkAllowlistEntry(entry), entry);
  }
  for (
    const entry of ["", "/*", "r.io/*/a", "r.*", "r.io/a:1", `r.io/a@sha256:${"0".repeat(64)}`]
  ) {
    assert.throws(() => checkAllowlistEntry(entry), Error, entry);
  }
});
