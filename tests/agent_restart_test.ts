/** The agent comes and goes; pods stay. */
import assert from "node:assert/strict";
import { eventually } from "./harness/eventually.ts";
import { conditionOf, type Pod } from "./harness/objects.ts";
import { useTestbed } from "./harness/testbed.ts";
import { getPod, statusOf, waitRunning } from "./harness/wait_pod.ts";
import { watchObjects } from "./harness/watch.ts";

/** A pod's phases in the only order in which they may come. */
const ORDER = ["Pending", "Running", "Succeeded", "Failed"];

/** Notes every status of every pod that is worse than the one before it. */
class Regressions {
  readonly found: string[] = [];
  readonly #last = new Map<string, { phase: string; restarts: number }>();

  see(pod: Pod): void {
    const { name, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined) return;
    const phase = pod.status.phase ?? "Pending";
    const restarts = pod.status.containerStatuses?.[0]?.restartCount ?? 0;
    const last = this.#last.get(name);
    this.#last.set(name, { phase, restarts });
    if (last === undefined) return;
    if (restarts < last.restarts) {
      this.found.push(`${name}: restarts ${last.restarts} -> ${restarts}`);
    }
    const ended = last.phase === "Succeeded" || last.phase === "Failed";
    if (ORDER.indexOf(phase) < ORDER.indexOf(last.phase) || (ended && phase !== last.phase)) {
      this.found.push(`${name}: ${last.phase} -> ${phase}`);
    }
  }
}

const scenario = useTestbed();

scenario(
  "a killed agent runs nothing again that has ended, and goes on counting",
  async (scene) => {
    const { cluster, node, namespace } = scene;
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const regressions = new Regressions();
    await using _watch = await watchObjects<Pod>(cluster, pods, (pod) => regressions.see(pod));
    const images = { sleep: await scene.image("sleep"), three: await scene.image("exit_3") };
    const hello = await scene.image("hello");
    const twenty = Array.from({ length: 20 }, (_, i) => i);
    for (const i of twenty) {
      const forever = { containers: [{ image: images.sleep }], restartPolicy: "Always" } as const;
      await scene.pod({
        name: `runs-${i}`,
        ...forever,
        spec: { terminationGracePeriodSeconds: 0 },
      });
      await scene.pod({
        name: `ends-${i}`,
        containers: [{ image: i % 2 === 0 ? images.three : hello }],
      });
    }
    // This one has a count to lose.
    await scene.pod({
      name: "counted",
      containers: [{ image: images.three }],
      restartPolicy: "Always",
    });
    const pod = (name: string): Promise<Pod> => getPod(cluster, { namespace, name });
    const restarts = async (name: string): Promise<number> =>
      statusOf(await pod(name), "main").restartCount;
    await eventually("all to run or to have ended", async () => {
      const { items } = await cluster.get<{ items: Pod[] }>(pods);
      const phases = items.map(({ status }) => status.phase);
      return phases.filter((phase) => phase === "Running").length === 21 &&
        !phases.includes("Pending") && await restarts("counted") === 1;
    }, { withinMs: 90_000 });
    const before = await Promise.all(twenty.map((i) => pod(`ends-${i}`)));

    await node.end("SIGKILL");
    await node.restart();

    await eventually("what ran to run again", async () => {
      const all = await Promise.all(twenty.map((i) => pod(`runs-${i}`)));
      return all.map((one) => statusOf(one, "main")).every(({ restartCount, state }) =>
        restartCount === 1 && state?.running !== undefined
      );
    }, { withinMs: 90_000 });
    for (const i of twenty) {
      const { status } = await pod(`ends-${i}`);
      assert.deepEqual(status, before[i]?.status, `ends-${i} has changed`);
      assert.equal(status.phase, i % 2 === 0 ? "Failed" : "Succeeded");
    }
    const lost = statusOf(await pod("runs-0"), "main").lastState?.terminated;
    assert.deepEqual([lost?.exitCode, lost?.reason], [137, "ContainerStatusUnknown"]);
    assert.ok(await restarts("counted") >= 1);
    assert.deepEqual(regressions.found, []);
  },
);

scenario(
  "SIGTERM ends the guests, keeps the pods, and says why the node is not ready",
  async (scene) => {
    const { cluster, node, namespace } = scene;
    const ref = await scene.pod({
      name: "sleeper",
      containers: [{ image: await scene.image("sleep") }],
      restartPolicy: "Always",
      spec: { terminationGracePeriodSeconds: 1 },
    });
    await waitRunning(cluster, ref);
    const fromMs = performance.now();
    const { code, signal } = await node.end("SIGTERM");
    assert.deepEqual({ code, signal }, { code: 0, signal: null });
    assert.ok(performance.now() - fromMs < 10_000, "it took longer than the grace period");
    const ready = conditionOf((await node.node())!, "Ready");
    assert.deepEqual([ready?.status, ready?.message], ["False", "node is shutting down"]);
    const ended = await getPod(cluster, ref);
    assert.equal(ended.status.phase, "Running");
    assert.equal(statusOf(ended, "main").state?.terminated?.exitCode, 137);
    await node.restart();
    await node.waitReady();
    const again = await waitRunning(cluster, { namespace, name: "sleeper" });
    assert.equal(statusOf(again, "main").restartCount, 1);
  },
);

scenario("a node that was deleted is created again", async ({ cluster, node }) => {
  const { metadata } = (await node.node())!;
  await cluster.delete(`/api/v1/nodes/${node.nodeName}`);
  await eventually("another Node to be there", async () => {
    const found = await node.node();
    return found !== undefined && found.metadata.uid !== metadata.uid;
  }, { withinMs: 60_000 });
  await node.waitReady();
});
