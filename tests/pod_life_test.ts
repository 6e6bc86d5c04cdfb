/** What becomes of pods, as kubectl sees it. */
import assert from "node:assert/strict";
import { eventually } from "./harness/eventually.ts";
import { podSpec } from "./harness/manifests.ts";
import { conditionOf, type Pod } from "./harness/objects.ts";
import { useTestbed } from "./harness/testbed.ts";
import {
  eventsOf,
  statusOf,
  waitEnded,
  waitEvent,
  waitGone,
  waitPod,
  waitRunning,
} from "./harness/wait_pod.ts";

const scenario = useTestbed();

scenario(
  "a pod that says hello succeeds, and kubectl logs shows its exact words",
  async (scene) => {
    const { cluster } = scene;
    const ref = await scene.pod({
      name: "hello",
      containers: [{ image: await scene.image("hello") }],
    });
    const pod = await waitEnded(cluster, ref, "Succeeded");
    assert.equal(await scene.kubectl("logs", "hello"), "Hello, world!\n");
    const { state, ready, restartCount, containerID, imageID } = statusOf(pod, "main");
    assert.equal(state?.terminated?.exitCode, 0);
    assert.equal(state?.terminated?.reason, "Completed");
    assert.equal(state?.terminated?.containerID, containerID);
    assert.match(containerID ?? "", /^[a-z-]+:\/\/[0-9a-f]{64}$/);
    assert.match(imageID, /@sha256:[0-9a-f]{64}$/);
    assert.equal(ready, false);
    assert.equal(restartCount, 0);
    assert.ok(Date.parse(state?.terminated?.startedAt ?? "") > 0);
  },
);

scenario("a finished pod has the conditions, addresses and class of one", async (scene) => {
  const ref = await scene.pod({
    name: "hello",
    containers: [{ image: await scene.image("hello") }],
  });
  const pod = await waitEnded(scene.cluster, ref, "Succeeded");
  const conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => [
    type,
    conditionOf(pod, type)?.status,
    conditionOf(pod, type)?.reason ?? "",
  ]);
  assert.deepEqual(conditions, [
    ["PodScheduled", "True", ""],
    ["Initialized", "True", "PodCompleted"],
    ["ContainersReady", "False", "PodCompleted"],
    ["Ready", "False", "PodCompleted"],
  ]);
  assert.ok(conditionOf(pod, "Ready")?.lastTransitionTime);
  assert.equal(pod.status.hostIP, scene.node.nodeIp);
  assert.equal(pod.status.qosClass, "BestEffort");
  assert.ok(pod.status.startTime);
});

scenario("a kubelet's events tell a pod's story in order", async (scene) => {
  const ref = await scene.pod({
    name: "story",
    containers: [{ image: await scene.image("exit_42") }],
  });
  await waitEnded(scene.cluster, ref, "Failed");
  for (const reason of ["Scheduled", "Pulling", "Pulled", "Created", "Started"]) {
    await waitEvent(scene.cluster, ref, { reason });
  }
  const started = await waitEvent(scene.cluster, ref, { reason: "Started" });
  assert.equal(started.source?.component, "kubelet");
  assert.equal(started.source?.host, scene.node.nodeName);
});

scenario("proc_exit(3) is Failed with exit code 3", async (scene) => {
  const ref = await scene.pod({
    name: "three",
    containers: [{ image: await scene.image("exit_3") }],
  });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  assert.equal(statusOf(pod, "main").state?.terminated?.exitCode, 3);
  assert.equal(statusOf(pod, "main").state?.terminated?.reason, "Error");
});

scenario("a trap is exit code 134 and its message holds the Wasm stack", async (scene) => {
  const ref = await scene.pod({ name: "trap", containers: [{ image: await scene.image("trap") }] });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  const terminated = statusOf(pod, "main").state?.terminated;
  assert.equal(terminated?.exitCode, 134);
  assert.match(terminated?.message ?? "", /unreachable/);
  assert.match(terminated?.message ?? "", /break_the_glass[\s\S]*handle_request/);
});

scenario("a stack overflow ends its container and nothing else", async (scene) => {
  const ref = await scene.pod({
    name: "deep",
    containers: [{ image: await scene.image("stack_overflow") }],
  });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  assert.equal(statusOf(pod, "main").state?.terminated?.exitCode, 134);
  assert.equal(scene.node.process.ending, undefined);
});

scenario("a guest that eats memory is OOMKilled at its limit", async (scene) => {
  const ref = await scene.pod({
    name: "hungry",
    containers: [{
      image: await scene.image("eat_memory"),
      resources: { limits: { memory: "64Mi" } },
    }],
  });
  const pod = await waitEnded(scene.cluster, ref, "Failed", 60_000);
  const terminated = statusOf(pod, "main").state?.terminated;
  assert.equal(terminated?.reason, "OOMKilled");
  assert.equal(terminated?.exitCode, 137);
});

