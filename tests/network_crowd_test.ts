/** Programs that open connections without end, and others that are served beside them. */
import assert from "node:assert/strict";
import { eventually } from "./harness/eventually.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import { getPod, type PodRef, statusOf, waitEnded, waitRunning } from "./harness/wait_pod.ts";

const scenario = useTestbed({ args: ["--pod-network", "loopback"] });

const PORT = 8080;
const HELD = 5_000;
const ANSWERS = 50;
const KNOCKING = 6;
/** A node whose lease is not renewed for so long counts as gone. */
const LEASE_MS = 40_000;
/** Go's modules are compiled when they are seen first, on a busy machine. */
const SEEN_WITHIN_MS = 180_000;

scenario("a pod that holds 5,000 idle connections serves others", async (scene) => {
  const { server, address } = await serve(scene, "server");
  await crowd(scene, { name: "idle", args: ["hold", String(HELD), `${address}:${PORT}`] });
  await logged(scene, "idle", new RegExp(`^holds ${HELD}$`, "m"));
  await answersAll(address);
  await isSteady(scene, [server, { ...server, name: "idle" }]);
});

scenario("a pod that opens connections without end stops at its own limit", async (scene) => {
  const { server, address } = await serve(scene, "server");
  const { server: other, address: elsewhere } = await serve(scene, "other");
  const greedy = await crowd(scene, { name: "greedy", args: ["hold", "0", `${address}:${PORT}`] });
  await logged(scene, "greedy", /^cannot with \d{4} held: .*too many open files/im);
  await answersAll(elsewhere);
  await isSteady(scene, [server, other, greedy]);
  await scene.kubectl("delete", "pod", "greedy");
  // Whatever the one that it besieged could not take is served now.
  await eventually("the besieged to answer", async () => {
    await answersAll(address);
    return true;
  }, { withinMs: SEEN_WITHIN_MS });
  await isSteady(scene, [server, other]);
});

scenario(
  "pods that ask the agent without end keep neither the node nor another pod waiting",
  async (scene) => {
    const { cluster, namespace, node } = scene;
    const { server, address } = await serve(scene, "server");
    // Each connection to it is refused by the agent itself, at once.
    await scene.create("services", {
      metadata: { name: "nobody" },
      spec: { ports: [{ port: 80 }] },
    });
    const knocking: PodRef[] = [];
    for (let index = 0; index < KNOCKING; index++) {
      knocking.push(await crowd(scene, { name: `knocks-${index}`, args: ["knock", "nobody:80"] }));
    }
    for (const { name } of knocking) await logged(scene, name, /^cannot: .*connection refused$/im);
    const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node.nodeName}`;
    const renewed = async (): Promise<string> =>
      (await cluster.get<{ spec: { renewTime: string } }>(path)).spec.renewTime;
    const before = await renewed();
    const polite = await scene.pod({
      name: "polite",
      containers: [{
        image: await scene.image("gonet_web"),
        args: ["get", String(ANSWERS), `http://${address}:${PORT}/polite`],
      }],
    });
    await waitEnded(cluster, polite, "Succeeded", SEEN_WITHIN_MS);
    await eventually("the node's lease to be renewed", async () => await renewed() > before, {
      withinMs: LEASE_MS,
    });
    await isSteady(scene, [server, ...knocking]);
    assert.match(await cluster.kubectl(["-n", namespace, "logs", "polite"]), /^\/polite for 127\./);
  },
);

async function serve(
  scene: Scene,
  name: string,
): Promise<{ readonly server: PodRef; readonly address: string }> {
  const server = await scene.pod({
    name,
    containers: [{
      image: await scene.image("gonet_web"),
      args: ["serve", `:${PORT}`],
      startupProbe: { tcpSocket: { port: PORT }, periodSeconds: 1, failureThreshold: 180 },
    }],
    spec: { terminationGracePeriodSeconds: 0 },
  });
  const { status } = await waitRunning(scene.cluster, server, SEEN_WITHIN_MS);
  return { server, address: status.podIP! };
}

async function crowd(
  scene: Scene,
  { name, args }: { readonly name: string; readonly args: readonly string[] },
): Promise<PodRef> {
  return await scene.pod({
    name,
    containers: [{ image: await scene.image("gonet_faults"), args }],
    spec: { terminationGracePeriodSeconds: 0 },
  });
}

async function logged(scene: Scene, name: string, pattern: RegExp): Promise<void> {
  await eventually(`pod ${name} to say ${pattern}`, async () => {
    const log = await scene.kubectl("logs", name);
    if (pattern.test(log)) return true;
    throw new Error(`it says ${JSON.stringify(log)}`);
  }, { withinMs: SEEN_WITHIN_MS });
}

/** Each on a connection of its own, all at once. */
async function answersAll(address: string): Promise<void> {
  const paths = Array.from({ length: ANSWERS }, (_, index) => `/${index}`);
  const answers = await Promise.all(paths.map(async (path) => {
    const response = await fetch(`http://${address}:${PORT}${path}`, {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(SEEN_WITHIN_MS),
    });
    return await response.text();
  }));
  for (const [index, path] of paths.entries()) {
    const answer = answers[index]!;
    assert.ok(answer.startsWith(`${path} for 127.`), answer);
  }
}

/** They run as they have since they were started. */
async function isSteady(scene: Scene, refs: readonly PodRef[]): Promise<void> {
  for (const ref of refs) {
    const pod = await getPod(scene.cluster, ref);
    assert.equal(pod.status.phase, "Running", ref.name);
    assert.equal(statusOf(pod, "main").restartCount, 0, ref.name);
  }
}
