/** What others change of pods while they run: parts of their spec, their end, their node. */
import assert from "node:assert/strict";
import { eventually } from "./harness/eventually.ts";
import { podSpec } from "./harness/manifests.ts";
import { conditionOf, type ContainerStatus, type Pod } from "./harness/objects.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import {
  getPod,
  type PodRef,
  statusOf,
  waitEnded,
  waitGone,
  waitPod,
  waitRunning,
} from "./harness/wait_pod.ts";

const scenario = useTestbed();

const podPath = ({ namespace, name }: PodRef): string =>
  `/api/v1/namespaces/${namespace}/pods/${name}`;

/** A pod that runs until it is told to end. */
async function sleeper(
  scene: Scene,
  name: string,
  spec: Record<string, unknown> = {},
): Promise<PodRef> {
  const ref = await scene.pod({
    name,
    restartPolicy: "Always",
    containers: [{ image: await scene.image("sleep") }],
    spec: { terminationGracePeriodSeconds: 0, ...spec },
  });
  await waitRunning(scene.cluster, ref);
  return ref;
}

type WithEphemeral = Pod["status"] & {
  readonly ephemeralContainerStatuses?: readonly ContainerStatus[];
};

scenario("kubectl debug adds a container to a pod that runs, once", async (scene) => {
  const ref = await sleeper(scene, "looked-into");
  const before = await getPod(scene.cluster, ref);
  const image = await scene.image("go_exerciser");
  await scene.kubectl(
    ...["debug", "looked-into", `--image=${image}`, "-c", "dbg", "--target=main", "--quiet"],
    ...["--attach=false", "--", "app", "write(lit:found it)to(stm:stdout)"],
  );
  const ephemeral = (pod: Pod): ContainerStatus | undefined =>
    (pod.status as WithEphemeral).ephemeralContainerStatuses?.find(({ name }) => name === "dbg");
  const pod = await waitPod(scene.cluster, ref, {
    to: "have run the ephemeral container",
    wanted: (found) => ephemeral(found)?.state?.terminated !== undefined,
  });
  assert.equal(ephemeral(pod)?.state?.terminated?.exitCode, 0);
  assert.match(await scene.kubectl("logs", "looked-into", "-c", "dbg"), /^found it$/m);
  assert.equal(pod.status.phase, "Running");
  assert.equal(statusOf(pod, "main").containerID, statusOf(before, "main").containerID);
  assert.equal(conditionOf(pod, "Ready")?.status, "True");
});

scenario(
  "a readiness gate keeps a pod from being ready until its condition is True",
  async (scene) => {
    const type = "example.com/traffic";
    const ref = await scene.pod({
      name: "gated",
      restartPolicy: "Always",
      containers: [{ image: await scene.image("sleep") }],
      spec: { readinessGates: [{ conditionType: type }], terminationGracePeriodSeconds: 0 },
    });
    const ready = (pod: Pod): string[] =>
      ["ContainersReady", "Ready"].map((one) => conditionOf(pod, one)?.status ?? "");
    const say = (status: string): Promise<string> =>
      scene.kubectl(
        ...["patch", "pod", "gated", "--subresource=status", "--type=strategic", "-p"],
        JSON.stringify({ status: { conditions: [{ type, status }] } }),
      );
    const gated = await waitPod(scene.cluster, ref, {
      to: "have containers that are ready",
      wanted: (pod) => ready(pod)[0] === "True",
    });
    assert.deepEqual(ready(gated), ["True", "False"]);
    assert.equal(conditionOf(gated, "Ready")?.reason, "ReadinessGatesNotReady");
    for (const status of ["True", "False"]) {
      await say(status);
      await waitPod(scene.cluster, ref, {
        to: `have Ready ${status}`,
        wanted: (pod) => ready(pod)[1] === status && conditionOf(pod, type)?.status === status,
      });
    }
  },
);

scenario("a deadline that is set on a pod that runs ends it", async (scene) => {
  const ref = await sleeper(scene, "late");
  await scene.kubectl("patch", "pod", "late", "-p", '{"spec":{"activeDeadlineSeconds":1}}');
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  assert.equal(pod.status.reason, "DeadlineExceeded");
});

