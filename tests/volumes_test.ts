/** What a guest finds in its file system and in its environment. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { tempFolder } from "./harness/temp_folder.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import { statusOf, waitEnded, waitEvent, waitPod } from "./harness/wait_pod.ts";

const scenario = useTestbed();

scenario("whole ConfigMaps and Secrets are folders with a file for each key", async (scene) => {
  await createMultiValues(scene);
  const logs = await exercise(scene, {
    volumes: [
      { name: "m", configMap: { name: "multi-configmap" } },
      { name: "s", secret: { secretName: "multi-secret" } },
    ],
    volumeMounts: [{ name: "m", mountPath: "/mcm" }, { name: "s", mountPath: "/ms" }],
    args: [
      ...["mcm1", "mcm2", "mcm5"].map((key) => `assert_exists(file:/mcm/${key})`),
      ...["ms1", "ms2", "ms3"].map((key) => `assert_exists(file:/ms/${key})`),
      ...print("/mcm/mcm1", "/mcm/mcm5", "/ms/ms1", "/ms/ms3"),
    ],
  });
  for (const text of ["value1", "VALUE NUMBER FIVE", "tell nobody", "wait was that a foot--"]) {
    assert.ok(logs.includes(text), `${text} in ${logs}`);
  }
});

scenario("items choose keys and their paths, and the others are not there", async (scene) => {
  await createMultiValues(scene);
  const logs = await exercise(scene, {
    volumes: [
      {
        name: "m",
        configMap: {
          name: "multi-configmap",
          items: [{ key: "mcm1", path: "mcm1" }, { key: "mcm5", path: "deep/mcm-five" }],
        },
      },
      {
        name: "s",
        secret: { secretName: "multi-secret", items: [{ key: "ms3", path: "ms-three" }] },
      },
    ],
    volumeMounts: [{ name: "m", mountPath: "/mcm" }, { name: "s", mountPath: "/ms" }],
    args: [
      "assert_exists(file:/mcm/mcm1)",
      "assert_not_exists(file:/mcm/mcm2)",
      "assert_not_exists(file:/mcm/mcm5)",
      "assert_not_exists(file:/ms/ms1)",
      ...print("/mcm/deep/mcm-five", "/ms/ms-three"),
    ],
  });
  assert.match(logs, /VALUE NUMBER FIVE/);
  assert.match(logs, /wait was that a foot--/);
});

scenario(
  "a projected volume joins a token, a ConfigMap, a Secret and pod fields",
  async (scene) => {
    await scene.create("configmaps", {
      metadata: { name: "c" },
      data: { myval: "cool-configmap" },
    });
    await scene.create("secrets", {
      metadata: { name: "s" },
      stringData: { mysecret: "cool-secret" },
    });
    const sources = [
      { serviceAccountToken: { path: "token", expirationSeconds: 3600 } },
      { configMap: { name: "c" } },
      { secret: { name: "s" } },
      { downwardAPI: { items: [{ path: "pod_name", fieldRef: { fieldPath: "metadata.name" } }] } },
    ];
    const logs = await exercise(scene, {
      name: "projected-volume-pod",
      volumes: [{ name: "all", projected: { sources } }],
      volumeMounts: [{ name: "all", mountPath: "/projected" }],
      args: [
        ...["/projected/myval", "/projected/mysecret", "/projected/pod_name"].flatMap(read),
        "assert_value(var:/projected/myval)is(lit:cool-configmap)",
        "assert_value(var:/projected/mysecret)is(lit:cool-secret)",
        "assert_value(var:/projected/pod_name)is(lit:projected-volume-pod)",
        ...print("/projected/token"),
      ],
    });
    assert.match(logs, /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/m, "a signed token");
  },
);

scenario("the default service account's token and authority are mounted", async (scene) => {
  const folder = "/var/run/secrets/kubernetes.io/serviceaccount";
  const logs = await exercise(scene, {
    args: [
      `assert_exists(file:${folder}/token)`,
      `assert_exists(file:${folder}/ca.crt)`,
      ...print(`${folder}/namespace`),
    ],
  });
  assert.ok(logs.includes(scene.namespace));
});

scenario("an emptyDir is shared by the containers of a pod", async (scene) => {
  const image = await scene.image("go_exerciser");
  const volumeMounts = [{ name: "v", mountPath: "/v" }];
  const ref = await scene.pod({
    name: "shared",
    spec: { volumes: [{ name: "v", emptyDir: {} }] },
    initContainers: [
      { name: "writer", image, volumeMounts, args: ["write(lit:from the first)to(file:/v/f)"] },
    ],
    containers: [{ image, volumeMounts, args: print("/v/f") }],
  });
  await waitEnded(scene.cluster, ref, "Succeeded");
  assert.match(await scene.kubectl("logs", "shared"), /from the first/);
});

scenario(
  "a hostPath is the machine's own folder, and readOnly keeps it as it is",
  async (scene) => {
    await using host = await tempFolder();
    await Deno.writeTextFile(join(host.path, "in"), "from the machine");
    const volumes = [{ name: "h", hostPath: { path: host.path, type: "Directory" } }];
    const logs = await exercise(scene, {
      volumes,
      volumeMounts: [{ name: "h", mountPath: "/baz" }],
      args: [...print("/baz/in"), "write(lit:from the guest)to(file:/baz/out)"],
    });
    assert.match(logs, /from the machine/);
    assert.equal(await Deno.readTextFile(join(host.path, "out")), "from the guest");

    const ref = await scene.pod({
      name: "read-only",
      spec: { volumes },
      containers: [{
        image: await scene.image("go_exerciser"),
        volumeMounts: [{ name: "h", mountPath: "/baz", readOnly: true }],
        args: ["write(lit:no)to(file:/baz/forbidden)"],
      }],
    });
    await waitEnded(scene.cluster, ref, "Failed");
    await assert.rejects(Deno.stat(join(host.path, "forbidden")), Deno.errors.NotFound);
  },
);

scenario("a guest cannot leave its mounts", async (scene) => {
  await using host = await tempFolder();
  await Deno.mkdir(join(host.path, "inside"));
  await Deno.writeTextFile(join(host.path, "outside"), "not yours");
  await Deno.symlink("../outside", join(host.path, "inside/link"));
  const image = await scene.image("go_exerciser");
  const ref = await scene.pod({
    name: "escape",
    spec: { volumes: [{ name: "h", hostPath: { path: join(host.path, "inside") } }] },
    containers: ["/h/../outside", "/h/link", "/h/../../etc/passwd"].map((path, index) => ({
      name: `way-${index}`,
      image,
      volumeMounts: [{ name: "h", mountPath: "/h" }],
      args: print(path),
    })),
  });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  for (const { state } of pod.status.containerStatuses ?? []) {
    assert.equal(state?.terminated?.exitCode, 1);
  }
  const logs = await scene.kubectl("logs", "escape", "--all-containers");
  assert.ok(!logs.includes("not yours"), logs);
});

scenario("environment values come from everywhere that Kubernetes knows", async (scene) => {
  await scene.create("configmaps", { metadata: { name: "c" }, data: { one: "1", two: "2" } });
  await scene.create("secrets", { metadata: { name: "s" }, stringData: { word: "hush" } });
  const field = (fieldPath: string): unknown => ({ fieldRef: { fieldPath } });
  const ref = await scene.pod({
    name: "env",
    labels: { app: "env-test" },
    spec: { enableServiceLinks: false },
    containers: [{
      image: await scene.image("go_hello"),
      envFrom: [{ configMapRef: { name: "c" }, prefix: "C_" }],
      env: [
        { name: "PLAIN", value: "plain" },
        { name: "EXPANDED", value: "$(PLAIN)-$(C_one)-$$(PLAIN)" },
        { name: "FROM_MAP", valueFrom: { configMapKeyRef: { name: "c", key: "two" } } },
        { name: "FROM_SECRET", valueFrom: { secretKeyRef: { name: "s", key: "word" } } },
        { name: "POD", valueFrom: field("metadata.name") },
        { name: "NS", valueFrom: field("metadata.namespace") },
        { name: "LABEL", valueFrom: field("metadata.labels['app']") },
        { name: "NODE", valueFrom: field("spec.nodeName") },
        { name: "HOST_IP", valueFrom: field("status.hostIP") },
        {
          name: "OPTIONAL",
          valueFrom: { configMapKeyRef: { name: "none", key: "x", optional: true } },
        },
      ],
    }],
  });
  await waitEnded(scene.cluster, ref, "Succeeded");
  const lines = new Set((await scene.kubectl("logs", "env")).split("\n"));
  const wanted = [
    ...["C_one=1", "C_two=2", "PLAIN=plain", "EXPANDED=plain-1-$(PLAIN)", "FROM_MAP=2"],
    ...["FROM_SECRET=hush", "POD=env", `NS=${scene.namespace}`, "LABEL=env-test"],
    ...[`NODE=${scene.node.nodeName}`, `HOST_IP=${scene.node.nodeIp}`],
  ];
  for (const line of wanted) assert.ok(lines.has(line), `${line} in ${[...lines].join(", ")}`);
  assert.ok(![...lines].some((line) => line.startsWith("OPTIONAL=")));
});

scenario(
  "a container waits for a missing ConfigMap, says so, and goes on with it",
  async (scene) => {
    const ref = await scene.pod({
      name: "waits",
      containers: [{
        image: await scene.image("go_hello"),
        env: [{ name: "X", valueFrom: { configMapKeyRef: { name: "later", key: "x" } } }],
      }],
    });
    const pod = await waitPod(scene.cluster, ref, {
      to: "say what is missing",
      wanted: ({ status }) =>
        status.containerStatuses?.[0]?.state?.waiting?.reason === "CreateContainerConfigError",
    });
    assert.match(statusOf(pod, "main").state?.waiting?.message ?? "", /later/);
    await waitEvent(scene.cluster, ref, { reason: "Failed", message: /later/ });
    await scene.create("configmaps", { metadata: { name: "later" }, data: { x: "at last" } });
    await waitEnded(scene.cluster, ref, "Succeeded", 60_000);
    assert.match(await scene.kubectl("logs", "waits"), /^X=at last$/m);
  },
);

scenario("a volume of a missing Secret holds the pod back with FailedMount", async (scene) => {
  const ref = await scene.pod({
    name: "held",
    spec: { volumes: [{ name: "s", secret: { secretName: "later" } }] },
    containers: [{
      image: await scene.image("go_exerciser"),
      volumeMounts: [{ name: "s", mountPath: "/s" }],
      args: print("/s/k"),
    }],
  });
  await waitEvent(scene.cluster, ref, { reason: "FailedMount", message: /later/ });
  await scene.create("secrets", { metadata: { name: "later" }, stringData: { k: "there now" } });
  await waitEnded(scene.cluster, ref, "Succeeded", 60_000);
  assert.match(await scene.kubectl("logs", "held"), /there now/);
});

scenario(
  "a volume kind that this node does not have is said so, and harms nobody",
  async (scene) => {
    const ref = await scene.pod({
      name: "unknown-volume",
      spec: { volumes: [{ name: "n", nfs: { server: "127.0.0.1", path: "/" } }] },
      containers: [{
        image: await scene.image("hello"),
        volumeMounts: [{ name: "n", mountPath: "/n" }],
      }],
    });
    const pod = await waitPod(scene.cluster, ref, {
      to: "be refused",
      wanted: ({ status }) => status.phase === "Failed",
    });
    assert.match(pod.status.message ?? "", /nfs/);
  },
);

/** Commands that print files. */
function print(...paths: string[]): string[] {
  return paths.flatMap((path) => [...read(path), `write(var:${path})to(stm:stdout)`]);
}

function read(path: string): string[] {
  return [`read(file:${path})to(var:${path})`];
}

/** Runs the exerciser to its good end and answers its log. */
async function exercise(
  scene: Scene,
  wish: {
    readonly name?: string;
    readonly args: readonly string[];
    readonly volumes?: readonly unknown[];
    readonly volumeMounts?: readonly unknown[];
  },
): Promise<string> {
  const { name = "exercise", args, volumes = [], volumeMounts = [] } = wish;
  const ref = await scene.pod({
    name,
    spec: { volumes },
    containers: [{ image: await scene.image("go_exerciser"), args, volumeMounts }],
  });
  await waitEnded(scene.cluster, ref, "Succeeded");
  return await scene.kubectl("logs", name);
}

async function createMultiValues(scene: Scene): Promise<void> {
  await scene.create("configmaps", {
    metadata: { name: "multi-configmap" },
    data: { mcm1: "value1", mcm2: "value two", mcm5: "VALUE NUMBER FIVE" },
  });
  await scene.create("secrets", {
    metadata: { name: "multi-secret" },
    stringData: {
      ms1: "tell nobody",
      ms2: "but the password is",
      ms3: "wait was that a foot-- aargh!!!",
    },
  });
}
