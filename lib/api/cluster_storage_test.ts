import assert from "node:assert/strict";
import { TestServer } from "./_test_server.ts";
import { ApiClient } from "./client.ts";
import { ClusterObjects } from "./cluster_objects.ts";
import { labelSelectorText } from "./cluster_storage.ts";

Deno.test("labelSelectorText() writes a selector as a query has it", () => {
  assert.equal(labelSelectorText({}), "");
  assert.equal(
    labelSelectorText({
      matchLabels: { app: "web" },
      matchExpressions: [
        { key: "tier", operator: "In", values: ["a", "b"] },
        { key: "zone", operator: "NotIn", values: ["x"] },
        { key: "new", operator: "Exists" },
        { key: "old", operator: "DoesNotExist" },
      ],
    }),
    "app=web,tier in (a,b),zone notin (x),new,!old",
  );
  const odd = { matchExpressions: [{ key: "x", operator: "Near" }] };
  assert.throws(() => labelSelectorText(odd), /"Near" is no operator/);
});

Deno.test("ClusterObjects.storage asks for the objects of volumes; none is undefined", async () => {
  const asked: string[] = [];
  await using server = await TestServer.start((x) => {
    const query = String(x.query);
    asked.push(`${x.path}${query === "" ? "" : `?${query}`}`);
    if (x.path.endsWith("/gone") || x.path.endsWith("/nothing")) x.refuse(404, "NotFound");
    else if (x.path.endsWith("trustbundles")) {
      x.json({ metadata: { resourceVersion: "7" }, items: [{ metadata: { name: "ca" } }] });
    } else x.json({ metadata: { name: x.path.split("/").at(-1) } });
  });
  using client = new ApiClient({ server: server.url });
  await using objects = new ClusterObjects(client);
  const { storage } = objects;
  assert.equal((await storage.claim("shop", "disk"))?.metadata?.name, "disk");
  assert.equal(await storage.claim("shop", "gone"), undefined);
  assert.equal((await storage.persistentVolume("pv"))?.metadata?.name, "pv");
  assert.equal((await storage.node("edge-1"))?.metadata?.name, "edge-1");
  assert.equal(await storage.trustBundle("nothing"), undefined);
  const selector = { signerName: "x.io/s", labelSelector: { matchLabels: { a: "b" } } };
  assert.equal((await storage.trustBundles(selector)).length, 1);
  const bundles = "/apis/certificates.k8s.io/v1beta1/clustertrustbundles";
  assert.deepEqual(asked, [
    "/api/v1/namespaces/shop/persistentvolumeclaims/disk",
    "/api/v1/namespaces/shop/persistentvolumeclaims/gone",
    "/api/v1/persistentvolumes/pv",
    "/api/v1/nodes/edge-1",
    `${bundles}/nothing`,
    `${bundles}?fieldSelector=spec.signerName%3Dx.io%2Fs&labelSelector=a%3Db&limit=500`,
  ]);
});