scenario("every change of the spec is seen, and told by observedGeneration", async (scene) => {
  const ref = await sleeper(scene, "changed");
  for (let i = 0; i < 5; i++) {
    const toleration = { key: `key-${i}`, operator: "Exists" };
    await scene.kubectl(
      ...["patch", "pod", "changed", "--type=json", "-p"],
      JSON.stringify([{ op: "add", path: "/spec/tolerations/-", value: toleration }]),
    );
  }
  type Generations = { metadata: { generation: number }; status: { observedGeneration: number } };
  await eventually("the newest generation to be observed", async () => {
    const { metadata, status } = await scene.cluster.get<Generations>(podPath(ref));
    return metadata.generation === 6 && status.observedGeneration === 6;
  });
});

scenario("an evicted pod ends within its grace period; a budget keeps it", async (scene) => {
  const ref = await sleeper(scene, "evicted", { terminationGracePeriodSeconds: 1 });
  await scene.cluster.patch(podPath(ref), { metadata: { labels: { app: "kept" } } });
  await scene.create("/apis/policy/v1/poddisruptionbudgets", {
    metadata: { name: "keep" },
    spec: { minAvailable: 1, selector: { matchLabels: { app: "kept" } } },
  });
  const evict = async (): Promise<number> => {
    const eviction = {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name: ref.name, namespace: ref.namespace },
    };
    const answer = await scene.cluster.request("POST", `${podPath(ref)}/eviction`, eviction);
    await answer.body?.cancel();
    return answer.status;
  };
  await eventually("the budget to be known", async () => await evict() === 429);
  await scene.kubectl("delete", "pdb", "keep");
  await eventually("the eviction to be granted", async () => await evict() === 201);
  await waitGone(scene.cluster, ref, 10_000);
});

scenario(
  "a pod that is deleted by force leaves no guest; another takes its name at once",
  async (scene) => {
    const ref = await sleeper(scene, "same", { terminationGracePeriodSeconds: 3600 });
    const { metadata } = await getPod(scene.cluster, ref);
    await scene.kubectl("delete", "pod", "same", "--force", "--grace-period=0", "--wait=false");
    await waitGone(scene.cluster, ref);
    const again = await sleeper(scene, "same");
    const { uid } = (await getPod(scene.cluster, again)).metadata;
    assert.notEqual(uid, metadata.uid);
    await eventually("nothing to be left of the first", async () => {
      const folders = await Array.fromAsync(Deno.readDir(`${scene.node.dataDir}/pods`));
      const uids = folders.map(({ name }) => name);
      return uids.includes(uid ?? "") && !uids.includes(metadata.uid ?? "");
    });
  },
);

scenario("a StatefulSet's pod comes again under its name, as another pod", async (scene) => {
  const labels = { app: "set" };
  await scene.create("/apis/apps/v1/statefulsets", {
    metadata: { name: "set" },
    spec: {
      serviceName: "set",
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: podSpec({
          nodeName: scene.node.nodeName,
          restartPolicy: "Always",
          containers: [{ image: await scene.image("sleep") }],
          spec: { terminationGracePeriodSeconds: 0 },
        }),
      },
    },
  });
  const ref = { namespace: scene.namespace, name: "set-0" };
  await eventually("it to be there", () => scene.cluster.find<Pod>(podPath(ref)));
  const { metadata } = await waitRunning(scene.cluster, ref);
  await scene.kubectl("delete", "pod", "set-0", "--wait=false");
  await eventually("another to be there", async () => {
    const pod = await scene.cluster.find<Pod>(podPath(ref));
    return pod !== undefined && pod.metadata.uid !== metadata.uid;
  });
  const again = await waitRunning(scene.cluster, ref);
  assert.equal(statusOf(again, "main").restartCount, 0);
});

