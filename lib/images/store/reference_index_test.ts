import assert from "node:assert/strict";
import { digestOf, MODULE, names, TestDir } from "../oci/_test_registry.ts";
import { parseReference } from "../oci/reference.ts";
import { formatIndex, parseIndex } from "./index_state.ts";
import { ReferenceIndex } from "./reference_index.ts";
import { StoreLock } from "./store_lock.ts";

const digest = digestOf(MODULE);
const RECORD = {
  image: "r.io/app:1",
  imageId: `r.io/app@${digest}`,
  module: { digest, size: 8 },
  moduleName: "app.wasm",
  entrypoint: ["/app.wasm"],
  imageEnv: { A: "1" },
};
const SECRET = { kind: "secret", uid: "u", namespace: "a", name: "s", hash: "h" } as const;

function open(dir: TestDir): ReferenceIndex {
  return new ReferenceIndex(dir.path, new StoreLock(dir.path));
}

Deno.test("ReferenceIndex finds by tag, by digest of any tag, and after a start", async () => {
  await using dir = new TestDir();
  const index = open(dir);
  await Promise.all([index.put({ ...RECORD, image: "r.io/app:2" }), index.put(RECORD)]);
  for (const found of [index, open(dir)]) {
    assert.deepEqual(await found.find(parseReference("r.io/app:1")), RECORD);
    assert.equal((await found.find(parseReference(`r.io/app@${digest}`)))?.imageId, RECORD.imageId);
    assert.equal(await found.find(parseReference("r.io/app:3")), undefined);
    assert.equal(await found.find(parseReference(`r.io/other@${digest}`)), undefined);
  }
  assert.deepEqual(names(dir.path).sort(), ["index.lock", "references.json"]);
});

Deno.test("ReferenceIndex.put() loses nothing that another process has written meanwhile", async () => {
  await using dir = new TestDir();
  const [ours, theirs] = [open(dir), open(dir)];
  await ours.put(RECORD);
  await theirs.put({ ...RECORD, image: "r.io/app:2" });
  await Promise.all(
    [ours, theirs].flatMap((index, who) =>
      Array.from({ length: 20 }, (_, i) => index.put({ ...RECORD, image: `r.io/app:${who}-${i}` }))
    ),
  );
  for (const index of [ours, theirs, open(dir)]) assert.equal((await index.all()).images.size, 42);
});

Deno.test("ReferenceIndex.put() takes down who has shown a right to the image", async () => {
  await using dir = new TestDir();
  const index = open(dir);
  await index.put(RECORD);
  assert.deepEqual((await index.all()).access.get(RECORD.imageId), { owners: [] });
  await index.put(RECORD, { owner: SECRET, signed: "marker" });
  await index.put(RECORD, { owner: { ...SECRET, uid: "v" } });
  const state = await open(dir).all();
  const { owners } = state.access.get(RECORD.imageId)!;
  assert.deepEqual(owners, [SECRET, { ...SECRET, uid: "v" }]);
  assert.equal(state.signed.get(RECORD.imageId), "marker");
  await index.put(RECORD, { owner: { kind: "node" } });
  assert.deepEqual((await index.all()).access.get(RECORD.imageId), { owners: [{ kind: "node" }] });
});

Deno.test("ReferenceIndex.put() keeps when the image came, and takes down that it is used", async () => {
  await using dir = new TestDir();
  const index = open(dir);
  const old = { firstMs: 1, lastMs: 2 };
  await index.put(RECORD);
  await index.change((state) => ({ ...state, use: new Map([[RECORD.imageId, old]]) }));
  await index.put({ ...RECORD, image: "r.io/app:2" });
  const { firstMs, lastMs } = (await open(dir).all()).use.get(RECORD.imageId)!;
  assert.equal(firstMs, 1);
  assert.ok(lastMs > 2);
});

Deno.test("ReferenceIndex forgets nothing when its file cannot be read just now", async () => {
  await using dir = new TestDir();
  await open(dir).put(RECORD);
  const index = open(dir);
  const { readTextFile } = Deno;
  try {
    const tooMany = Object.assign(new Error("Too many open files"), { code: "EMFILE" });
    Object.assign(Deno, { readTextFile: () => Promise.reject(tooMany) });
    const put = (): Promise<void> => index.put({ ...RECORD, image: "r.io/app:2" });
    for (const failing of [() => index.all(), put]) {
      await assert.rejects(failing, /cannot be used: Too many open files/);
    }
  } finally {
    Object.assign(Deno, { readTextFile });
  }
  await index.put({ ...RECORD, image: "r.io/app:2" });
  assert.deepEqual([...(await open(dir).all()).images.keys()], ["r.io/app:1", "r.io/app:2"]);
});

Deno.test("ReferenceIndex.change() leaves the old index whole when the new one cannot be written", async () => {
  await using dir = new TestDir();
  const index = open(dir);
  await index.put(RECORD);
  await Deno.mkdir(`${dir.path}/references.json.new`);
  await assert.rejects(index.put({ ...RECORD, image: "r.io/app:2" }));
  for (const found of [index, open(dir)]) {
    assert.deepEqual([...(await found.all()).images.keys()], ["r.io/app:1"]);
  }
});

Deno.test("parseIndex() reads what formatIndex() prints", () => {
  const state = {
    images: new Map([[RECORD.image, RECORD]]),
    access: new Map([[RECORD.imageId, { owners: [SECRET] }]]),
    use: new Map([[RECORD.imageId, { firstMs: 1, lastMs: 2 }]]),
    signed: new Map([[RECORD.imageId, "marker"]]),
  };
  assert.deepEqual(parseIndex(formatIndex(state)), state);
});

Deno.test("parseIndex() leaves out what is torn or strange", () => {
  const good = { image: "a", imageId: "b", module: { digest, size: 8 }, moduleName: "m" };
  const strange = [null, {}, { ...good, module: { digest: "../x", size: 8 } }, {
    ...good,
    imageEnv: { A: 1 },
  }, { ...good, stopSignal: 9 }];
  const text = JSON.stringify({ version: 1, images: [good, ...strange] });
  assert.deepEqual([...parseIndex(text)!.images.values()], [good]);
  for (const torn of ["", text.slice(0, -9), "\0".repeat(99), "[]", '{"version":2,"images":[]}']) {
    assert.equal(parseIndex(torn), undefined);
  }
});

Deno.test("parseIndex() takes a right that it cannot read for one that nobody has shown", () => {
  const access = { a: { owners: [{ kind: "everybody" }, SECRET] }, b: null, c: { owners: "x" } };
  const state = parseIndex(JSON.stringify({ version: 1, images: [], access, use: { a: {} } }))!;
  assert.deepEqual(
    [...state.access],
    [["a", { owners: [SECRET] }], ["b", { owners: [] }], ["c", { owners: [] }]],
  );
  assert.equal(state.use.size, 0);
});
