import assert from "node:assert/strict";
import { join } from "node:path";
import { parseReference } from "../oci/reference.ts";
import { TestDir } from "../oci/_test_registry.ts";
import { Signer } from "./_signer.ts";
import { loadPolicy, ruleFor } from "./policy.ts";
import { openPolicy } from "./policy_file.ts";

const pem = new Signer().publicPem;
const signed = { images: ["r.io"], action: "signed", keys: [pem] };

async function load(body: unknown): ReturnType<typeof loadPolicy> {
  await using dir = new TestDir();
  await Deno.writeTextFile(join(dir.path, "ours.pub"), pem);
  const path = join(dir.path, "policy.yaml");
  await Deno.writeTextFile(path, typeof body === "string" ? body : JSON.stringify(body));
  return await loadPolicy(path);
}

Deno.test("ruleFor() takes the first rule that stands for an image", async () => {
  const policy = await load(`
default: reject
rules:
- images: [r.io/open, "*.open.io"]
  action: accept
- images: [r.io/team/old]
  action: reject
- images: [r.io/team]
  action: signed
  keyFiles: [ours.pub]
  signedAs: up.io/team/app
`);
  const action = (image: string): string => ruleFor(policy, parseReference(image)).action;
  assert.equal(action("r.io/open/a:1"), "accept");
  assert.equal(action("r.io/opened"), "reject");
  assert.equal(action("eu.open.io/a"), "accept");
  assert.equal(action("r.io/team/old"), "reject");
  assert.equal(action("r.io/team/new"), "signed");
  assert.equal(action("hello"), "reject");
  const rule = ruleFor(policy, parseReference("r.io/team/new"));
  assert.ok(rule.action === "signed" && rule.keys.length === 1);
  assert.equal(rule.signedAs, "up.io/team/app");
});

Deno.test("ruleFor() takes a star alone for every image", async () => {
  const policy = await load({ default: "reject", rules: [{ images: ["*"], action: "accept" }] });
  assert.equal(ruleFor(policy, parseReference("hello")).action, "accept");
});

const REFUSED: readonly (readonly [body: unknown, message: RegExp])[] = [
  ["{", /Cannot use image policy ".*policy\.yaml": /],
  [[], /it holds no object/],
  [{ rules: [] }, /default "" must be accept or reject/],
  [{ default: "accept", rule: [] }, /rule is not known/],
  [{ default: "accept", rules: [{ ...signed, images: [] }] }, /rules\[0\]\.images must have/],
  [{ default: "accept", rules: [{ ...signed, action: "sign" }] }, /action "sign" must be/],
  [{ default: "accept", rules: [{ ...signed, keys: [] }] }, /must have a key/],
  [{ default: "accept", rules: [{ ...signed, keys: ["x"] }] }, /cannot be used: it is no public/],
  [{ default: "accept", rules: [{ ...signed, keyFiles: ["absent"] }] }, /absent/],
  [{ default: "accept", rules: [{ ...signed, action: "accept" }] }, /are for action signed/],
];

for (const [body, message] of REFUSED) {
  Deno.test(`loadPolicy() refuses what ${message}`, async () => {
    await assert.rejects(load(body), { code: "invalid", message });
  });
}

Deno.test("openPolicy() reads the file again when it is another, and takes nothing by a bad one", async () => {
  await using dir = new TestDir();
  const path = join(dir.path, "policy.json");
  await assert.rejects(openPolicy(path), { code: "invalid" });
  await Deno.writeTextFile(path, JSON.stringify({ default: "accept" }));
  const current = await openPolicy(path);
  assert.equal((await current()).otherwise.action, "accept");
  await Deno.writeTextFile(path, JSON.stringify({ default: "reject" }) + "\n");
  assert.equal((await current()).otherwise.action, "reject");
  await Deno.writeTextFile(path, "{");
  await assert.rejects(current(), { code: "invalid" });
  await Deno.remove(path);
  await assert.rejects(current(), { code: "invalid" });
  await Deno.writeTextFile(path, JSON.stringify({ default: "accept" }));
  assert.equal((await current()).otherwise.action, "accept");
});
