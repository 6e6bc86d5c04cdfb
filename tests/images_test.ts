/** Where modules come from, and what happens when they do not. */
import assert from "node:assert/strict";
import { guest } from "./guests/build.ts";
import { eventually } from "./harness/eventually.ts";
import { pushArtifact, pushLinuxImage } from "./harness/push.ts";
import { type Packing, pushTree } from "./harness/push_tree.ts";
import { type Registry, spoilBlob } from "./harness/registry.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import { eventsOf, statusOf, waitEnded, waitEvent, waitPod } from "./harness/wait_pod.ts";
import type { PodRef } from "./harness/wait_pod.ts";

const scenario = useTestbed({
  args: ["--x-allow-local-modules", "true"],
  privateRegistries: ["basic", "token"],
});

const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

scenario("both layouts of Wasm artifacts and Docker manifests run", async (scene) => {
  const wasm = await helloWasm();
  const { registry } = scene;
  const artifacts = {
    "wasm-to-oci": await pushArtifact(registry, { repo: "layouts/old", wasm }),
    "oci-wasm": await pushArtifact(registry, { repo: "layouts/new", wasm, layout: "oci-wasm" }),
    "docker": await pushArtifact(registry, {
      repo: "layouts/docker",
      wasm,
      manifestType: DOCKER_MANIFEST,
    }),
  };
  await Promise.all(
    Object.entries(artifacts).map(([name, { image }]) => runsHello(scene, name, image)),
  );
});

scenario("an image by digest runs, and imageID names the manifest's digest", async (scene) => {
  const { pinned, manifestDigest } = await pushHello(scene.registry, "by-digest");
  const ref = await runsHello(scene, "by-digest", pinned);
  const pod = await waitEnded(scene.cluster, ref, "Succeeded");
  assert.ok(statusOf(pod, "main").imageID.endsWith(`@${manifestDigest}`));
});

scenario("pull policies: Always asks again, IfNotPresent and Never do not", async (scene) => {
  const { registry } = scene;
  const { image } = await pushHello(registry, "policies");
  await runsHello(scene, "first", image, { imagePullPolicy: "IfNotPresent" });
  await pushArtifact(registry, {
    repo: "policies",
    wasm: await Deno.readFile(await guest("exit_42")),
  });
  await runsHello(scene, "second", image, { imagePullPolicy: "IfNotPresent" });
  await runsHello(scene, "third", image, { imagePullPolicy: "Never" });
  const ref = await scene.pod({
    name: "fourth",
    containers: [{ image, imagePullPolicy: "Always" }],
  });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  assert.equal(statusOf(pod, "main").state?.terminated?.exitCode, 42);
});

scenario("50 pods with the same image, begun at once, download it once", async (scene) => {
  // Of this test alone, so that the node cannot have it yet.
  const wasm = new Uint8Array([...await helloWasm(), 0, 4, 2, 0x35, 0x30, 1]);
  const { image, layerDigest } = await pushArtifact(scene.registry, {
    repo: "crowd",
    wasm,
    layout: "oci-wasm",
  });
  const policies = ["IfNotPresent", "Always"];
  const refs = await Promise.all(Array.from({ length: 50 }, (_, i) => {
    const containers = [{ image, imagePullPolicy: policies[i % policies.length] }];
    return scene.pod({ name: `crowd-${i}`, containers });
  }));
  for (const ref of refs) await waitEnded(scene.cluster, ref, "Succeeded", 300_000);
  const requests = await scene.registry.requests();
  const downloads = requests.filter((line) => line.startsWith("GET /v2/crowd/blobs/"));
  assert.deepEqual(
    downloads.filter((line) => line.endsWith(layerDigest)),
    [`GET /v2/crowd/blobs/${layerDigest}`],
  );
  assert.equal(downloads.length, 2, "the config, and the module");
  assert.equal(requests.filter((line) => line === "GET /v2/crowd/manifests/v1").length, 1);
});

scenario("Never with an image that is not there is ErrImageNeverPull", async (scene) => {
  const ref = await scene.pod({
    name: "never",
    containers: [{ image: `${scene.registry.host}/nobody:v1`, imagePullPolicy: "Never" }],
  });
  await waitWaiting(scene, ref, "ErrImageNeverPull");
});

