/** NetworkPolicies and a pod's own list of hosts, between programs that are pods of one node. */
import assert from "node:assert/strict";
import { eventually } from "./harness/eventually.ts";
import { allowNetworkPolicies } from "./harness/network_rights.ts";
import type { Pod } from "./harness/objects.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import { type PodRef, waitEnded, waitEvent, waitRunning } from "./harness/wait_pod.ts";

const scenario = useTestbed({ args: ["--pod-network", "loopback"] });

const POLICIES = "/apis/networking.k8s.io/v1/networkpolicies";
const PORT = 8080;
/** Go's modules are compiled when they are seen first, on a busy machine. */
const COMPILED_WITHIN_MS = 120_000;

scenario("NetworkPolicies choose who enters a pod, by labels that may change", async (scene) => {
  await allowNetworkPolicies(scene.cluster);
  const address = await serve(scene);
  const url = `http://${address}:${PORT}/hello`;
  await mustGet(scene, { name: "before", url });
  await scene.create(POLICIES, {
    metadata: { name: "from-friends" },
    spec: {
      podSelector: { matchLabels: { app: "server" } },
      ingress: [{
        from: [{ podSelector: { matchLabels: { role: "friend" } } }],
        ports: [{ port: "http" }],
      }],
    },
  });
  await eventually("the policy to hold", async () => {
    const name = `stranger-${crypto.randomUUID().slice(0, 8)}`;
    return (await get(scene, { name, url })).phase === "Failed";
  }, { withinMs: COMPILED_WITHIN_MS });
  await mustGet(scene, { name: "friend", url, labels: { role: "friend" } });
  await waitEvent(scene.cluster, { namespace: scene.namespace, name: "server" }, {
    reason: "NetworkRefused",
    message: /"from-friends"/,
  });
  // Its probe comes from the node, which may always enter.
  await waitRunning(scene.cluster, { namespace: scene.namespace, name: "server" });
});

scenario("NetworkPolicies choose where a pod may go, and it is told so at once", async (scene) => {
  await allowNetworkPolicies(scene.cluster);
  const address = await serve(scene);
  const url = `http://${address}:${PORT}/hello`;
  await scene.create(POLICIES, {
    metadata: { name: "deny" },
    spec: { podSelector: { matchLabels: { role: "limited" } }, policyTypes: ["Egress"] },
  });
  await scene.create(POLICIES, {
    metadata: { name: "to-server" },
    spec: {
      podSelector: { matchLabels: { also: "server" } },
      policyTypes: ["Egress"],
      egress: [{ to: [{ podSelector: { matchLabels: { app: "server" } } }] }],
    },
  });
  const limited = { role: "limited" };
  const { phase, log } = await get(scene, { name: "limited", url, labels: limited });
  assert.equal(phase, "Failed");
  assert.match(log, /permission denied/i);
  await waitEvent(scene.cluster, { namespace: scene.namespace, name: "limited" }, {
    reason: "NetworkRefused",
    message: /"deny"/,
  });
  await mustGet(scene, { name: "both", url, labels: { ...limited, also: "server" } });
});

scenario("a pod reaches only the hosts that its annotation lists", async (scene) => {
  const address = await serve(scene);
  const url = `http://${address}:${PORT}/hello`;
  const hosts = (list: string): Record<string, string> => ({ "krustlet.dev/allowed-hosts": list });
  await mustGet(scene, { name: "listed", url, annotations: hosts(`${address}:${PORT}`) });
  const others = { port: `${address}:81`, none: "", name: "example.test" };
  for (const [name, list] of Object.entries(others)) {
    const { phase, log } = await get(scene, { name, url, annotations: hosts(list) });
    assert.equal(phase, "Failed");
    assert.match(log, /permission denied/i, name);
  }
  const ref = await client(scene, { name: "wrong", url, annotations: hosts(url) });
  const pod = await waitEnded(scene.cluster, ref, "Failed");
  assert.equal(pod.status.reason, "AllowedHostsInvalid");
});

interface Wish {
  readonly name: string;
  readonly url: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

/** A pod that serves, and is ready; its address. */
async function serve(scene: Scene): Promise<string> {
  const ref = await scene.pod({
    name: "server",
    labels: { app: "server" },
    containers: [{
      image: await scene.image("gonet_web"),
      args: ["serve", `0.0.0.0:${PORT}`],
      ports: [{ name: "http", containerPort: PORT }],
      readinessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 1 },
    }],
    spec: { terminationGracePeriodSeconds: 0 },
  });
  const { status } = await waitRunning(scene.cluster, ref, COMPILED_WITHIN_MS);
  const { podIP = "" } = status as { podIP?: string };
  assert.match(podIP, /^127\.\d+\.\d+\.\d+$/);
  return podIP;
}

/** A pod that asks once. */
async function client(scene: Scene, { name, url, ...more }: Wish): Promise<PodRef> {
  return await scene.pod({
    name,
    ...more,
    containers: [{ image: await scene.image("gonet_web"), args: ["get", "1", url] }],
  });
}

/** Asks once; how that has ended, and the program's words. */
async function get(
  scene: Scene,
  wish: Wish,
): Promise<{ readonly phase: Pod["status"]["phase"]; readonly log: string }> {
  const ref = await client(scene, wish);
  const phase = await eventually(`client ${wish.name} to end`, async () => {
    const { status } = await scene.cluster.get<Pod>(
      `/api/v1/namespaces/${ref.namespace}/pods/${ref.name}`,
    );
    return ["Succeeded", "Failed"].includes(status.phase ?? "") ? status.phase : undefined;
  }, { withinMs: COMPILED_WITHIN_MS });
  return { phase, log: await scene.kubectl("logs", wish.name) };
}

async function mustGet(scene: Scene, wish: Wish): Promise<void> {
  const { phase, log } = await get(scene, wish);
  assert.equal(phase, "Succeeded", log);
  assert.match(log, /^\/hello for /);
}
