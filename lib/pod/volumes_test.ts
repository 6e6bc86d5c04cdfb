import assert from "node:assert/strict";
import { podOf, World } from "./_world.ts";

Deno.test("a pod fails, with the reason, if its claim's volume is of a kind that is not here", async () => {
  await using world = await World.open();
  const pods = world.agent();
  Object.assign(world.objects, {
    storage: {
      claim: () => ({
        metadata: { uid: "c" },
        spec: { volumeName: "pv" },
        status: { phase: "Bound" },
      }),
      persistentVolume: () => ({
        metadata: { name: "pv" },
        spec: { claimRef: { uid: "c" }, nfs: { server: "x", path: "/" } },
      }),
    },
  });
  const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "disk" } }];
  const volumeMounts = [{ name: "v", mountPath: "/v" }];
  const containers = [{ name: "app", image: "spin", volumeMounts }];
  pods.apply(podOf("spin", { spec: { volumes, containers } }));
  await world.phase("web", "Failed");
  const { reason, message } = world.status("web");
  assert.equal(reason, "UnsupportedVolume");
  assert.match(message ?? "", /persistent volume "pv" is of no kind that this node can mount/);
  assert.equal(world.runs.length, 0);
  await pods.shutdown(0);
});

Deno.test("a pod that fills an emptyDir beyond its limit is evicted", async () => {
  await using world = await World.open();
  const pods = world.agent();
  const volumes = [{ name: "v", emptyDir: { sizeLimit: "1Mi" } }];
  const volumeMounts = [{ name: "v", mountPath: "/v" }];
  const containers = [{ name: "app", image: "spin", volumeMounts }];
  pods.apply(podOf("spin", { spec: { volumes, containers, restartPolicy: "Always" } }));
  await world.phase("web", "Running");
  const { hostPath = "" } = world.runs[0]?.mounts[0] ?? {};
  await Deno.writeFile(`${hostPath}/f`, new Uint8Array(2 << 20).fill(1));
  await world.phase("web", "Failed");
  const message = 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ';
  assert.equal(world.status("web").reason, "Evicted");
  assert.equal(world.status("web").message, message);
  assert.equal(world.container("web")?.state.terminated?.exitCode, 137);
  assert.ok(world.events.some((event) => event.reason === "Evicted" && event.message === message));
  await pods.shutdown(0);
  assert.equal(world.runs.length, 1);
});

/** A pod with these ConfigMaps at `/NAME`. */
function podWithMaps(...names: string[]): ReturnType<typeof podOf> {
  const volumes = [
    ...names.map((name) => ({ name, configMap: { name } })),
    {
      name: "info",
      downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] },
    },
  ];
  const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));
  return podOf("spin", {
    spec: { volumes, containers: [{ name: "app", image: "spin", volumeMounts }] },
  });
}

/** Reads a file of the first container. */
function read(world: World, path: string): string {
  const [, folder = "", ...rest] = path.split("/");
  const mount = world.runs[0]?.mounts.find(({ guestPath }) => guestPath === `/${folder}`);
  return Deno.readTextFileSync(`${mount?.hostPath}/${rest.join("/")}`);
}

Deno.test("a ConfigMap that is deleted while it is mounted keeps its last content", async () => {
  await using world = await World.open();
  const pods = world.agent();
  const maps: Record<string, string | undefined> = { one: "1", two: "1" };
  world.objects.configMap = (_namespace, name) => {
    const value = maps[name];
    return Promise.resolve(value === undefined ? undefined : { data: { key: value } });
  };
  pods.apply(podWithMaps("one", "two"));
  await world.phase("web", "Running");
  delete maps["one"];
  maps["two"] = "2";
  await world.eventually(
    "it is told",
    () =>
      world.events.some(({ reason, message }) =>
        reason === "FailedMount" && message.includes('configmap "one" not found')
      ),
  );
  assert.equal(read(world, "/one/key"), "1");
  // Its neighbour is brought up to date all the same.
  assert.equal(read(world, "/two/key"), "2");
  assert.equal(world.status("web").phase, "Running");
  await pods.shutdown(0);
  assert.equal(world.listeners, 0);
});

Deno.test("a change of an object or of the pod's labels is mounted at once", async () => {
  await using world = await World.open();
  world.refreshMs = 3_600_000;
  const pods = world.agent();
  let value = "1";
  const asked = Promise.withResolvers<void>();
  world.objects.configMap = () => {
    if (value === "2") asked.resolve();
    return Promise.resolve({ data: { key: value } });
  };
  const pod = podWithMaps("one");
  pods.apply(pod);
  await world.phase("web", "Running");
  await world.eventually("it listens", () => world.listeners === 1);
  value = "2";
  world.objectChanged();
  await asked.promise;
  pods.apply({ ...pod, metadata: { ...pod.metadata, labels: { app: "web" } } });
  const late = AbortSignal.timeout(60_000);
  const isNew = (): boolean =>
    read(world, "/one/key") === "2" && read(world, "/info/labels") === 'app="web"';
  while (!isNew() && !late.aborted) await new Promise((next) => setTimeout(next, 5));
  assert.ok(isNew());
  await pods.shutdown(0);
});