scenario("an unknown image is ErrImagePull, then ImagePullBackOff, and heals", async (scene) => {
  const ref = await scene.pod({
    name: "unknown",
    containers: [{ image: `${scene.registry.host}/late:v1` }],
  });
  await waitEvent(scene.cluster, ref, { reason: "Failed", message: /late:v1/ });
  await waitWaiting(scene, ref, "ImagePullBackOff");
  await pushHello(scene.registry, "late");
  await waitEnded(scene.cluster, ref, "Succeeded", 60_000);
});

scenario("a name that is no image reference is InvalidImageName", async (scene) => {
  const ref = await scene.pod({
    name: "bad-name",
    containers: [{ image: "Not//A:Reference:at all" }],
  });
  await waitWaiting(scene, ref, "InvalidImageName");
});

scenario("a registry that is not there is said so", async (scene) => {
  const ref = await scene.pod({
    name: "no-registry",
    containers: [{ image: "registry.invalid/app:v1" }],
  });
  await waitEvent(scene.cluster, ref, { reason: "Failed", message: /registry\.invalid/ });
});

scenario("a Linux image fails with a reason that says so, without a retry storm", async (scene) => {
  const { image } = await pushLinuxImage(scene.registry, "linux");
  const ref = await scene.pod({ name: "linux", containers: [{ image }] });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  assert.equal(pod.status.reason, "UnsupportedImage");
  assert.match(pod.status.message ?? "", /Linux container image[\s\S]*WebAssembly/);
  const event = await waitEvent(scene.cluster, ref, { reason: "UnsupportedImage" });
  assert.equal(event.count ?? 1, 1);
  const pulls = (await eventsOf(scene.cluster, ref)).filter(({ reason }) => reason === "Pulling");
  assert.deepEqual(pulls.map(({ count = 1 }) => count), [1]);
});

scenario("a layer of an unknown media type is refused by its name", async (scene) => {
  const { image } = await pushArtifact(scene.registry, {
    repo: "odd",
    wasm: await helloWasm(),
    layerType: "application/vnd.example.song+mp3",
    configType: "application/vnd.example.song.config+json",
  });
  const ref = await scene.pod({ name: "odd", containers: [{ image }] });
  await waitEvent(scene.cluster, ref, { reason: "Failed", message: /vnd\.example\.song/ });
});

scenario("a blob that is not what its digest says never runs", async (scene) => {
  // A byte of its own, so that no other test's blob is spoilt.
  const wasm = new Uint8Array([...await helloWasm(), 0, 3, 1, 0x78, 1]);
  const { image, layerDigest } = await pushArtifact(scene.registry, { repo: "spoilt", wasm });
  await spoilBlob(scene.registry, layerDigest);
  const ref = await scene.pod({ name: "spoilt", containers: [{ image }] });
  await waitEvent(scene.cluster, ref, { reason: "Failed", message: /digest/i });
  const reasons = (await eventsOf(scene.cluster, ref)).map(({ reason }) => reason);
  assert.ok(!reasons.includes("Started"));
});

scenario(
  "truncated and corrupt modules are clear failures, and nothing else ends",
  async (scene) => {
    const hello = await helloWasm();
    const modules = {
      truncated: hello.subarray(0, hello.length - 20),
      corrupt: hello.map((byte, index) => index > 8 && index < 30 ? 0xff : byte),
      "no-wasm": new TextEncoder().encode("#!/bin/sh\necho hello\n"),
      empty: new Uint8Array(),
    };
    const refs: PodRef[] = [];
    for (const [name, wasm] of Object.entries(modules)) {
      const { image } = await pushArtifact(scene.registry, { repo: `bad/${name}`, wasm });
      refs.push(await scene.pod({ name, containers: [{ image }] }));
    }
    for (const ref of refs) {
      const said = await eventually(`pod ${ref.name} to say what is wrong`, async () => {
        const pod = await scene.cluster.get<Parameters<typeof statusOf>[0]>(
          `/api/v1/namespaces/${ref.namespace}/pods/${ref.name}`,
        );
        const { state } = pod.status.containerStatuses?.[0] ?? {};
        return state?.terminated?.message ?? (state?.waiting?.reason === "ErrImagePull" ||
            state?.waiting?.reason === "ImagePullBackOff"
          ? state.waiting.message
          : undefined);
      });
      assert.match(said, /wasm|module|magic/i, ref.name);
    }
    await runsHello(scene, "still-fine", (await pushHello(scene.registry, "fine")).image);
  },
);

