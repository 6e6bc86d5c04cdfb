/** Volumes of more than the pod itself: claims, images, trust bundles, memory; and what changes in them. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "./harness/eventually.ts";
import { pushTree } from "./harness/push_tree.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import {
  type getPod,
  type PodRef,
  waitEnded,
  waitEvent,
  waitPod,
  waitRunning,
} from "./harness/wait_pod.ts";

const scenario = useTestbed();

/** A change is heard of at once and written within a second; a busy machine takes longer. */
const CHANGE_MS = 30_000;

scenario("a claim waits until it is bound, then its local volume is mounted", async (scene) => {
  await using disk = await tempFolder();
  const folder = join(disk.path, "data");
  await Deno.mkdir(folder);
  const claim = await claimOf(scene, "disk");
  const ref = await scene.pod({
    name: "claims",
    spec: { volumes: [{ name: "d", persistentVolumeClaim: { claimName: "disk" } }] },
    containers: [{
      image: await scene.image("go_exerciser"),
      volumeMounts: [{ name: "d", mountPath: "/d", subPath: "of/pod" }],
      args: ["write(lit:from the guest)to(file:/d/f)"],
    }],
  });
  // The scheduler lets no pod pass whose claim is unbound: it is given to the node by hand.
  await bindPod(scene, ref);
  await waitEvent(scene.cluster, ref, { reason: "FailedMount", message: /PVC is not bound/ });
  await using _volume = await volumeOf(scene, { claim, local: { path: folder } });
  await waitEnded(scene.cluster, ref, "Succeeded", 60_000);
  assert.equal(await Deno.readTextFile(join(folder, "of/pod/f")), "from the guest");
});

scenario("a generic ephemeral volume has the claim that is the pod's own", async (scene) => {
  await using disk = await tempFolder();
  const spec = claimSpec(scene);
  const ref = await scene.pod({
    name: "scratchy",
    spec: { volumes: [{ name: "s", ephemeral: { volumeClaimTemplate: { spec } } }] },
    containers: [{
      image: await scene.image("go_exerciser"),
      volumeMounts: [{ name: "s", mountPath: "/s" }],
      args: ["write(lit:scratch)to(file:/s/f)"],
    }],
  });
  await bindPod(scene, ref);
  const claim = { name: "scratchy-s", namespace: scene.namespace };
  await using _volume = await volumeOf(scene, { claim, hostPath: { path: disk.path } });
  await waitEnded(scene.cluster, ref, "Succeeded", 60_000);
  assert.equal(await Deno.readTextFile(join(disk.path, "f")), "scratch");
});

scenario("an image volume shows the files of an image, which stay as they are", async (scene) => {
  const pushed = await pushTree(scene.registry, {
    repo: `volumes/${scene.namespace}`,
    platform: { os: "linux", architecture: "amd64" },
    layers: [{
      packing: "gzip",
      files: {
        "data.json": new TextEncoder().encode('{"kitten":1}'),
        "etc/os-release": new TextEncoder().encode("Alpine Linux"),
        "link": { link: "/etc/os-release" },
      },
    }],
  });
  const volumes = [{ name: "i", image: { reference: pushed.image, pullPolicy: "Always" } }];
  const image = await scene.image("go_exerciser");
  const ref = await scene.pod({
    name: "kitten",
    spec: { volumes },
    containers: [
      {
        name: "reads",
        image,
        volumeMounts: [{ name: "i", mountPath: "/volume" }, {
          name: "i",
          mountPath: "/part",
          subPath: "etc",
        }],
        args: print("/volume/data.json", "/volume/link", "/part/os-release"),
      },
      {
        name: "writes",
        image,
        volumeMounts: [{ name: "i", mountPath: "/volume" }],
        args: ["write(lit:x)to(file:/volume/new)"],
      },
    ],
  });
  await waitEnded(scene.cluster, ref, "Failed", 60_000);
  const logs = await scene.kubectl("logs", "kitten", "-c", "reads");
  assert.match(logs, /\{"kitten":1\}[\s\S]*Alpine Linux[\s\S]*Alpine Linux/);
  assert.match(logs, /enough exercise/);
  assert.match(await scene.kubectl("logs", "kitten", "-c", "writes"), /ERR: .*new/);
  await waitEvent(scene.cluster, ref, { reason: "Pulled", message: /for a volume/ });
});

