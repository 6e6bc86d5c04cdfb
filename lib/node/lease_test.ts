import assert from "node:assert/strict";
import { FakeApi, refusal } from "./_test_api.ts";
import { keepLease, renewedLease } from "./lease.ts";

/** Keeps a lease with short pauses until the condition holds. */
async function keepUntil(
  api: FakeApi,
  condition: () => boolean,
  nodeUid: () => string | undefined = () => "uid-of-node",
): Promise<void> {
  const stop = new AbortController();
  const kept = keepLease({ api, nodeName: "n", nodeUid, renewMs: 1 }, stop.signal);
  await api.until(condition);
  stop.abort();
  await kept;
}

Deno.test("keepLease() creates the lease and renews it", async () => {
  const api = new FakeApi();
  await keepUntil(api, () => api.calls.filter((call) => call.startsWith("update")).length === 3);
  assert.equal(api.lease?.spec?.holderIdentity, "n");
  assert.equal(api.lease?.spec?.leaseDurationSeconds, 40);
  assert.deepEqual(api.lease?.metadata?.ownerReferences, [
    { apiVersion: "v1", kind: "Node", name: "n", uid: "uid-of-node" },
  ]);
  assert.ok(api.lease!.spec!.renewTime! >= api.lease!.spec!.acquireTime!);
  assert.equal(api.calls.filter((call) => call.startsWith("get")).length, 1);
});

Deno.test("keepLease() creates the lease again when it is gone", async () => {
  const api = new FakeApi();
  let removed = false;
  await keepUntil(api, () => {
    if (!removed && api.lease !== undefined) {
      removed = true;
      api.lease = undefined;
    }
    return api.calls.filter((call) => call.startsWith("create")).length === 2;
  });
  assert.ok(api.lease !== undefined);
});

Deno.test("keepLease() takes over a lease that somebody else changed", async () => {
  const api = new FakeApi();
  api.lease = {
    metadata: { name: "n", uid: "l", resourceVersion: "7" },
    spec: { holderIdentity: "other", acquireTime: "2020-01-01T00:00:00.000000Z" },
  };
  await keepUntil(api, () => api.lease?.spec?.holderIdentity === "n");
  assert.equal(api.lease.metadata?.uid, "l");
  assert.equal(api.lease.spec?.acquireTime, "2020-01-01T00:00:00.000000Z");
});

Deno.test("keepLease() lives through an API server that is away", async () => {
  const api = new FakeApi();
  let failures = 3;
  api.before = () => {
    if (failures-- > 0) throw refusal(500);
  };
  await keepUntil(api, () => api.lease !== undefined);
});

Deno.test("renewedLease() names the Node that lives now as its owner", () => {
  const before = renewedLease(undefined, { nodeName: "n", uid: "old", nowMs: 0 });
  assert.equal(before.spec?.renewTime, "1970-01-01T00:00:00.000000Z");
  const after = renewedLease(before, { nodeName: "n", uid: "new", nowMs: 1_500 });
  assert.equal(after.metadata?.ownerReferences?.[0]?.uid, "new");
  assert.equal(after.spec?.acquireTime, "1970-01-01T00:00:00.000000Z");
  assert.equal(after.spec?.renewTime, "1970-01-01T00:00:01.500000Z");
});

Deno.test("renewedLease() is newer than the one before it, though the clock was set back", () => {
  const who = { nodeName: "n", uid: "u" };
  const hour = 3_600_000;
  const ahead = renewedLease(undefined, { ...who, nowMs: hour });
  const next = renewedLease(ahead, { ...who, nowMs: 10_000 });
  assert.equal(next.spec?.renewTime, "1970-01-01T01:00:00.001000Z");
  const caughtUp = renewedLease(next, { ...who, nowMs: hour + 10_000 });
  assert.equal(caughtUp.spec?.renewTime, "1970-01-01T01:00:10.000000Z");
});