scenario(
  "an image of files runs: entrypoint, links, PATH and folder are its own, and so is its root",
  async (scene) => {
    const packings: readonly Packing[] = ["plain", "gzip", "zstd"];
    await Promise.all(packings.map((packing) => runsTree(scene, packing)));
  },
);

async function runsTree(scene: Scene, packing: Packing): Promise<void> {
  const exerciser = await Deno.readFile(await guest("go_exerciser"));
  const text = new TextEncoder().encode("of the image");
  const check = [
    "assert_value(file:/data/in.txt)is(lit:here)",
    "assert_value(file:/opt/abs.txt)is(lit:here)",
    "assert_not_exists(file:/data/hidden.txt)",
    "write(lit:x)to(file:/data/new.txt)",
    "assert_value(env:KIND)is(lit:multi-call)",
  ];
  const { image } = await pushTree(scene.registry, {
    repo: `trees/${packing}`,
    layers: [
      { packing, files: { "opt/bin/exerciser": exerciser, "data/hidden.txt": text } },
      {
        packing,
        files: {
          "data/.wh.hidden.txt": new Uint8Array(),
          "data/in.txt": new TextEncoder().encode("here"),
          "opt/abs.txt": { link: "/data/in.txt" },
          "opt/bin/exercise": { link: "exerciser" },
        },
      },
    ],
    run: { Entrypoint: ["exercise"], Cmd: check, Env: ["PATH=/opt/bin", "KIND=multi-call"] },
    besides: [{ os: "linux", architecture: "amd64" }],
  });
  const ref = await scene.pod({
    name: packing,
    containers: [
      { name: "main", image },
      { name: "again", image, command: ["/opt/bin/exerciser"], args: check.slice(0, 3) },
      {
        name: "read-only",
        image,
        args: ["write(lit:x)to(file:/data/new.txt)"],
        securityContext: { readOnlyRootFilesystem: true },
      },
      { name: "none", image, command: ["sh", "-c", "true"] },
    ],
  });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  const ended = (name: string) => statusOf(pod, name).state?.terminated;
  const log = await scene.kubectl("logs", packing, "-c", "main");
  assert.equal(ended("main")?.exitCode, 0, log);
  assert.equal(ended("again")?.exitCode, 0);
  assert.equal(ended("read-only")?.exitCode, 1);
  assert.equal(ended("none")?.reason, "StartError");
  assert.match(
    ended("none")?.message ?? "",
    /there is no program "sh"; its WebAssembly modules are "\/opt\/bin\/exerciser"/,
  );
  assert.ok(log.includes("enough exercise"), log);
}

scenario("files beside a module are in its root, and cannot be changed", async (scene) => {
  const { registry } = scene;
  const { image } = await pushArtifact(registry, {
    repo: "with-files",
    wasm: await Deno.readFile(await guest("go_exerciser")),
    layout: "oci-wasm",
    files: { "www/index.html": new TextEncoder().encode("page") },
  });
  const reads = "assert_value(file:/www/index.html)is(lit:page)";
  const writes = "write(lit:x)to(file:/www/new.txt)";
  const ref = await scene.pod({
    name: "files",
    containers: [{ name: "main", image, args: [reads] }, { name: "w", image, args: [writes] }],
  });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  assert.equal(statusOf(pod, "main").state?.terminated?.exitCode, 0);
  assert.equal(statusOf(pod, "w").state?.terminated?.exitCode, 1);
});

scenario("what an image may not hold is said, and nothing of it runs", async (scene) => {
  const hello = await helloWasm();
  const plain = (files: Record<string, Uint8Array | { link: string }>) => [
    { packing: "plain" as const, files },
  ];
  const bad = {
    "climbs": [plain({ "app.wasm": hello, "../evil": hello }), /could lead out of the image/],
    "below": [plain({ "l": { link: "/tmp" }, "l/evil": hello }), /"l" is a symbolic link/],
    "case": [plain({ "app.wasm": hello, "APP.wasm": hello }), /in case only/],
  } as const;
  await Promise.all(
    Object.entries(bad).map(async ([name, [layers, message]]) => {
      const run = { Entrypoint: ["/app.wasm"] };
      const { image } = await pushTree(scene.registry, { repo: `bad-trees/${name}`, layers, run });
      const ref = await scene.pod({ name, containers: [{ image }] });
      await waitEvent(scene.cluster, ref, { reason: "Failed", message });
      await waitWaiting(scene, ref, "ImagePullBackOff");
    }),
  );
});