scenario("a pod waits for the image of a volume, and says so", async (scene) => {
  const reference = `${scene.registry.host}/none/${scene.namespace}:v1`;
  const ref = await scene.pod({
    name: "no-kitten",
    spec: { volumes: [{ name: "i", image: { reference } }] },
    containers: [{
      image: await scene.image("hello"),
      volumeMounts: [{ name: "i", mountPath: "/volume" }],
    }],
  });
  await waitEvent(scene.cluster, ref, { reason: "FailedMount", message: /Cannot pull image/ });
  await waitEvent(scene.cluster, ref, { reason: "FailedMount", message: /Back-off pulling image/ });
});

scenario("trust bundles of the cluster become one file, and appear when they do", async (scene) => {
  const pem = await Deno.readTextFile(join(scene.cluster.dir, "certs/ca.crt"));
  const path = "/apis/certificates.k8s.io/v1beta1/clustertrustbundles";
  const name = `${scene.namespace}-ca`;
  const ref = await scene.pod({
    name: "trusts",
    spec: {
      volumes: [{
        name: "t",
        projected: { sources: [{ clusterTrustBundle: { name, path: "ca.pem" } }] },
      }],
    },
    containers: [{
      image: await scene.image("go_exerciser"),
      volumeMounts: [{ name: "t", mountPath: "/t" }],
      args: print("/t/ca.pem"),
    }],
  });
  await waitEvent(scene.cluster, ref, {
    reason: "FailedMount",
    message: new RegExp(`clustertrustbundle "${name}" not found`),
  });
  await scene.cluster.create(path, { metadata: { name }, spec: { trustBundle: pem } });
  try {
    await waitEnded(scene.cluster, ref, "Succeeded", 60_000);
  } finally {
    await scene.cluster.delete(`${path}/${name}`);
  }
  assert.ok((await scene.kubectl("logs", "trusts")).includes(pem.trim()));
});

scenario("an emptyDir in memory holds what is written, and its limit evicts", async (scene) => {
  const image = await scene.image("go_exerciser");
  const volumeMounts = [{ name: "m", mountPath: "/m" }];
  const volumes = [{ name: "m", emptyDir: { medium: "Memory", sizeLimit: "64Ki" } }];
  const small = await scene.pod({
    name: "small",
    spec: { volumes },
    containers: [{
      image,
      volumeMounts,
      args: ["write(lit:quick)to(file:/m/f)", ...print("/m/f")],
    }],
  });
  await waitEnded(scene.cluster, small, "Succeeded");
  assert.match(await scene.kubectl("logs", "small"), /quick/);
  const large = await scene.pod({
    name: "large",
    restartPolicy: "Always",
    spec: { volumes, terminationGracePeriodSeconds: 600 },
    containers: [{
      image,
      volumeMounts,
      args: [`write(lit:${"x".repeat(100_000)})to(file:/m/f)`, "sleep(600000)"],
    }],
  });
  const pod = await waitPod(scene.cluster, large, {
    to: "be evicted",
    wanted: ({ status }) => status.phase === "Failed",
  });
  assert.equal(pod.status.reason, "Evicted");
  assert.match(pod.status.message ?? "", /Usage of EmptyDir volume "m" exceeds the limit "64Ki"/);
  await waitEvent(scene.cluster, large, { reason: "Evicted" });
  await scene.kubectl("delete", "pod", "small", "large");
  assert.deepEqual(await memoryOf(pod), []);
});

scenario("a guest that looks all the time never sees half of a change", async (scene) => {
  const set = (value: string): Promise<unknown> =>
    scene.cluster.patch(
      `/api/v1/namespaces/${scene.namespace}/configmaps/config`,
      { data: { a: value, b: value, [`new-${value}`]: "x" } },
    );
  await scene.create("configmaps", { metadata: { name: "config" }, data: { a: "0", b: "0" } });
  const ref = await scene.pod({
    name: "watcher",
    spec: { volumes: [{ name: "c", configMap: { name: "config" } }] },
    containers: [{
      image: await scene.image("go_watcher"),
      volumeMounts: [{ name: "c", mountPath: "/c" }],
      args: ["/c", "end", "a", "b"],
    }],
  });
  await waitRunning(scene.cluster, ref);
  for (const value of ["1", "2", "3", "4"]) {
    await set(value);
    await waitLog(scene, { ref, line: `now ${value}` });
  }
  await set("end");
  await waitEnded(scene.cluster, ref, "Succeeded", CHANGE_MS);
  assert.match(await scene.kubectl("logs", "watcher"), /whole at every look/);
});