scenario("a module without _start and one with unknown imports are start errors", async (scene) => {
  for (const guest of ["no_start", "unknown_import"]) {
    const name = guest.replace("_", "-");
    const ref = await scene.pod({ name, containers: [{ image: await scene.image(guest) }] });
    const pod = await waitEnded(scene.cluster, ref, "Failed");
    const terminated = statusOf(pod, "main").state?.terminated;
    assert.equal(terminated?.reason, "StartError");
    assert.match(terminated?.message ?? "", guest === "no_start" ? /_start/ : /launch_missiles/);
  }
});

scenario("init containers run one after the other, before the others", async (scene) => {
  const image = await scene.image("go_exerciser");
  const volumeMounts = [{ name: "hp", mountPath: "/hp" }];
  const args = (...commands: string[]): Record<string, unknown> => ({
    image,
    volumeMounts,
    args: commands,
  });
  const ref = await scene.pod({
    name: "init",
    spec: { volumes: [{ name: "hp", emptyDir: {} }] },
    initContainers: [
      { name: "init-1", image, ...args("write(lit:slats)to(file:/hp/floofycat.txt)") },
      {
        name: "init-2",
        image,
        ...args(
          "assert_exists(file:/hp/floofycat.txt)",
          "write(lit:kiki)to(file:/hp/neatcat.txt)",
        ),
      },
    ],
    containers: [{
      image,
      ...args(
        "assert_exists(file:/hp/neatcat.txt)",
        "read(file:/hp/floofycat.txt)to(var:fcat)",
        "assert_value(var:fcat)is(lit:slats)",
        "write(var:fcat)to(stm:stdout)",
      ),
    }],
  });
  const { status } = await waitEnded(scene.cluster, ref, "Succeeded");
  assert.match(await scene.kubectl("logs", "init"), /^slats$/m);
  assert.deepEqual(status.initContainerStatuses?.map(({ name }) => name), ["init-1", "init-2"]);
  assert.deepEqual(status.containerStatuses?.map(({ name }) => name), ["main"]);
  for (const { state } of status.initContainerStatuses ?? []) {
    assert.equal(state?.terminated?.reason, "Completed");
  }
});

scenario("a failing init container fails the pod, and its log can be read", async (scene) => {
  const image = await scene.image("go_exerciser");
  const ref = await scene.pod({
    name: "init-fails",
    initContainers: [{
      name: "init-that-fails",
      image,
      args: ["assert_exists(file:/nope.nope.nope.txt)"],
    }],
    containers: [{ image, args: ["assert_exists(file:/also.nope.txt)"] }],
  });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  assert.equal(statusOf(pod, "init-that-fails").state?.terminated?.exitCode, 1);
  assert.equal(statusOf(pod, "main").state?.waiting?.reason, "PodInitializing");
  assert.equal(conditionOf(pod, "Initialized")?.status, "False");
  assert.match(
    await scene.kubectl("logs", "init-fails", "-c", "init-that-fails"),
    /ERR: Failed with File \/nope\.nope\.nope\.txt was expected to exist but did not/,
  );
});

scenario("a module that ends with an error is Failed with its code and words", async (scene) => {
  const ref = await scene.pod({
    name: "error",
    containers: [{
      image: await scene.image("go_exerciser"),
      args: ["assert_exists(file:/nope.nope.nope.txt)"],
    }],
  });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  assert.equal(statusOf(pod, "main").state?.terminated?.exitCode, 1);
  assert.match(
    await scene.kubectl("logs", "error"),
    /ERR: Failed with File \/nope\.nope\.nope\.txt was expected to exist but did not/,
  );
});

scenario("every language's program gets its arguments and its environment", async (scene) => {
  const guests = ["go_hello", "assemblyscript_hello"];
  for (const guest of guests) {
    const name = guest.replaceAll("_", "-");
    const ref = await scene.pod({
      name,
      containers: [{
        image: await scene.image(guest),
        args: ["arg1", "arg2"],
        env: [{ name: "FOO", value: "bar" }, { name: "AND", value: "$(FOO) again" }],
      }],
      // The variables of Services are not what is looked at here.
      spec: { enableServiceLinks: false },
    });
    await waitEnded(scene.cluster, ref, "Succeeded");
    const logs = await scene.kubectl("logs", name);
    assert.match(logs, /^hello from stdout!$/m);
    assert.match(logs, /^hello from stderr!$/m);
    assert.match(logs, /^FOO=bar$/m);
    assert.match(logs, /^AND=bar again$/m);
    assert.match(logs, /^Args are: \["?arg1"?[, ]+"?arg2"?\]$/m);
  }
});

scenario("a crash loop shows CrashLoopBackOff and counts its restarts", async (scene) => {
  const ref = await scene.pod({
    name: "loop",
    restartPolicy: "Always",
    containers: [{ image: await scene.image("exit_42") }],
  });
  const looping = (restarts: number) => (pod: Pod): boolean =>
    pod.status.containerStatuses?.[0]?.state?.waiting?.reason === "CrashLoopBackOff" &&
    pod.status.containerStatuses[0].restartCount >= restarts;
  await waitPod(scene.cluster, ref, { to: "loop", wanted: looping(1) });
  // The second back-off is 20 s, behind a first of 10 s.
  const pod = await waitPod(scene.cluster, ref, {
    to: "loop again",
    wanted: looping(2),
    withinMs: 45_000,
  });
  assert.equal(pod.status.phase, "Running");
  const { lastState, state } = statusOf(pod, "main");
  assert.equal(lastState?.terminated?.exitCode, 42);
  assert.match(state?.waiting?.message ?? "", /back-off 20s/);
  await waitEvent(scene.cluster, ref, { reason: "BackOff" });
});

