import assert from "node:assert/strict";
import { KubeletError } from "../errors.ts";
import { namesIn } from "../files.ts";
import { podOf, World } from "./_world.ts";
import { removeOrphans } from "./manager.ts";
import { RecordStore } from "./record_store.ts";
import { PodVolumes } from "../volumes/volumes.ts";

const deleted = (pod: ReturnType<typeof podOf>, seconds = 0): ReturnType<typeof podOf> => ({
  ...pod,
  metadata: {
    ...pod.metadata,
    deletionTimestamp: "2026-11-21T12:00:00Z",
    deletionGracePeriodSeconds: seconds,
  },
});

Deno.test("PodManager runs a pod to its end and reports the guest's own exit code", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.sync([podOf("ok", { name: "good" }), podOf("three", { name: "bad" })]);
  await world.phase("good", "Succeeded");
  await world.phase("bad", "Failed");
  assert.equal(world.container("good")?.state.terminated?.reason, "Completed");
  assert.equal(world.container("bad")?.state.terminated?.exitCode, 3);
  assert.match(world.container("bad")?.containerID ?? "", /^fake:\/\/[0-9a-f]{64}$/);
  assert.deepEqual(
    world.events.filter(({ object }) => object.name === "good").map(({ reason }) => reason),
    ["Pulled", "Created", "Started"],
  );
  await agent.shutdown(0);
});

Deno.test("PodManager tells a trap with its stack, and a defect of the runtime as no exit", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.sync([podOf("trap", { name: "trap" }), podOf("broken", { name: "broken" })]);
  await world.phase("trap", "Failed");
  await world.phase("broken", "Failed");
  const trapped = world.container("trap")?.state.terminated;
  assert.deepEqual([trapped?.exitCode, trapped?.message], [134, "unreachable\n  at main"]);
  const broken = world.container("broken")?.state.terminated;
  assert.deepEqual([broken?.exitCode, broken?.reason], [128, "StartError"]);
  assert.match(broken?.message ?? "", /a defect/);
  await agent.shutdown(0);
});

Deno.test("PodManager restarts at once, then backs off, and counts", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.sync([podOf("three", { spec: { restartPolicy: "Always" } })]);
  await world.eventually(
    "it backs off",
    () => world.container("web")?.state.waiting?.reason === "CrashLoopBackOff",
  );
  const app = world.container("web");
  assert.equal(app?.restartCount, 1);
  assert.equal(app?.lastState.terminated?.exitCode, 3);
  assert.match(app?.state.waiting?.message ?? "", /^back-off 10s restarting failed container=app/);
  assert.equal(world.status("web").phase, "Running");
  await agent.shutdown(0);
});

Deno.test("PodManager ends a pod that is deleted, and leaves nothing on disk", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const pod = podOf("spin");
  agent.apply(pod);
  await world.phase("web", "Running");
  agent.apply(deleted(pod));
  await world.eventually("it is released", () => world.released.includes("web"));
  agent.remove(pod);
  await agent.shutdown(0);
  assert.equal(world.container("web")?.state.terminated?.exitCode, 137);
  assert.deepEqual(await namesIn(`${world.dir}/pods`), []);
  assert.deepEqual(await namesIn(`${world.dir}/logs`), []);
});

Deno.test("PodManager lets a guest use its grace period, and no more of it than it needs", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const pod = podOf("polite");
  agent.apply(pod);
  await world.phase("web", "Running");
  agent.apply(deleted(pod, 3600));
  await world.eventually("it is released", () => world.released.includes("web"));
  assert.equal(world.container("web")?.state.terminated?.exitCode, 0);
  await agent.shutdown(0);
});

Deno.test("PodManager shortens a grace period when it is told to", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const pod = podOf("spin");
  agent.apply(pod);
  await world.phase("web", "Running");
  agent.apply(deleted(pod, 3600));
  await world.eventually(
    "it is told",
    () => world.events.some(({ reason }) => reason === "Killing"),
  );
  agent.apply(deleted(pod, 0));
  await world.eventually("it is released", () => world.released.includes("web"));
  await agent.shutdown(0);
});

Deno.test("PodManager does not run what has ended again after a restart of the agent", async () => {
  await using world = await World.open();
  const first = world.agent();
  first.sync([podOf("ok")]);
  await world.phase("web", "Succeeded");
  await first.shutdown(0);
  const second = world.agent();
  second.sync([podOf("ok")]);
  await second.shutdown(0);
  assert.equal(world.runs.length, 1);
  assert.equal(world.status("web").phase, "Succeeded");
});