scenario("labels change in a downward API volume of a running pod", async (scene) => {
  const fieldRef = { fieldPath: "metadata.labels['look']" };
  const ref = await scene.pod({
    name: "labelled",
    labels: { look: "old" },
    spec: { volumes: [{ name: "i", downwardAPI: { items: [{ path: "look", fieldRef }] } }] },
    containers: [{
      image: await scene.image("go_watcher"),
      volumeMounts: [{ name: "i", mountPath: "/i" }],
      args: ["/i", "new", "look"],
    }],
  });
  await waitRunning(scene.cluster, ref);
  await scene.kubectl("label", "pod", "labelled", "look=new", "--overwrite");
  await waitEnded(scene.cluster, ref, "Succeeded", CHANGE_MS);
});

scenario("a ConfigMap that is deleted while it is mounted keeps its content", async (scene) => {
  await scene.create("configmaps", { metadata: { name: "config" }, data: { a: "first" } });
  const ref = await scene.pod({
    name: "keeps",
    spec: { volumes: [{ name: "c", configMap: { name: "config" } }] },
    containers: [{
      image: await scene.image("go_watcher"),
      volumeMounts: [{ name: "c", mountPath: "/c" }],
      args: ["/c", "again", "a"],
    }],
  });
  await waitLog(scene, { ref, line: "now first" });
  await scene.kubectl("delete", "configmap", "config");
  await waitEvent(scene.cluster, ref, { reason: "FailedMount", message: /"config" not found/ });
  await scene.create("configmaps", { metadata: { name: "config" }, data: { a: "again" } });
  await waitEnded(scene.cluster, ref, "Succeeded", 90_000);
});

/** Commands that print files. */
function print(...paths: string[]): string[] {
  return paths.flatMap((path) => [
    `read(file:${path})to(var:${path})`,
    `write(var:${path})to(stm:stdout)`,
  ]);
}

/** Each test's volumes have a class of their own: none is bound to another's claim. */
function claimSpec({ namespace }: Scene): Record<string, unknown> {
  return {
    accessModes: ["ReadWriteOnce"],
    storageClassName: namespace,
    resources: { requests: { storage: "1Mi" } },
  };
}

async function claimOf(
  scene: Scene,
  name: string,
): Promise<{ readonly name: string; readonly namespace: string }> {
  await scene.create("persistentvolumeclaims", { metadata: { name }, spec: claimSpec(scene) });
  return { name, namespace: scene.namespace };
}

async function volumeOf(
  scene: Scene,
  { claim, ...source }: {
    readonly claim: { readonly name: string; readonly namespace: string };
    readonly local?: { readonly path: string };
    readonly hostPath?: { readonly path: string };
  },
): Promise<AsyncDisposable> {
  const name = `${scene.namespace}-${claim.name}`;
  const { nodeName } = scene.node;
  const matchExpressions = [
    { key: "kubernetes.io/hostname", operator: "In", values: [nodeName] },
  ];
  await scene.cluster.create("/api/v1/persistentvolumes", {
    metadata: { name },
    spec: {
      ...source,
      capacity: { storage: "1Mi" },
      accessModes: ["ReadWriteOnce"],
      storageClassName: scene.namespace,
      persistentVolumeReclaimPolicy: "Retain",
      claimRef: claim,
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
    },
  });
  return {
    [Symbol.asyncDispose]: () => scene.cluster.delete(`/api/v1/persistentvolumes/${name}`),
  };
}

/** Gives a pod to the node as the scheduler does. */
async function bindPod(scene: Scene, { namespace, name }: PodRef): Promise<void> {
  await scene.cluster.create(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name },
    target: { apiVersion: "v1", kind: "Node", name: scene.node.nodeName },
  });
}

async function waitLog(
  scene: Scene,
  { ref, line }: { readonly ref: PodRef; readonly line: string },
): Promise<void> {
  await waitRunning(scene.cluster, ref);
  await eventually(`pod ${ref.name} to say "${line}"`, async () => {
    const lines = (await scene.kubectl("logs", ref.name)).split("\n");
    if (lines.includes(line)) return true;
    throw new Error(`it says ${lines.join(", ")}`);
  }, { withinMs: CHANGE_MS });
}

/** What is left in the machine's memory of a pod. */
async function memoryOf({ metadata }: Awaited<ReturnType<typeof getPod>>): Promise<string[]> {
  const found: string[] = [];
  for (const name of await namesIn("/dev/shm")) {
    if (!name.startsWith("krustlet-")) continue;
    for (const uid of await namesIn(join("/dev/shm", name))) {
      if (uid === metadata.uid) found.push(join(name, uid));
    }
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  const none: string[] = [];
  return await readdir(folder).catch(() => none);
}
