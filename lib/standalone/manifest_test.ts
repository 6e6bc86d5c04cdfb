import assert from "node:assert/strict";
import { KubeletError } from "../errors.ts";
import { type Manifest, readManifests } from "./manifest.ts";
import { ManifestObjects } from "./manifest_objects.ts";

async function read(
  text: string,
  name = "pod.yaml",
  args: string[] = [],
): Promise<{ dir: string; manifest: Manifest }> {
  const dir = await Deno.makeTempDir({ prefix: "krustlet-manifest-" });
  try {
    await Deno.writeTextFile(`${dir}/${name}`, text);
    return {
      dir: await Deno.realPath(dir),
      manifest: await readManifests([`${dir}/${name}`], args),
    };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const POD = `
apiVersion: v1
kind: Pod
metadata: { name: web }
spec:
  containers:
    - name: app
      image: file:./app.wasm
`;

Deno.test("readManifests() completes a pod as the API server would", async () => {
  const { dir, manifest } = await read(POD);
  const [pod] = manifest.pods;
  assert.equal(pod?.metadata?.namespace, "default");
  assert.match(pod?.metadata?.uid ?? "", /^[0-9a-f-]{36}$/);
  assert.equal(pod?.spec?.restartPolicy, "Always");
  assert.equal(pod?.spec?.containers[0]?.image, `file:${dir}/app.wasm`);
});

Deno.test("readManifests() takes several documents and Lists, and serves their objects", async () => {
  const { manifest } = await read(`${POD}
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: { name: settings }
    data: { a: "1" }
---
apiVersion: v1
kind: Secret
metadata: { name: keys }
stringData: { k: open sesame }
`);
  const objects = new ManifestObjects(manifest);
  assert.deepEqual((await objects.configMap("default", "settings"))?.data, { a: "1" });
  const secret = await objects.secret("default", "keys");
  assert.equal(atob(secret?.data?.["k"] ?? ""), "open sesame");
  assert.equal(await objects.configMap("other", "settings"), undefined);
});

Deno.test("readManifests() reads file modes as kubectl does", async () => {
  const { manifest } = await read(`${POD}  volumes: [{ name: v, emptyDir: {}, mode: 0644 }]\n`);
  const volume: unknown = manifest.pods[0]?.spec?.volumes?.[0];
  assert.deepEqual(volume, { name: "v", emptyDir: {}, mode: 0o644 });
});

Deno.test("readManifests() makes a pod of a bare module", async () => {
  const { dir, manifest } = await read("\0asm", "Hello World.wasm", ["--loud"]);
  const [pod] = manifest.pods;
  assert.equal(pod?.metadata?.name, "hello-world");
  assert.equal(pod?.spec?.restartPolicy, "Never");
  assert.equal(pod?.spec?.containers[0]?.image, `file:${dir}/Hello World.wasm`);
  assert.deepEqual(pod?.spec?.containers[0]?.args, ["--loud"]);
});

Deno.test("readManifests() says what is wrong, and where", async () => {
  const table: [string, RegExp][] = [
    ["kind: [", /Cannot use ".*pod\.yaml": .*line 1/],
    ["just text", /is not a Kubernetes object/],
    ["kind: Deployment\nmetadata: { name: web }", /Deployment "web" needs a cluster/],
    ["kind: Pod\nmetadata: {}", /a Pod has no metadata\.name/],
    ["kind: Pod\nmetadata: { name: a }", /Pod "a" has no spec\.containers/],
    [POD.replace("name: app", "name: App"), /not a DNS label: "App"/],
    [POD.replace("image: file:./app.wasm", ""), /container "app" of Pod "web" has no image/],
    [
      POD.replace("spec:", "spec:\n  restartPolicy: Sometimes"),
      /allowed are Always, OnFailure, Never/,
    ],
    [`${POD}---${POD}`, /"default\/web": it is there twice/],
    ["", /there is no Pod in it/],
  ];
  for (const [text, message] of table) {
    await assert.rejects(read(text), (error) => {
      assert.ok(error instanceof KubeletError && error.code === "invalid", String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  await assert.rejects(readManifests(["no-such.yaml"]), /Cannot read "no-such.yaml": no such file/);
  await assert.rejects(
    read(POD, "pod.yaml", ["--loud"]),
    /arguments after -- go to a .wasm module/,
  );
});
