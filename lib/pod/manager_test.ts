import assert from "node:assert/strict";
import { KubeletError } from "../errors.ts";
import { namesIn } from "../files.ts";
import { deleted, podOf, World } from "./_world.ts";

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
  assert.equal(world.status("pid").reason, "HostNamespaceNotSupported");
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
  assert.equal(world.container("second")?.state.waiting?.reason, "HostNamespaceNotSupported");
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
  const limitMs = performance.now() + 60_000;
  while (read() === "old" && performance.now() < limitMs) {
    await new Promise((next) => setTimeout(next, 5));
  }
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

Deno.test("PodManager fails a pod once its good containers have ended, and never goes back", async () => {
  await using world = await World.open();
  const unsupported = new KubeletError("image_pull", "a Linux image", {
    reason: "UnsupportedImage",
  });
  const agent = world.agent();
  const mixed = (name: string): ReturnType<typeof podOf> => {
    const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name, uid: "o", controller: true };
    const containers = [{ name: "app", image: "spin" }, { name: "side", image: "linux" }];
    const pod = podOf("spin", { name, spec: { containers, terminationGracePeriodSeconds: 0 } });
    return { ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } };
  };
  world.missing.set("linux", unsupported);
  for (const name of ["first", "second"]) {
    const gate = Promise.withResolvers<void>();
    world.gates.set("linux", gate.promise);
    agent.apply(mixed(name));
    await world.eventually("it runs", () => world.container(name)?.state.running !== undefined);
    gate.resolve();
    await world.phase(name, "Failed");
    const phases = world.said.filter(({ pod }) => pod.name === name).map(({ status }) =>
      status.phase
    );
    assert.ok(!phases.slice(phases.indexOf("Failed")).includes("Pending"), phases.join(" "));
    assert.equal(world.container(name)?.state.terminated?.exitCode, 137);
    assert.equal(world.status(name).reason, "UnsupportedImage");
  }
  await agent.shutdown(0);
});

Deno.test("PodManager takes a run for lost that may have begun when the agent was killed", async () => {
  await using world = await World.open();
  const killed = world.agent();
  killed.apply(podOf("booting"));
  await world.eventually("it is about to begin", () => world.runs.length === 1);
  const next = world.agent();
  next.apply(podOf("booting"));
  await world.phase("web", "Failed");
  assert.equal(world.runs.length, 1);
  assert.equal(world.container("web")?.state.terminated?.reason, "ContainerStatusUnknown");
  await next.shutdown(0);
  await killed.shutdown(0);
});

Deno.test("PodManager leaves a run to the next agent that it was told to stop before it began", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.apply(podOf("booting"));
  await world.eventually("it is about to begin", () => world.runs.length === 1);
  await agent.shutdown(0);
  assert.equal(world.container("web")?.state.terminated, undefined);
  const next = world.agent();
  next.apply(podOf("booting"));
  await world.eventually("it is tried again", () => world.runs.length === 2);
  await next.shutdown(0);
});

Deno.test("PodManager tries again what this machine could not start", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.apply(podOf("heavy"));
  await world.eventually(
    "it says why",
    () => world.container("web")?.state.waiting?.reason === "CreateContainerError",
  );
  await world.phase("web", "Succeeded");
  assert.equal(world.container("web")?.restartCount, 0);
  await agent.shutdown(0);
});

Deno.test("PodManager does not hold stops of the agent against a container", async () => {
  await using world = await World.open();
  const pod = podOf("spin", { spec: { restartPolicy: "Always" } });
  for (let starts = 1; starts <= 4; starts++) {
    const agent = world.agent();
    agent.apply(pod);
    await world.eventually(
      "it runs",
      () => world.runs.length === starts && world.container("web")?.state.running !== undefined,
    );
    await agent.shutdown(0);
  }
  assert.equal(world.container("web")?.restartCount, 3);
});

Deno.test("PodManager counts a month of grace as a month", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const pod = podOf("spin");
  agent.apply(pod);
  await world.phase("web", "Running");
  agent.apply(deleted(pod, 2_592_000));
  await world.eventually(
    "it is told",
    () => world.events.some(({ reason }) => reason === "Killing"),
  );
  await new Promise((next) => setTimeout(next, 20));
  assert.deepEqual(world.released, []);
  await agent.shutdown(0);
});

Deno.test("PodManager lets a deadline fail only what has not ended", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.apply(podOf("ok", { name: "quick", spec: { activeDeadlineSeconds: 3 } }));
  const slow = podOf("spin", { name: "slow", spec: { activeDeadlineSeconds: 3 } });
  agent.apply(slow);
  await world.phase("quick", "Succeeded");
  await world.eventually(
    "the deadline passes",
    () => world.events.some(({ reason }) => reason === "DeadlineExceeded"),
  );
  agent.apply(deleted(slow));
  await world.eventually("it is released", () => world.released.includes("slow"));
  assert.equal(world.status("slow").phase, "Failed");
  assert.equal(world.status("quick").reason, undefined);
  assert.equal(world.events.filter(({ reason }) => reason === "DeadlineExceeded").length, 1);
  await agent.shutdown(0);
});

Deno.test("PodManager ends a pod that the cluster has declared dead", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const pod = podOf("spin", {
    spec: { restartPolicy: "Always", terminationGracePeriodSeconds: 0 },
  });
  agent.apply(pod);
  await world.phase("web", "Running");
  agent.apply({ ...pod, status: { phase: "Failed", reason: "NodeLost" } });
  await world.phase("web", "Failed");
  assert.equal(world.status("web").reason, "NodeLost");
  assert.equal(world.container("web")?.state.terminated?.exitCode, 137);
  await agent.shutdown(0);
});
