/** NetworkPolicies and a pod's own list of hosts, between programs that are pods of one node. */
import assert from "node:assert/strict";
import { makeService } from "./harness/endpoints.ts";
import { eventually } from "./harness/eventually.ts";
import { NameServer } from "./harness/name_server.ts";
import { allowNetworkPolicies } from "./harness/network_rights.ts";
import type { Pod } from "./harness/objects.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import { type PodRef, waitEnded, waitEvent, waitRunning } from "./harness/wait_pod.ts";

/** A Service of the cluster, that the node asks for all names that are not the cluster's. */
const NAMES = "10.96.0.53";
const RESOLV_CONF = Deno.makeTempFileSync({ prefix: "krustlet-test-" });
Deno.writeTextFileSync(RESOLV_CONF, `nameserver ${NAMES}\n`);

const scenario = useTestbed({
  args: ["--pod-network", "loopback", "--resolv-conf", RESOLV_CONF],
});
Deno.test.afterAll(() => Deno.removeSync(RESOLV_CONF));

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

scenario(
  "the agent asks no server for names in the place of a pod that may not reach it",
  async (scene) => {
    const { cluster, namespace } = scene;
    await allowNetworkPolicies(cluster);
    await using server = await NameServer.start("192.0.2.7");
    const { port } = server;
    const clusterIP = NAMES;
    await makeService(scene, "names", { servicePort: 53, port, protocol: "UDP", clusterIP });
    await scene.create(POLICIES, {
      metadata: { name: "deny" },
      spec: { podSelector: { matchLabels: { role: "limited" } }, policyTypes: ["Egress"] },
    });
    await scene.create(POLICIES, {
      metadata: { name: "to-names" },
      spec: {
        podSelector: { matchLabels: { also: "names" } },
        policyTypes: ["Egress"],
        egress: [{
          to: [{ ipBlock: { cidr: "0.0.0.0/0" } }],
          ports: [{ protocol: "UDP", port }],
        }],
      },
    });
    const image = await scene.image("gonet_web");
    const far = "far.example.test";
    const lookup = async (
      name: string,
      { host = far, labels = {}, annotations = {} }: {
        readonly host?: string;
        readonly labels?: Record<string, string>;
        readonly annotations?: Record<string, string>;
      } = {},
    ): Promise<string> => {
      const ref = await scene.pod({
        ...{ name, labels, annotations },
        containers: [{ image, args: ["lookup", host] }],
      });
      const expected = name.startsWith("no-") ? "Failed" : "Succeeded";
      await waitEnded(cluster, ref, expected, COMPILED_WITHIN_MS);
      return await scene.kubectl("logs", name);
    };
    const limited = { role: "limited" };
    assert.equal(await lookup("free"), "192.0.2.7\n");
    const before = server.asked.length;
    await lookup("no-server", { labels: limited });
    await lookup("no-list", { annotations: { "krustlet.dev/allowed-hosts": "www.example.test" } });
    assert.equal(server.asked.length, before, server.asked.join());
    const message = /^Looking up "far\.example\.test" is refused: nothing allows it.*"deny"/;
    await waitEvent(cluster, { namespace, name: "no-server" }, {
      reason: "NetworkRefused",
      message,
    });
    assert.equal(
      await lookup("inside", { labels: limited, host: `names.${namespace}.svc.cluster.local` }),
      `${NAMES}\n`,
    );
    assert.equal(await lookup("both", { labels: { ...limited, also: "names" } }), "192.0.2.7\n");
  },
);

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
