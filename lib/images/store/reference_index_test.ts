import assert from "node:assert/strict";
import { parseReference } from "../oci/reference.ts";
import { readRecords, ReferenceIndex } from "./reference_index.ts";
import { digestOf, MODULE, names, TestDir } from "../oci/_test_registry.ts";

Deno.test("ReferenceIndex finds by tag, by digest of any tag, and after a start", async () => {
  await using dir = new TestDir();
  const digest = digestOf(MODULE);
  const record = {
    image: "r.io/app:1",
    imageId: `r.io/app@${digest}`,
    module: { digest, size: 8 },
    moduleName: "app.wasm",
    entrypoint: ["/app.wasm"],
    imageEnv: { A: "1" },
  };
  const index = new ReferenceIndex(dir.path);
  await Promise.all([index.put({ ...record, image: "r.io/app:2" }), index.put(record)]);
  for (const found of [index, new ReferenceIndex(dir.path)]) {
    assert.deepEqual(await found.find(parseReference("r.io/app:1")), record);
    assert.equal((await found.find(parseReference(`r.io/app@${digest}`)))?.imageId, record.imageId);
    assert.equal(await found.find(parseReference("r.io/app:3")), undefined);
    assert.equal(await found.find(parseReference(`r.io/other@${digest}`)), undefined);
  }
  assert.deepEqual(names(dir.path), ["references.json"]);
});

Deno.test("readRecords() leaves out what is torn or strange", () => {
  const good = {
    image: "a",
    imageId: "b",
    module: { digest: digestOf(MODULE), size: 8 },
    moduleName: "m",
  };
  const text = JSON.stringify({
    version: 1,
    images: [good, null, {}, { ...good, module: { digest: "../x", size: 8 } }, {
      ...good,
      imageEnv: { A: 1 },
    }],
  });
  assert.deepEqual(readRecords(text), [good]);
  for (const torn of ["", text.slice(0, -9), "[]", '{"version":2,"images":[]}']) {
    assert.deepEqual(readRecords(torn), []);
  }
});
