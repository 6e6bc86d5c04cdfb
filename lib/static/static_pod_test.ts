import assert from "node:assert/strict";
import type { KubeObject, Pod } from "../api/types.ts";
import { isMirror, mirrorOf, staticPod } from "./static_pod.ts";

const PLACE = { nodeName: "Node-1", path: "/manifests/web.yaml" };

const manifest = (spec: object = {}, metadata: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", labels: { app: "web" }, ...metadata },
  ...({ spec: { containers: [{ name: "app", image: "reg.example/app:v1" }], ...spec } }),
});

Deno.test("staticPod() names, marks and binds a pod as a kubelet does", async () => {
  const pod: Pod = await staticPod(manifest(), PLACE);
  const { name, namespace, uid, annotations } = pod.metadata!;
  assert.deepEqual([name, namespace], ["web-node-1", "default"]);
  assert.match(uid!, /^[0-9a-f]{32}$/);
  assert.deepEqual(annotations, {
    "kubernetes.io/config.source": "file",
    "kubernetes.io/config.hash": uid,
  });
  assert.equal(pod.spec?.nodeName, "Node-1");
  assert.deepEqual(pod.spec?.tolerations, [{ operator: "Exists", effect: "NoExecute" }]);
  const system = await staticPod(manifest({ priorityClassName: "system-node-critical" }), PLACE);
  assert.equal(system.spec?.priority, 2_000_001_000);
});

Deno.test("staticPod() makes the same UID of the same manifest, and another of any other", async () => {
  const uid = async (object: KubeObject, place = PLACE): Promise<string> =>
    (await staticPod(object, place)).metadata.uid;
  const first = await uid(manifest());
  assert.equal(await uid(manifest()), first);
  assert.notEqual(await uid(manifest({ hostNetwork: true })), first);
  assert.notEqual(await uid(manifest(), { ...PLACE, nodeName: "node-2" }), first);
  assert.notEqual(await uid(manifest(), { ...PLACE, path: "/manifests/other.yaml" }), first);
  // A UID that somebody wrote down would hide a change of the manifest.
  assert.notEqual(await uid(manifest({}, { uid: "mine" })), "mine");
});

Deno.test("staticPod() refuses what cannot run without an API server, and what is no pod", async () => {
  const refused: [KubeObject, RegExp][] = [
    [{ ...manifest(), kind: "Deployment" }, /of kind Pod, not "Deployment"/],
    [manifest({}, { name: "Web_1" }), /name "Web_1" is not a DNS name/],
    [manifest({ containers: [] }), /no spec\.containers/],
    [manifest({ serviceAccountName: "robot" }), /names a service account/],
    [
      manifest({ volumes: [{ name: "v", configMap: { name: "settings" } }] }),
      /names ConfigMap "settings": a static pod depends on nothing in the API/,
    ],
  ];
  for (const [object, message] of refused) {
    await assert.rejects(staticPod(object, PLACE), { message });
  }
});

Deno.test("mirrorOf() shows a static pod, owned by its node, without its UID", async () => {
  const pod: Pod = await staticPod(manifest(), PLACE);
  const mirror = mirrorOf(pod, "node-uid");
  assert.equal(mirror.metadata?.uid, undefined);
  assert.equal(mirror.metadata?.annotations?.["kubernetes.io/config.mirror"], pod.metadata?.uid);
  assert.deepEqual(mirror.metadata?.ownerReferences, [
    { apiVersion: "v1", kind: "Node", name: "Node-1", uid: "node-uid", controller: true },
  ]);
  assert.deepEqual([isMirror(pod), isMirror(mirror)], [false, true]);
});
