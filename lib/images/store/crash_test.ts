import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ImageStore } from "../images.ts";
import { entry, layerOf } from "../layout/_test_tar.ts";
import { TreeStore } from "../layout/tree_store.ts";
import { OCI_MANIFEST } from "../oci/media_types.ts";
import { digestOf, moduleOf, names, TestDir, TestRegistry } from "../oci/_test_registry.ts";
import { type Stage, stageOf, type Step } from "./_watched_disk.ts";
import { parseIndex } from "./index_state.ts";

/** How often a pull is killed. */
const KILLS = 50;
/** What is pulled, and where it is killed, in turn. */
const PLAN: readonly (readonly [Kind, Stage])[] = [
  ["module", "other"],
  ["tree", "unpack"],
  ["module", "download"],
  ["tree", "index"],
  ["tree", "download"],
  ["tree", "unpack"],
  ["module", "index"],
  ["tree", "other"],
  ["module", "download"],
  ["tree", "unpack"],
];
/** Kills that must have been seen, and those of them that left something unfinished. */
const SEEN_MIN: Readonly<Record<Stage, readonly [killed: number, left: number]>> = {
  other: [5, 0],
  download: [10, 5],
  unpack: [10, 8],
  index: [7, 3],
};
const BYTES = 200_000;
const CHILD = fileURLToPath(new URL("./_pull_child.ts", import.meta.url));
const { signal } = new AbortController();

type Kind = "module" | "tree";

/** Puts an image there whose bytes are of this seed only; returns its name. */
function publish(registry: TestRegistry, kind: Kind, seed: number): string {
  const name = `${kind}${seed}`;
  const module = moduleOf(BYTES, seed);
  if (kind === "module") registry.artifact(name, "v1", module);
  else {
    const layers = [
      layerOf(entry.file("app.wasm", module), entry.file("etc/old", `${seed}`)),
      layerOf(
        entry.file(".wh.etc"),
        ...Array.from({ length: 8 }, (_, i) => entry.file(`data/${i}`, `${seed} ${i}`.repeat(999))),
        entry.link("link", "data/1"),
        entry.hard("data/again", "data/2"),
      ),
    ];
    const rootfs = { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) };
    const config = JSON.stringify({ os: "wasip1", architecture: "wasm", rootfs });
    registry.manifest(name, "v1", {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: registry.blob(
        new TextEncoder().encode(config),
        "application/vnd.oci.image.config.v1+json",
      ),
      layers: layers.map(({ bytes }) =>
        registry.blob(bytes, "application/vnd.oci.image.layer.v1.tar+gzip")
      ),
    });
  }
  return `${registry.host}/${name}:v1`;
}

/** Pulls in a process of its own, which ends at the `number`th step of that stage if there is one. */
async function pullInChild(
  args: readonly string[],
  kill?: { readonly stage: Stage; readonly number: number },
): Promise<{ readonly killed: boolean; readonly steps: readonly Step[] }> {
  const { stdout, signal, code } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", "--quiet", CHILD, ...args],
      ...(kill === undefined ? [] : [kill.stage, String(kill.number)]),
    ],
    cwd: new URL("../../..", import.meta.url),
    stderr: "inherit",
  }).output();
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assert.ok(signal === "SIGKILL" || code === 0, `the pull failed with code ${code}`);
  return { killed: signal === "SIGKILL", steps: lines.map((line): Step => JSON.parse(line)) };
}

/** Whatever bears its final name is whole, and every record leads to an image that is. */
async function checkSound(dir: string, when: string): Promise<void> {
  const folder = join(dir, "blobs", "sha256");
  for (const name of names(folder)) {
    const bytes = await Deno.readFile(join(folder, name));
    assert.equal(digestOf(bytes), `sha256:${name}`, `a blob is torn ${when}`);
  }
  const trees = new TreeStore(dir);
  for (const id of names(join(dir, "trees")).filter((name) => !name.startsWith("."))) {
    assert.ok(await trees.find(id, signal), `a tree is torn ${when}`);
  }
  const text = await Deno.readTextFile(join(dir, "references.json")).catch(() => undefined);
  if (text === undefined) return;
  const index = parseIndex(text);
  assert.ok(index, `the index is torn ${when}`);
  for (const { image, module } of index.images.values()) {
    const hex = module?.digest.slice("sha256:".length);
    assert.ok(hex === undefined || names(folder).includes(hex), `${image} has no module ${when}`);
  }
}

function range(end: number): number[] {
  return Array.from({ length: end }, (_, i) => i);
}

/** What lies there and is not whole. */
function torn(dir: string): Stage[] {
  return [
    ...names(join(dir, "partial")).map(() => "download" as const),
    ...names(join(dir, "trees")).filter((name) => name.startsWith(".")).map(() =>
      "unpack" as const
    ),
    ...names(dir).filter((name) => name === "references.json.new").map(() => "index" as const),
  ];
}

/** The next start of the agent pulls the image, and tidies up. */
async function checkHeals(dir: string, { host }: TestRegistry, image: string): Promise<void> {
  await using store = new ImageStore({
    dir,
    registries: { insecure: [host] },
    localModules: "refused",
  });
  const { module, tree } = await store.ensure({ image, secrets: [] }, { signal });
  const path = module?.path ?? join(tree!.path, "app.wasm");
  const seed = Number(/(\d+):v1$/.exec(image)![1]);
  assert.deepEqual(await Deno.readFile(path), moduleOf(BYTES, seed));
  assert.deepEqual(torn(dir), [], "what the killed one left is cleared");
}

Deno.test(`ImageStore is sound after each of ${KILLS} kills, and the next pull completes`, async () => {
  await using dir = new TestDir();
  await using registry = await TestRegistry.start();
  const stepsOf = async (kind: Kind): Promise<readonly Step[]> => {
    const image = publish(registry, kind, KILLS);
    return (await pullInChild([dir.path, registry.host, image])).steps;
  };
  const steps = { module: await stepsOf("module"), tree: await stepsOf("tree") };
  const seen: Record<Stage, [number, number]> = {
    other: [0, 0],
    download: [0, 0],
    unpack: [0, 0],
    index: [0, 0],
  };
  for (let i = 0; i < KILLS; i++) {
    const [kind, stage] = PLAN[i % PLAN.length]!;
    // One in each of as many parts of the stage as there are kills, anywhere in it.
    const isSame = (at: number): boolean => PLAN[at % PLAN.length]!.join() === `${kind},${stage}`;
    const [before, all] = [i, KILLS].map((end) => range(end).filter(isSame).length) as [
      number,
      number,
    ];
    const count = steps[kind].filter((step) => stageOf(step) === stage).length;
    const kill = { stage, number: 1 + Math.floor((before + Math.random()) / all * count) };
    const image = publish(registry, kind, i);
    const pull = await pullInChild([dir.path, registry.host, image], kill);
    const { deed, path } = pull.steps.at(-1)!;
    if (pull.killed) seen[stageOf({ path })][0]++;
    for (const stage of new Set(pull.killed ? torn(dir.path) : [])) seen[stage][1]++;
    await checkSound(dir.path, `behind a kill at "${deed}" of "${path}"`);
    await checkHeals(dir.path, registry, image);
  }
  for (const [stage, [killed, left]] of Object.entries(SEEN_MIN)) {
    const [wasKilled, hasLeft] = seen[stage as Stage];
    assert.ok(wasKilled >= killed && hasLeft >= left, `few at ${stage}: ${Deno.inspect(seen)}`);
  }
});
