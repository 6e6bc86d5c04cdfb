/** What kubectl logs shows. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { eventually } from "./harness/eventually.ts";
import { startProcess } from "./harness/processes.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { useTestbed } from "./harness/testbed.ts";
import { waitEnded, waitPod, waitRunning } from "./harness/wait_pod.ts";
import { kubernetesProgram } from "./parts/kubernetes.ts";

const scenario = useTestbed();

scenario("each container has a log of its own", async (scene) => {
  const image = await scene.image("go_exerciser");
  const ref = await scene.pod({
    name: "cats",
    containers: [
      { name: "floofycat", image, args: ["write(lit:slats)to(stm:stdout)"] },
      { name: "neatcat", image, args: ["write(lit:kiki)to(stm:stderr)"] },
    ],
  });
  await waitEnded(scene.cluster, ref, "Succeeded");
  assert.match(await scene.kubectl("logs", "cats", "-c", "floofycat"), /^slats$/m);
  assert.match(await scene.kubectl("logs", "cats", "-c", "neatcat"), /^kiki$/m);
  assert.doesNotMatch(await scene.kubectl("logs", "cats", "-c", "neatcat"), /slats/);
  await assert.rejects(scene.kubectl("logs", "cats", "-c", "nocat"), /nocat/);
});

scenario("logs -f shows lines as they come and ends with the container", async (scene) => {
  const ref = await scene.pod({
    name: "ticks",
    containers: [{ image: await scene.image("ticks") }],
  });
  await waitRunning(scene.cluster, ref);
  const startMs = performance.now();
  const logs = await scene.kubectl("logs", "-f", "ticks");
  assert.equal(logs, "tick\n".repeat(30));
  assert.ok(performance.now() - startMs > 1_000, "it followed a container that still ran");
});

scenario("--tail, --timestamps, --limit-bytes and --since choose", async (scene) => {
  const args = Array.from({ length: 20 }, (_, n) => `write(lit:line ${n})to(stm:stdout)`);
  const ref = await scene.pod({
    name: "lines",
    containers: [{ image: await scene.image("go_exerciser"), args }],
  });
  await waitEnded(scene.cluster, ref, "Succeeded");
  const lines = async (...flags: string[]): Promise<string[]> =>
    (await scene.kubectl("logs", "lines", ...flags)).trimEnd().split("\n");
  assert.deepEqual((await lines("--tail=3")).slice(0, 2), ["line 18", "line 19"]);
  assert.match((await lines("--timestamps"))[1] ?? "", /^\d{4}-\d\d-\d\dT[\d:.]+Z line 0$/);
  assert.equal((await scene.kubectl("logs", "lines", "--limit-bytes=10")).length, 10);
  assert.equal(await scene.kubectl("logs", "lines", "--tail=0"), "");
  assert.equal((await lines("--since=1h")).length, 22);
});

scenario("logs -f loses and doubles no line of a million, across rotations", async (scene) => {
  const count = 1_000_000;
  await using host = await tempFolder();
  const ref = await scene.pod({
    name: "lines",
    spec: { volumes: [{ name: "host", hostPath: { path: host.path } }] },
    containers: [{
      image: await scene.image("go_lines"),
      args: ["/host/go", `${count}`],
      volumeMounts: [{ name: "host", mountPath: "/host" }],
    }],
  });
  await waitRunning(scene.cluster, ref);
  const [kubectl, ...words] = await kubernetesProgram("kubectl");
  const follow = ["-n", scene.namespace, "logs", "-f", "lines"];
  await using out = await tempFolder();
  await using follower = await startProcess([kubectl, ...words, ...follow], {
    name: "kubectl logs -f",
    logPath: join(out.path, "out"),
    env: { KUBECONFIG: scene.cluster.kubeconfig },
  });
  await eventually("the follower to be there", async () => await follower.log() === "waiting\n");
  await Deno.writeTextFile(join(host.path, "go"), "");
  assert.deepEqual(await follower.ended, { code: 0, signal: null });
  await waitEnded(scene.cluster, ref, "Succeeded");
  const lines = (await follower.log()).trimEnd().split("\n");
  assert.equal(lines.length, count + 1);
  const rest = ` ${".".repeat(90)}`;
  const wrong = lines.slice(1).findIndex((line, i) => line !== `${i}`.padStart(8, "0") + rest);
  assert.equal(wrong, -1, `line ${wrong}: ${lines[wrong + 1]}`);
});

scenario("--previous shows the run before", async (scene) => {
  const ref = await scene.pod({
    name: "again",
    restartPolicy: "Always",
    containers: [{
      image: await scene.image("go_exerciser"),
      args: ["write(lit:one life)to(stm:stdout)", "assert_exists(file:/nope)"],
    }],
  });
  await waitPod(scene.cluster, ref, {
    to: "be restarted",
    wanted: ({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) >= 1,
  });
  assert.match(await scene.kubectl("logs", "--previous", "again"), /one life/);
});

scenario(
  "the log of a pod that is not there, or has not begun, is a clear error",
  async (scene) => {
    await assert.rejects(scene.kubectl("logs", "nobody"), /not found/);
    await scene.pod({
      name: "held",
      containers: [{ image: `${scene.registry.host}/nobody:v1` }],
    });
    await eventually(
      "the pod to be held back",
      async () =>
        (await scene.kubectl("get", "pod", "held")).includes("Err") ||
        (await scene.kubectl("get", "pod", "held")).includes("BackOff"),
    );
    await assert.rejects(scene.kubectl("logs", "held"), /waiting to start|not found|trying/);
  },
);

scenario("nobody but the API server may ask the node", async (scene) => {
  const ref = await scene.pod({
    name: "hello",
    containers: [{ image: await scene.image("hello") }],
  });
  await waitEnded(scene.cluster, ref, "Succeeded");
  const { nodeIp, port } = scene.node;
  const client = Deno.createHttpClient({
    caCerts: [await Deno.readTextFile(`${scene.cluster.dir}/certs/ca.crt`)],
  });
  try {
    const path = `containerLogs/${scene.namespace}/hello/main`;
    const answer = await fetch(`https://${nodeIp}:${port}/${path}`, { client });
    const body = await answer.text();
    assert.equal(answer.status, 401);
    assert.doesNotMatch(body, /Hello/);
  } finally {
    client.close();
  }
});