Deno.test("PodManager goes on counting after the agent was killed, and no phase goes back", async () => {
  await using world = await World.open();
  const spinning = podOf("spin", { spec: { restartPolicy: "Always" } });
  const killed = world.agent();
  killed.apply(spinning);
  await world.phase("web", "Running");
  const said = world.said.length;
  const next = world.agent();
  next.apply(spinning);
  await world.eventually("it runs again", () => world.runs.length === 2);
  await world.eventually("it says so", () => world.container("web")?.restartCount === 1);
  assert.equal(world.container("web")?.lastState.terminated?.reason, "ContainerStatusUnknown");
  assert.ok(world.said.slice(said).every(({ status }) => status.phase === "Running"));
  await next.shutdown(0);
  await killed.shutdown(0);
});

Deno.test("PodManager takes the cluster's word when its own memory is lost", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const ended = { ...podOf("ok", { name: "ended" }), status: { phase: "Failed" as const } };
  const counted = podOf("spin", { name: "counted", spec: { restartPolicy: "Always" } });
  const status = {
    phase: "Running" as const,
    containerStatuses: [{
      name: "app",
      image: "spin",
      imageID: "",
      ready: true,
      restartCount: 7,
      state: { running: { startedAt: "2026-11-21T12:00:00Z" } },
      lastState: {},
    }],
  };
  agent.sync([ended, { ...counted, status }]);
  await world.eventually("it runs again", () => world.runs.length === 1);
  await world.eventually("it counts on", () => world.container("counted")?.restartCount === 8);
  assert.deepEqual(world.runs.map(({ pod }) => pod.name), ["counted"]);
  await agent.shutdown(0);
});

Deno.test("PodManager fails a pod once that can never run here", async () => {
  await using world = await World.open();
  world.missing.set(
    "linux",
    new KubeletError("image_pull", "it is a Linux image", { reason: "UnsupportedImage" }),
  );
  const agent = world.agent();
  agent.sync([
    podOf("linux", { name: "image" }),
    podOf("ok", { name: "pid", spec: { hostPID: true } }),
  ]);
  await world.phase("image", "Failed");
  await world.phase("pid", "Failed");
  assert.equal(world.status("image").reason, "UnsupportedImage");
  assert.match(world.status("image").message ?? "", /it is a Linux image/);
  assert.equal(world.status("pid").reason, "HostPIDNotSupported");
  assert.equal(world.runs.length, 0);
  await agent.shutdown(0);
});

Deno.test("PodManager slows down an owner whose pods can never run here", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const owned = (name: string): ReturnType<typeof podOf> => {
    const pod = podOf("ok", { name, spec: { hostPID: true } });
    const owner = {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      name: "web",
      uid: "o",
      controller: true,
    };
    return { ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } };
  };
  agent.apply(owned("first"));
  await world.phase("first", "Failed");
  agent.apply(owned("second"));
  await world.phase("second", "Pending");
  assert.equal(world.container("second")?.state.waiting?.reason, "HostPIDNotSupported");
  agent.apply(deleted(owned("second")));
  await world.eventually("it is released", () => world.released.includes("second"));
  await agent.shutdown(0);
});

Deno.test("PodManager runs init containers in order, and fails the pod with the one that fails", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const init = (...guests: string[]) => guests.map((image, i) => ({ name: `init-${i}`, image }));
  agent.sync([
    podOf("ok", { name: "good", spec: { initContainers: init("ok", "ok") } }),
    podOf("ok", { name: "bad", spec: { initContainers: init("three", "ok") } }),
  ]);
  await world.phase("good", "Succeeded");
  await world.phase("bad", "Failed");
  const order = (name: string) =>
    world.runs.filter(({ pod }) => pod.name === name).map(({ container }) => container);
  assert.deepEqual(order("good"), ["init-0", "init-1", "app"]);
  assert.deepEqual(order("bad"), ["init-0"]);
  assert.match(
    world.status("bad").message ?? "",
    /Init container "init-0" failed with exit code 3/,
  );
  await agent.shutdown(0);
});