scenario("kubectl cordon keeps pods away, and kubectl drain empties the node", async (scene) => {
  const { cluster, node, kubectl } = scene;
  const labels = { app: "drained" };
  await scene.create("/apis/apps/v1/deployments", {
    metadata: { name: "drained" },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: podSpec({
          nodeName: node.nodeName,
          restartPolicy: "Always",
          containers: [{ image: await scene.image("sleep") }],
          spec: { terminationGracePeriodSeconds: 1, volumes: [{ name: "tmp", emptyDir: {} }] },
        }),
      },
    },
  });
  await kubectl("rollout", "status", "deployment/drained", "--timeout=60s");
  try {
    await kubectl("cordon", node.nodeName);
    await scene.pod({ name: "late", containers: [{ image: await scene.image("hello") }] });
    const output = await kubectl(
      ...["drain", node.nodeName, "--pod-selector=app=drained", "--delete-emptydir-data"],
      "--timeout=60s",
    );
    assert.match(output, /node\/\S+ drained/);
    const { items } = await cluster.get<{ items: Pod[] }>(
      `/api/v1/namespaces/${scene.namespace}/pods`,
    );
    assert.deepEqual(items.filter(({ spec }) => spec.nodeName !== undefined), []);
    assert.equal(items.length, 3, "two that replace those that were drained, and the late one");
  } finally {
    await kubectl("uncordon", node.nodeName);
  }
  await waitEnded(cluster, { namespace: scene.namespace, name: "late" }, "Succeeded");
  await kubectl("rollout", "status", "deployment/drained", "--timeout=60s");
});

scenario("hosts and hostname are a kubelet's, with the pod's aliases", async (scene) => {
  const ref = await scene.pod({
    name: "named",
    spec: { hostname: "db", hostAliases: [{ ip: "192.0.2.1", hostnames: ["foo", "bar"] }] },
    containers: [{
      image: await scene.image("go_exerciser"),
      args: ["/etc/hosts", "/etc/hostname"].flatMap((path) => [
        `read(file:${path})to(var:text)`,
        "write(var:text)to(stm:stdout)",
      ]),
    }],
  });
  const pod = await waitEnded(scene.cluster, ref, "Succeeded");
  const log = await scene.kubectl("logs", "named");
  assert.match(log, /^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/m);
  assert.ok(log.includes(`\n${pod.status.podIP}\tdb\n`), log);
  assert.match(log, /\n# Entries added by HostAliases\.\n192\.0\.2\.1\tfoo\tbar\n/);
  assert.match(log, /\ndb\n/);
});

scenario("a pod for another operating system is refused", async (scene) => {
  const ref = await scene.pod({
    name: "windows",
    containers: [{ image: await scene.image("hello") }],
    spec: { os: { name: "windows" } },
  });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  assert.equal(pod.status.reason, "PodOSNotSupported");
});

scenario(
  "a rule starts all containers of a pod again, on a node that says it can",
  async (scene) => {
    const { cluster, node } = scene;
    const { status } = await cluster.get<{ status: { declaredFeatures?: string[] } }>(
      `/api/v1/nodes/${node.nodeName}`,
    );
    assert.ok(status.declaredFeatures?.includes("RestartAllContainersOnContainerExits"));
    const ref = await scene.pod({
      name: "anew",
      initContainers: [{ name: "first", image: await scene.image("hello") }],
      containers: [{
        name: "source",
        image: await scene.image("exit_3"),
        restartPolicy: "Never",
        restartPolicyRules: [{
          action: "RestartAllContainers",
          exitCodes: { operator: "In", values: [3] },
        }],
      }, { name: "other", image: await scene.image("sleep") }],
    });
    const pod = await waitPod(cluster, ref, {
      to: "have run all again",
      wanted: (found) =>
        ["first", "source", "other"].every((name) => statusOf(found, name).restartCount > 0),
    });
    assert.equal(pod.status.phase, "Running");
    const last = statusOf(pod, "other").lastState?.terminated;
    assert.deepEqual([last?.exitCode, last?.reason], [137, "RestartingAllContainers"]);
    await scene.kubectl("delete", "pod", "anew", "--grace-period=0", "--force");
  },
);

scenario("a container's own restart rules come before its pod's policy", async (scene) => {
  const ref = await scene.pod({
    name: "ruled",
    containers: [{
      image: await scene.image("exit_3"),
      restartPolicy: "Never",
      restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [3] } }],
    }],
  });
  const pod = await waitPod(scene.cluster, ref, {
    to: "have run it again",
    wanted: (found) => (found.status.containerStatuses?.[0]?.restartCount ?? 0) > 0,
  });
  assert.equal(pod.status.phase, "Running");
});
