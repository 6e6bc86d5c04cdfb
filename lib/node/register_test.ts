import assert from "node:assert/strict";
import { FakeApi, refusal } from "./_test_api.ts";
import { metadataPatch, registerNode } from "./register.ts";

const NODE = {
  metadata: { name: "n", labels: { a: "1" }, annotations: { "node.alpha.kubernetes.io/ttl": "0" } },
  spec: { taints: [{ key: "k", effect: "NoExecute" as const }] },
};

Deno.test("registerNode() creates a node that does not exist", async () => {
  const api = new FakeApi();
  const node = await registerNode({ api, node: NODE }, new AbortController().signal);
  assert.equal(node?.metadata?.uid, "uid-1");
  assert.deepEqual(node?.spec?.taints, NODE.spec.taints);
});

Deno.test("registerNode() updates labels of a node that exists, and leaves its taints alone", async () => {
  const api = new FakeApi();
  api.node = { metadata: { name: "n", uid: "u", labels: { a: "0", theirs: "x" } }, spec: {} };
  const node = await registerNode({ api, node: NODE }, new AbortController().signal);
  assert.deepEqual(node?.metadata?.labels, { a: "1", theirs: "x" });
  assert.deepEqual(api.patches, [{ metadata: { labels: { a: "1" } } }]);
  assert.deepEqual(node?.spec, {});
});

Deno.test("registerNode() tries until the API server is there", async () => {
  const api = new FakeApi();
  let failures = 2;
  api.before = () => {
    if (failures-- > 0) throw refusal(503);
  };
  const node = await registerNode({ api, node: NODE }, new AbortController().signal);
  assert.equal(node?.metadata?.name, "n");
  assert.equal(api.calls.length, 3);
});

Deno.test("registerNode() gives up when it is told to", async () => {
  const api = new FakeApi();
  const stop = new AbortController();
  api.before = () => {
    stop.abort();
    throw refusal(503);
  };
  assert.equal(await registerNode({ api, node: NODE }, stop.signal), undefined);
});

Deno.test("metadataPatch() is nothing when nothing is missing", () => {
  const existing = { metadata: { labels: { a: "1", b: "2" } } };
  assert.equal(metadataPatch(NODE, existing), undefined);
});
