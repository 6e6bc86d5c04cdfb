/**
 * What a registry says of an image, from its bytes to a plan: every number and name in a plan is within
 * the limits, or there is a message that somebody can read.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  DEPTH_MAX,
  FILE_BYTES_MAX,
  LAYER_BYTES_MAX,
  LAYERS_BYTES_MAX,
  LAYERS_MAX,
  PATH_BYTES_MAX,
} from "../layout/limits.ts";
import {
  chooseManifest,
  type Descriptor,
  type Manifest,
  parseManifest,
} from "../layout/manifest.ts";
import { type ImagePlan, needsConfig, planImage } from "../layout/plan.ts";
import { treeId, type TreePart } from "../layout/tree_store.ts";
import { PullFailure } from "../oci/failure.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../oci/media_types.ts";
import { makeSent, type Sent } from "./manifest_cases.ts";
import { assertTellable } from "./messages.ts";
import type { Random } from "../../fuzz/random.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";

const CASES = casesOf(2_000);
const MODULE_BYTES_MAX = 1 << 20;
const TERMS = {
  bytesMax: MODULE_BYTES_MAX,
  imports: ["wasi_snapshot_preview1"],
  components: false,
};
const DIGEST = /^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

type Plan = typeof planImage;

function tryImage(random: Random, plan: Plan): string {
  const sent = makeSent(random, !random.once(4));
  try {
    const manifest = parseManifest(sent.manifest, sent.contentType);
    if (manifest.kind === "index") {
      checkDescriptor(chooseManifest(manifest.manifests));
      return "index";
    }
    const config = needsConfig(manifest) ? sent.config : undefined;
    const planned = plan(manifest, { config, terms: TERMS });
    checkPlan(planned);
    checkExpected(planned, sent);
    return sent.expected === undefined ? "damaged and planned" : "planned";
  } catch (error) {
    if (!(error instanceof PullFailure) || sent.expected !== undefined) throw error;
    assertTellable(error.message);
    return "refused";
  } finally {
    checkOneMeaning(sent.manifest);
  }
}

function checkExpected({ module, tree }: ImagePlan, { expected }: Sent): void {
  if (expected === undefined) return;
  assert.deepEqual({ module: module !== undefined, tree: tree.length }, expected);
}

function checkPlan({ module, tree, readOnly, config }: ImagePlan): void {
  if (module !== undefined) {
    checkDescriptor(module);
    assert.ok(module.size <= MODULE_BYTES_MAX);
    assert.doesNotMatch(module.title ?? "a", /[/\\\p{Cc}\p{Cf}]|^\.{0,2}$/u);
  }
  assert.ok(module !== undefined || tree.length > 0);
  assert.ok(tree.length <= LAYERS_MAX);
  assert.equal(readOnly, config === undefined);
  tree.forEach(checkPart);
  assert.ok(tree.reduce((sum, { size }) => sum + size, 0) <= LAYERS_BYTES_MAX);
  assert.match(treeId(tree), /^[0-9a-f]{64}$/);
  for (const name of Object.keys(config?.env ?? {})) assert.ok(name !== "" && !name.includes("="));
  assert.match(config?.workingDir ?? "/", /^\//);
}

function checkPart(part: TreePart): void {
  checkDescriptor(part);
  if (part.kind === "archive") {
    assert.ok(part.size <= LAYER_BYTES_MAX);
    assert.match(part.diffId ?? part.digest, DIGEST);
    return;
  }
  assert.ok(part.size <= FILE_BYTES_MAX);
  const names = part.path.split("/");
  assert.ok(names.length <= DEPTH_MAX && part.path.length <= PATH_BYTES_MAX);
  for (const name of names) {
    assert.ok(name !== "" && name !== "." && name !== ".." && !name.includes("\0"), part.path);
  }
}

function checkDescriptor({ digest, size }: Pick<Descriptor, "digest" | "size">): void {
  assert.match(digest, DIGEST);
  assert.ok(Number.isSafeInteger(size) && size >= 0, `${size}`);
}

/** The same bytes, and so the same digest, are not one image by this header and another by that. */
function checkOneMeaning(bytes: Uint8Array): void {
  // Most have none, and reading takes most of the time.
  if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('"manifests"')) return;
  const read = (contentType: string): Manifest | undefined => {
    try {
      return parseManifest(bytes, contentType);
    } catch {
      return undefined;
    }
  };
  const index = read(OCI_INDEX);
  if (index?.kind !== "index" || index.manifests.length === 0) return;
  assert.notEqual(read(OCI_MANIFEST)?.kind, "image", "an index, and a manifest too");
}

Deno.test(`any manifest comes to a plan within limits or to a message, ${CASES} times`, async () => {
  const tally = await runCases("manifests", CASES, (random) => tryImage(random, planImage));
  assertAllSaid(tally, ["planned", "damaged and planned", "refused"]);
});

const CARELESS: Readonly<Record<string, Plan>> = {
  "takes any size": (image, options) => {
    const layers = image.layers.map((layer) => ({ ...layer, size: Math.min(layer.size, 10) }));
    const plan = planImage({ ...image, layers }, options);
    const sizes = new Map(image.layers.map(({ digest, size }) => [digest, size]));
    return { ...plan, tree: plan.tree.map((part) => ({ ...part, size: sizes.get(part.digest)! })) };
  },
  "takes any name": (image, options) => {
    const plan = planImage(image, options);
    const tree = plan.tree.map((part): TreePart =>
      part.kind === "file" ? { ...part, path: part.path.replace("é", "../e") } : part
    );
    return { ...plan, tree };
  },
  "quotes what it got": (image, options) => {
    try {
      return planImage(image, options);
    } catch (error) {
      if (!(error instanceof PullFailure)) throw error;
      throw new PullFailure(`${error.message} ${image.config.mediaType}`);
    }
  },
};

for (const [name, plan] of Object.entries(CARELESS)) {
  Deno.test(`a planner that ${name} is found`, async () => {
    const trying = runCases(name, 5_000, (random) => tryImage(random, plan));
    await assert.rejects(trying, /FUZZ_SEED=/);
  });
}