scenario("OnFailure runs a container again until it succeeds", async (scene) => {
  const image = await scene.image("go_exerciser");
  const ref = await scene.pod({
    name: "on-failure",
    restartPolicy: "OnFailure",
    spec: { volumes: [{ name: "v", emptyDir: {} }] },
    containers: [
      {
        name: "tries",
        image,
        volumeMounts: [{ name: "v", mountPath: "/v" }],
        args: ["assert_exists(file:/v/ready)"],
      },
      {
        name: "helps",
        image,
        volumeMounts: [{ name: "v", mountPath: "/v" }],
        args: ["sleep(2000)", "write(lit:yes)to(file:/v/ready)"],
      },
    ],
  });
  const pod = await waitEnded(scene.cluster, ref, "Succeeded", 60_000);
  assert.ok(statusOf(pod, "tries").restartCount >= 1);
  assert.equal(statusOf(pod, "helps").restartCount, 0);
});

scenario("kubectl delete ends an endless loop within its grace period", async (scene) => {
  const ref = await scene.pod({
    name: "spin",
    restartPolicy: "Always",
    containers: [{ image: await scene.image("spin") }],
  });
  await waitRunning(scene.cluster, ref);
  const startMs = performance.now();
  await scene.kubectl("delete", "pod", "spin", "--grace-period=2", "--wait=false");
  await waitGone(scene.cluster, ref);
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs < 3_500, `it took ${Math.round(tookMs)} ms`);
});

scenario("activeDeadlineSeconds fails a pod that takes too long", async (scene) => {
  const ref = await scene.pod({
    name: "late",
    spec: { activeDeadlineSeconds: 2, terminationGracePeriodSeconds: 1 },
    containers: [{ image: await scene.image("sleep") }],
  });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  assert.equal(pod.status.reason, "DeadlineExceeded");
});

scenario("a Deployment of 3 becomes available, scales to 0 and leaves nothing", async (scene) => {
  const labels = { app: "sleepers" };
  const before = await podFolders(scene.node.dataDir);
  await scene.create("/apis/apps/v1/deployments", {
    metadata: { name: "sleepers" },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: podSpec({
          nodeName: scene.node.nodeName,
          restartPolicy: "Always",
          containers: [{ image: await scene.image("sleep") }],
          spec: { terminationGracePeriodSeconds: 1 },
        }),
      },
    },
  });
  await scene.kubectl("rollout", "status", "deployment/sleepers", "--timeout=60s");
  await scene.kubectl("scale", "deployment/sleepers", "--replicas=0");
  await eventually("all pods to be gone", async () => {
    const path = `/api/v1/namespaces/${scene.namespace}/pods`;
    return (await scene.cluster.get<{ items: unknown[] }>(path)).items.length === 0;
  });
  await eventually("all folders to be gone", async () => {
    const left = (await podFolders(scene.node.dataDir)).filter((path) => !before.includes(path));
    if (left.length > 0) throw new Error(left.join(", "));
    return true;
  });
});

scenario("a Job completes", async (scene) => {
  await scene.create("/apis/batch/v1/jobs", {
    metadata: { name: "job" },
    spec: {
      completions: 3,
      parallelism: 2,
      template: {
        spec: podSpec({
          nodeName: scene.node.nodeName,
          containers: [{ image: await scene.image("hello") }],
        }),
      },
    },
  });
  await scene.kubectl("wait", "--for=condition=complete", "job/job", "--timeout=60s");
  assert.match(await scene.kubectl("logs", "job/job"), /Hello, world!/);
});

scenario("a pod that can never run here fails once and says why", async (scene) => {
  const image = await scene.image("hello");
  const hopeless = [
    { name: "privileged", containers: [{ image, securityContext: { privileged: true } }] },
    { name: "host-pid", containers: [{ image }], spec: { hostPID: true } },
  ];
  for (const wish of hopeless) {
    const ref = await scene.pod(wish);
    const pod = await waitEnded(scene.cluster, ref, "Failed");
    assert.ok(pod.status.reason, "a stable reason");
    assert.match(pod.status.message ?? "", wish.name === "privileged" ? /privileged/i : /hostPID/i);
    const reasons = (await eventsOf(scene.cluster, ref)).map(({ reason }) => reason);
    assert.ok(!reasons.includes("Started"), reasons.join(", "));
  }
});

/** What the agent keeps for pods: their folders and their logs. */
async function podFolders(dataDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ["pods", "logs"]) {
    for await (const { name } of Deno.readDir(`${dataDir}/${folder}`)) {
      found.push(`${folder}/${name}`);
    }
  }
  return found;
}
