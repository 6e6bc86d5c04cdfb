/** The node as the cluster sees it. */
import assert from "node:assert/strict";
import { guest } from "./guests/build.ts";
import { eventually } from "./harness/eventually.ts";
import { prepareKrustlet, startKrustlet } from "./harness/kubelet.ts";
import { podManifest } from "./harness/manifests.ts";
import { conditionOf, type Node } from "./harness/objects.ts";
import { useTestbed } from "./harness/testbed.ts";
import { waitEnded, waitRunning } from "./harness/wait_pod.ts";

const scenario = useTestbed();
/** How long a node may take from its approval to Ready. */
const READY_MS_MAX = 3_000;

interface Lease {
  readonly spec: {
    readonly holderIdentity: string;
    readonly leaseDurationSeconds: number;
    readonly renewTime: string;
  };
}

scenario("a node that was approved is Ready within 3 s", async ({ cluster }) => {
  await using node = await prepareKrustlet(cluster);
  await node.start();
  await node.approve();
  const startMs = performance.now();
  await eventually("the node to be Ready", async () => {
    await node.process.mustRun();
    const seen = await node.node();
    return seen !== undefined && conditionOf(seen, "Ready")?.status === "True";
  });
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs < READY_MS_MAX, `it took ${Math.round(tookMs)} ms`);
});

scenario("the node has Krustlet's labels, taints and architecture", async ({ node }) => {
  const { metadata, spec, status } = await mustFind(node.node());
  assert.equal(status.nodeInfo?.["architecture"], "wasm-wasi");
  assert.equal(metadata.labels?.["kubernetes.io/arch"], "wasm32-wasi");
  assert.equal(metadata.labels?.["kubernetes.io/hostname"], node.nodeName);
  assert.equal(metadata.labels?.["kubernetes.io/os"], Deno.build.os);
  const taints = spec.taints?.map(({ key, value, effect }) => `${key}=${value}:${effect}`).sort();
  assert.deepEqual(taints, [
    "kubernetes.io/arch=wasm32-wasi:NoExecute",
    "kubernetes.io/arch=wasm32-wasi:NoSchedule",
  ]);
});

scenario("the node tells its addresses, port, conditions and what it has", async ({ node }) => {
  const { status } = await mustFind(node.node());
  assert.deepEqual(status.addresses, [
    { type: "InternalIP", address: node.nodeIp },
    { type: "Hostname", address: node.nodeName },
  ]);
  assert.equal(status.daemonEndpoints?.kubeletEndpoint?.Port, node.port);
  const conditions = new Map(status.conditions?.map((one) => [one.type, one.status]));
  assert.equal(conditions.get("Ready"), "True");
  for (const pressure of ["MemoryPressure", "DiskPressure", "PIDPressure"]) {
    assert.equal(conditions.get(pressure), "False", pressure);
  }
  assert.equal(status.capacity?.["pods"], "110");
  assert.equal(status.capacity?.["cpu"], String(navigator.hardwareConcurrency));
  for (const resource of ["cpu", "memory", "ephemeral-storage", "pods"]) {
    assert.ok(status.allocatable?.[resource], resource);
  }
});

scenario("the node renews its lease", async ({ cluster, node }) => {
  const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node.nodeName}`;
  const { spec } = await eventually("the lease", () => cluster.find<Lease>(path));
  assert.equal(spec.holderIdentity, node.nodeName);
  assert.equal(spec.leaseDurationSeconds, 40);
  const renewed = await eventually("the lease to be renewed", async () => {
    const now = await cluster.get<Lease>(path);
    return now.spec.renewTime !== spec.renewTime && now;
  });
  const gapMs = Date.parse(renewed.spec.renewTime) - Date.parse(spec.renewTime);
  assert.ok(gapMs <= 15_000, `it took ${gapMs} ms`);
});

scenario("the API server reaches the node's own API", async ({ cluster, node }) => {
  const response = await cluster.request("GET", `/api/v1/nodes/${node.nodeName}/proxy/healthz`);
  assert.equal(await response.text(), "ok");
});

scenario("an agent that starts again uses the certificates that it has", async ({ cluster }) => {
  await using node = await startKrustlet(cluster);
  const requests = async (): Promise<number> =>
    (await cluster.get<{ items: unknown[] }>(
      "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    )).items.length;
  const before = await requests();
  await node.end("SIGTERM");
  await node.restart();
  await node.waitReady();
  assert.equal(await requests(), before);
});

scenario("secrets of the node are files that only their owner can read", async ({ node }) => {
  const files = [
    node.kubeconfig,
    ...await Array.fromAsync(
      Deno.readDir(`${node.dataDir}/config`),
      ({ name }) => `${node.dataDir}/config/${name}`,
    ),
  ];
  for (const file of files.filter((name) => !name.endsWith(".crt"))) {
    assert.equal((await Deno.stat(file)).mode! & 0o077, 0, file);
  }
});

scenario("the node works after all of this", async (scene) => {
  const ref = await scene.pod({
    name: "hello",
    containers: [{ image: await scene.image("hello") }],
  });
  await waitEnded(scene.cluster, ref, "Succeeded");
});

scenario("SIGTERM fails a pod that may not be run again", async ({ cluster }) => {
  await using node = await startKrustlet(cluster, {
    args: ["--x-allow-local-modules", "true", "--shutdown-grace-period", "5s"],
  });
  await using namespace = await cluster.namespace("test");
  await cluster.create(
    `/api/v1/namespaces/${namespace.name}/pods`,
    podManifest({
      name: "spin",
      nodeName: node.nodeName,
      containers: [{ image: `file:${await guest("spin")}` }],
      spec: { terminationGracePeriodSeconds: 1 },
    }),
  );
  const ref = { namespace: namespace.name, name: "spin" };
  await waitRunning(cluster, ref);
  const { code } = await node.end("SIGTERM");
  assert.equal(code, 0);
  const pod = await waitEnded(cluster, ref, "Failed");
  assert.ok(pod.status.reason ?? pod.status.containerStatuses?.[0]?.state?.terminated?.exitCode);
});

async function mustFind(node: Promise<Node | undefined>): Promise<Node> {
  const found = await node;
  assert.ok(found, "the node is registered");
  return found;
}
