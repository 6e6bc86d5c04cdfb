import assert from "node:assert/strict";
import { TestServer } from "./_test_server.ts";
import { ApiClient } from "./client.ts";
import { anyObjects } from "./objects.ts";

Deno.test("anyObjects().create() posts an object where its own words say", async () => {
  await using server = await TestServer.start((exchange) => exchange.json({}, 201));
  using client = new ApiClient({ server: server.url });
  const objects = anyObjects(client);
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace: "kube-system", name: "bootstrap-token-abcdef" },
  };
  await objects.create(secret);
  await objects.create({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "a" },
  });
  assert.deepEqual(server.requests.map(({ method, path }) => `${method} ${path}`), [
    "POST /api/v1/namespaces/kube-system/secrets",
    "POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
  ]);
  assert.deepEqual(JSON.parse(server.requests[0]?.body ?? ""), secret);
});

Deno.test("anyObjects().create() rejects when there is one of that name", async () => {
  await using server = await TestServer.start((x) => x.refuse(409, "AlreadyExists"));
  using client = new ApiClient({ server: server.url });
  const creating = anyObjects(client).create({ apiVersion: "v1", kind: "Namespace" });
  await assert.rejects(creating, { name: "ApiError", status: 409, reason: "AlreadyExists" });
});

Deno.test("anyObjects().get() gives the object, and undefined if there is none", async () => {
  const config = { kind: "ConfigMap", metadata: { name: "cluster-info" } };
  await using server = await TestServer.start((exchange) => {
    if (exchange.path.endsWith("/configmaps/cluster-info")) exchange.json(config);
    else exchange.refuse(404, "NotFound");
  });
  using client = new ApiClient({ server: server.url });
  const objects = anyObjects(client);
  const reference = { apiVersion: "v1", kind: "ConfigMap", namespace: "kube-public" };
  assert.deepEqual(await objects.get({ ...reference, name: "cluster-info" }), config);
  assert.equal(await objects.get({ ...reference, name: "other" }), undefined);
});

Deno.test("anyObjects().get() asks for nothing outside of what it was told", async () => {
  await using server = await TestServer.start((exchange) => exchange.json({}));
  using client = new ApiClient({ server: server.url });
  const name = "../../secrets?watch=1#";
  await anyObjects(client).get({ apiVersion: "v1", kind: "Pod", namespace: "a/b", name });
  const [sent] = server.requests;
  assert.equal(
    sent?.path,
    `/api/v1/namespaces/a%2Fb/pods/${encodeURIComponent(name)}`,
  );
  assert.equal(sent?.query.size, 0);
});

Deno.test("anyObjects().get() rejects for every other refusal", async () => {
  await using server = await TestServer.start((exchange) => exchange.refuse(403, "Forbidden"));
  using client = new ApiClient({ server: server.url });
  const reference = { apiVersion: "v1", kind: "Node", name: "n" };
  await assert.rejects(anyObjects(client).get(reference), { name: "ApiError", status: 403 });
});