scenario(
  "a component that its config tells of is refused, with the names of its imports",
  async (scene) => {
    const { image } = await pushArtifact(scene.registry, {
      repo: "component",
      wasm: await helloWasm(),
      layout: "oci-wasm",
      config: {
        architecture: "wasm",
        os: "wasip2",
        component: { imports: ["wasi:http/types@0.2.0"], exports: [] },
      },
    });
    const ref = await scene.pod({ name: "component", containers: [{ image }] });
    const pod = await waitEnded(scene.cluster, ref, "Failed");
    assert.equal(pod.status.reason, "UnsupportedImage");
    assert.match(pod.status.message ?? "", /a component[\s\S]*"wasi:http\/types@0.2.0"/);
  },
);

scenario("a module of this machine runs by its path where that is allowed", async (scene) => {
  await runsHello(scene, "local", `file:${await guest("hello")}`);
});

for (const auth of ["basic", "token"] as const) {
  scenario(
    `a private registry with ${auth} authentication needs imagePullSecrets`,
    async (scene) => {
      const registry = privateRegistry(scene, auth);
      const { host, user = "", password = "" } = registry;
      const { image } = await pushHello(registry, "private/hello");
      const refused = await scene.pod({ name: "refused", containers: [{ image }] });
      await pullSecret(scene, "wrong", host, { user, password: "babbage" });
      const wrong = await scene.pod({
        name: "wrong",
        spec: { imagePullSecrets: [{ name: "wrong" }] },
        containers: [{ image }],
      });
      for (const ref of [refused, wrong]) {
        await waitEvent(scene.cluster, ref, {
          reason: "Failed",
          message: /401|unauthorized|credential/i,
        });
      }

      await pullSecret(scene, "right", host, { user, password });
      const right = await scene.pod({
        name: "right",
        spec: { imagePullSecrets: [{ name: "right" }] },
        containers: [{ image }],
      });
      await waitEnded(scene.cluster, right, "Succeeded");
    },
  );
}

scenario("an anonymous token opens the public part of a token registry", async (scene) => {
  const { image } = await pushHello(privateRegistry(scene, "token"), "public/hello");
  await runsHello(scene, "public", image);
});

function privateRegistry(scene: Scene, auth: "basic" | "token"): Registry {
  const registry = scene.privateRegistries.get(auth);
  assert.ok(registry);
  return registry;
}

async function helloWasm(): Promise<Uint8Array> {
  return await Deno.readFile(await guest("hello"));
}

async function pushHello(
  registry: Registry,
  repo: string,
): ReturnType<typeof pushArtifact> {
  return await pushArtifact(registry, { repo, wasm: await helloWasm() });
}

async function runsHello(
  scene: Scene,
  name: string,
  image: string,
  container: Readonly<Record<string, unknown>> = {},
): Promise<PodRef> {
  const ref = await scene.pod({ name, containers: [{ image, ...container }] });
  await waitEnded(scene.cluster, ref, "Succeeded");
  assert.equal(await scene.kubectl("logs", name), "Hello, world!\n");
  return ref;
}

async function waitWaiting(scene: Scene, ref: PodRef, reason: string): Promise<void> {
  await waitPod(scene.cluster, ref, {
    to: `wait with ${reason}`,
    wanted: ({ status }) => status.containerStatuses?.[0]?.state?.waiting?.reason === reason,
  });
}

async function pullSecret(
  scene: Scene,
  name: string,
  host: string,
  { user, password }: { user: string; password: string },
): Promise<void> {
  const auths = { [host]: { auth: btoa(`${user}:${password}`) } };
  await scene.create("secrets", {
    metadata: { name },
    type: "kubernetes.io/dockerconfigjson",
    stringData: { ".dockerconfigjson": JSON.stringify({ auths }) },
  });
}
