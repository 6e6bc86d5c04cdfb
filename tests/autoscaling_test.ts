/** What a real metrics-server makes of the node: kubectl top, and a Deployment that is scaled by use. */
import assert from "node:assert/strict";
import { eventually } from "./harness/eventually.ts";
import { podSpec } from "./harness/manifests.ts";
import { startMetricsServer } from "./harness/metrics_server.ts";
import { useTestbed } from "./harness/testbed.ts";
import { waitRunning } from "./harness/wait_pod.ts";

const scenario = useTestbed();
/** Two scrapes are ten seconds apart; a busy machine takes longer. */
const MEASURED_MS_MAX = 180_000;

/** A table of `kubectl top`: CPU in thousandths and memory in MiB, by name. */
function readTop(text: string): Map<string, { readonly cpu: number; readonly memory: number }> {
  return new Map(
    text.trim().split("\n").map((line) => {
      const [, name = "", cpu, memory] = /^(\S+)\s+(\d+)m\s+(?:\d+%\s+)?(\d+)Mi/.exec(line) ?? [];
      return [name, { cpu: Number(cpu), memory: Number(memory) }] as const;
    }),
  );
}

scenario(
  "kubectl top tells a busy pod from an idle one, and an HPA scales by CPU",
  async (scene) => {
    const { cluster, node, kubectl } = scene;
    await using _server = await startMetricsServer(cluster);
    const idle = await scene.pod({
      name: "idle",
      containers: [{ image: await scene.image("sleep") }],
    });
    const busy = {
      name: "main",
      image: await scene.image("spin"),
      resources: { requests: { cpu: "100m" } },
    };
    await scene.create("/apis/apps/v1/deployments", {
      metadata: { name: "busy" },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: "busy" } },
        template: {
          metadata: { labels: { app: "busy" } },
          spec: podSpec({ nodeName: node.nodeName, containers: [busy], restartPolicy: "Always" }),
        },
      },
    });
    await waitRunning(cluster, idle);

    const pods = await eventually("kubectl top pod to show both", async () => {
      const top = readTop(await kubectl("top", "pod", "--no-headers"));
      const [name] = [...top.keys()].filter((key) => key.startsWith("busy-"));
      const shown = { busy: top.get(name ?? ""), idle: top.get("idle") };
      // Its first figures may be of its first seconds.
      return shown.busy && shown.idle && shown.busy.cpu > 100
        ? shown as Required<typeof shown>
        : undefined;
    }, { withinMs: MEASURED_MS_MAX, everyMs: 1_000 });
    // A whole CPU, or what a busy machine leaves it.
    assert.ok(pods.busy!.cpu > 100 && pods.busy!.cpu < 1_300, `${pods.busy!.cpu}m`);
    assert.ok(pods.idle!.cpu < pods.busy!.cpu / 2, `${pods.idle!.cpu}m`);
    assert.ok(pods.idle!.memory > 1 && pods.idle!.memory < 100, `${pods.idle!.memory} MiB`);

    const top = readTop(await cluster.kubectl(["top", "node", node.nodeName, "--no-headers"]));
    const machine = top.get(node.nodeName)!;
    assert.ok(machine.cpu >= 100 && machine.memory > pods.idle!.memory, JSON.stringify(machine));

    await kubectl("autoscale", "deployment", "busy", "--cpu=50%", "--min=1", "--max=2");
    await eventually("the Deployment to be scaled", async () => {
      const replicas = await kubectl(
        "get",
        "deployment",
        "busy",
        "-o",
        "jsonpath={.status.readyReplicas}",
      );
      return replicas === "2";
    }, { withinMs: MEASURED_MS_MAX, everyMs: 1_000 });
    const [hpa] = (await kubectl("get", "hpa", "busy", "--no-headers")).trim().split("\n");
    assert.match(hpa!, /cpu: \d+%\/50%/);
  },
);