Deno.test("PodManager runs a sidecar beside the containers, and no longer than they do", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const sidecar = { name: "side", image: "polite", restartPolicy: "Always" };
  agent.apply(podOf("ok", { spec: { initContainers: [sidecar] } }));
  await world.phase("web", "Succeeded");
  assert.deepEqual(world.runs.map(({ container }) => container), ["side", "app"]);
  assert.equal(world.container("web", "side")?.state.terminated?.exitCode, 0);
  await agent.shutdown(0);
});

Deno.test("PodManager waits for a ConfigMap that a container names", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const env = [{ name: "A", valueFrom: { configMapKeyRef: { name: "later", key: "a" } } }];
  agent.apply(podOf("ok", { spec: { containers: [{ name: "app", image: "ok", env }] } }));
  await world.eventually(
    "it says what is missing",
    () => world.container("web")?.state.waiting?.reason === "CreateContainerConfigError",
  );
  assert.match(world.container("web")?.state.waiting?.message ?? "", /configmap "later" not found/);
  world.objects.configMap = () => Promise.resolve({ data: { a: "1" } });
  await world.phase("web", "Succeeded");
  assert.equal(world.runs[0]?.env["A"], "1");
  await agent.shutdown(0);
});

Deno.test("PodManager keeps the volumes of a running pod as new as their sources", async () => {
  await using world = await World.open();
  const agent = world.agent();
  let value = "old";
  world.objects.configMap = () => Promise.resolve({ data: { key: value } });
  const volumeMounts = [{ name: "v", mountPath: "/v" }];
  agent.apply(podOf("spin", {
    spec: {
      volumes: [{ name: "v", configMap: { name: "settings" } }],
      containers: [{ name: "app", image: "spin", volumeMounts }],
    },
  }));
  await world.phase("web", "Running");
  const folder = world.runs[0]?.mounts[0]?.hostPath ?? "";
  const read = (): string => Deno.readTextFileSync(`${folder}/key`);
  assert.equal(read(), "old");
  value = "new";
  const limitMs = Date.now() + 5_000;
  while (read() === "old" && Date.now() < limitMs) await new Promise((next) => setTimeout(next, 5));
  assert.equal(read(), "new");
  await agent.shutdown(0);
});

Deno.test("PodManager fails a pod that meets a defect, and lets it be deleted", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const broken = podOf("ok", { spec: { hostPID: true } });
  // A validation that throws anything but a rejection is a defect.
  Object.defineProperty(broken.spec, "hostPID", {
    get: () => {
      throw new TypeError("a defect");
    },
  });
  agent.apply(broken);
  await world.phase("web", "Failed");
  assert.equal(world.status("web").reason, "InternalError");
  agent.apply(deleted(podOf("ok")));
  await world.eventually("it is released", () => world.released.includes("web"));
  await agent.shutdown(0);
});

Deno.test("PodManager.shutdown() ends although the API server is away", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const asked = Promise.withResolvers<void>();
  world.release = () => {
    asked.resolve();
    return new Promise<void>(() => {});
  };
  agent.apply(deleted(podOf("ok")));
  await asked.promise;
  await agent.shutdown(0);
});

Deno.test("PodManager ends a pod at its deadline", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.apply(podOf("polite", { spec: { activeDeadlineSeconds: 0 } }));
  await world.phase("web", "Failed");
  assert.equal(world.status("web").reason, "DeadlineExceeded");
  await agent.shutdown(0);
});

Deno.test("removeOrphans() removes what nobody owns, and nothing else", async () => {
  await using world = await World.open();
  const podsDir = `${world.dir}/pods`;
  const logsDir = `${world.dir}/logs`;
  for (const uid of ["kept", "gone"]) {
    await Deno.mkdir(`${podsDir}/${uid}`, { recursive: true });
    await Deno.mkdir(`${logsDir}/default_web_${uid}/app`, { recursive: true });
  }
  const facts = { nodeName: "n", hostIPs: [], podIPs: [], allocatable: {} };
  await removeOrphans({
    podsDir,
    logsDir,
    volumes: new PodVolumes({ podsDir, objects: world.objects, facts }),
    records: new RecordStore(podsDir, (message) => world.trouble.push(message)),
  }, new Set(["kept"]));
  assert.deepEqual(await namesIn(podsDir), ["kept"]);
  assert.deepEqual(await namesIn(logsDir), ["default_web_kept"]);
  assert.deepEqual(world.trouble, []);
});
