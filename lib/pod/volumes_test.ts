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
