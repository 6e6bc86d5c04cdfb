import assert from "node:assert/strict";
import { TestServer } from "../api/_test_server.ts";
import { ApiClient } from "../api/client.ts";
import { ClusterStatusTransport, statusPatch } from "./cluster_transport.ts";
import type { Heard, PodKey } from "./writer.ts";

const POD: PodKey = { uid: "u1", namespace: "default", name: "web" };
const soon = (): AbortSignal => AbortSignal.timeout(30_000);

Deno.test("statusPatch() clears the reason and the message of a status that has none", () => {
  assert.deepEqual(statusPatch(POD, { phase: "Running" }), {
    metadata: { uid: "u1" },
    status: { phase: "Running", reason: null, message: null },
  });
});

Deno.test("statusPatch() keeps the words that there are, and clears those of each condition", () => {
  const patch = statusPatch(POD, {
    phase: "Failed",
    reason: "DeadlineExceeded",
    message: "too slow",
    conditions: [
      { type: "Ready", status: "False", reason: "PodFailed" },
      { type: "Initialized", status: "True" },
    ],
  });
  assert.deepEqual(patch["status"], {
    phase: "Failed",
    reason: "DeadlineExceeded",
    message: "too slow",
    conditions: [
      { type: "Ready", status: "False", reason: "PodFailed", message: null },
      { type: "Initialized", status: "True", reason: null, message: null },
      { type: "PodResizePending", $patch: "delete" },
      { type: "PodResizeInProgress", $patch: "delete" },
    ],
  });
});

Deno.test("ClusterStatusTransport patches the status, and names the UID", async () => {
  await using server = await TestServer.start((exchange) => exchange.json({}));
  using client = new ApiClient({ server: server.url });
  const transport = new ClusterStatusTransport(client, assert.fail);
  const status = { phase: "Running" as const };
  assert.equal(await transport.writeStatus(POD, status, soon()), "written");
  const [sent] = server.requests;
  assert.deepEqual(
    [sent?.method, sent?.path, sent?.headers.get("content-type")],
    [
      "PATCH",
      "/api/v1/namespaces/default/pods/web/status",
      "application/strategic-merge-patch+json",
    ],
  );
  assert.deepEqual(JSON.parse(sent?.body ?? ""), statusPatch(POD, status));
});

Deno.test("ClusterStatusTransport releases this pod and no other of its name", async () => {
  await using server = await TestServer.start((exchange) => exchange.json({}));
  using client = new ApiClient({ server: server.url });
  assert.equal(
    await new ClusterStatusTransport(client, assert.fail).release(POD, soon()),
    "written",
  );
  const [sent] = server.requests;
  assert.deepEqual([sent?.method, sent?.path], ["DELETE", "/api/v1/namespaces/default/pods/web"]);
  assert.deepEqual(JSON.parse(sent?.body ?? ""), {
    gracePeriodSeconds: 0,
    preconditions: { uid: "u1" },
  });
});

const ANSWERS: [code: number, reason: string, heard: Heard | "throws"][] = [
  [404, "NotFound", "gone"],
  [409, "Conflict", "gone"],
  [422, "Invalid", "refused"],
  [401, "Unauthorized", "throws"],
  [403, "Forbidden", "throws"],
  [429, "TooManyRequests", "throws"],
  [500, "InternalError", "throws"],
];

for (const [code, reason, heard] of ANSWERS) {
  Deno.test(`ClusterStatusTransport takes ${code} ${reason} for "${heard}"`, async () => {
    await using server = await TestServer.start((exchange) => exchange.refuse(code, reason));
    using client = new ApiClient({ server: server.url });
    const trouble: string[] = [];
    const transport = new ClusterStatusTransport(client, (message) => trouble.push(message));
    for (
      const send of [
        () => transport.writeStatus(POD, { phase: "Running" }, soon()),
        () => transport.release(POD, soon()),
      ]
    ) {
      if (heard === "throws") await assert.rejects(send(), { name: "ApiError", status: code });
      else assert.equal(await send(), heard);
    }
    assert.equal(trouble.length, heard === "refused" ? 2 : 0);
    for (const message of trouble) assert.match(message, /"default\/web", gave up on it: .*422/);
  });
}

Deno.test("ClusterStatusTransport throws when nobody answers", async () => {
  await using server = await TestServer.start((exchange) => exchange.reset());
  using client = new ApiClient({ server: server.url });
  const transport = new ClusterStatusTransport(client, assert.fail);
  await assert.rejects(transport.writeStatus(POD, { phase: "Running" }, soon()), {
    name: "ApiConnectionError",
  });
});
