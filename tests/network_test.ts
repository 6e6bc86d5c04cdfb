/** Pods have addresses of their own: servers, clients, probes, ports of the node and port-forward. */
import assert from "node:assert/strict";
import { eventually } from "./harness/eventually.ts";
import { freePort } from "./guests/running.ts";
import type { KubeObject, Pod } from "./harness/objects.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import {
  getPod,
  type PodRef,
  statusOf,
  waitEnded,
  waitEvent,
  waitPod,
  waitRunning,
} from "./harness/wait_pod.ts";

/** One machine, no right to make routes: every pod has an address of 127.0.0.0/8. */
const scenario = useTestbed({ args: ["--pod-network", "loopback"] });

const PORT = 8080;
const PODS = 100;
const CONNECTIONS = 30;
/** Go's modules are compiled when they are seen first, on a busy machine. */
const COMPILED_WITHIN_MS = 180_000;

scenario(
  "a server is ready by its probe, and is asked from pods, localhost and the node",
  async (scene) => {
    const image = await scene.image("gonet_web");
    const port = freePort();
    const server = await scene.pod({
      name: "server",
      containers: [{
        image,
        args: ["serve", `:${PORT}`],
        ports: [{ name: "http", containerPort: PORT, hostPort: port }],
        readinessProbe: { httpGet: { path: "/probe", port: "http" }, periodSeconds: 1 },
      }, {
        name: "side",
        image,
        args: ["echo", "tcp", "127.0.0.1:9000"],
        startupProbe: { exec: { command: ["gonet_web", "get", "1", `http://localhost:${PORT}/`] } },
      }],
      spec: { terminationGracePeriodSeconds: 0 },
    });
    const address = addressOf(await waitRunning(scene.cluster, server, COMPILED_WITHIN_MS));
    assert.equal(await asked(`http://${address}:${PORT}/node`), "/node for 127.0.0.1\n");
    assert.equal(await asked(`http://127.0.0.1:${port}/host-port`), "/host-port for 127.0.0.1\n");
    const client = await scene.pod({
      name: "client",
      containers: [{ image, args: ["get", "3", `http://${address}:${PORT}/pod`] }],
    });
    await waitEnded(scene.cluster, client, "Succeeded", COMPILED_WITHIN_MS);
    const seen = addressOf(await getPod(scene.cluster, client));
    assert.notEqual(seen, address);
    assert.match(await scene.kubectl("logs", "client"), new RegExp(`^/pod for ${seen}:\\d+$`, "m"));
    // What another pod has on its loopback is its own.
    const stranger = await scene.pod({
      name: "stranger",
      containers: [{ image, args: ["say", "tcp", "127.0.0.1:9000", "hello"] }],
    });
    await waitEnded(scene.cluster, stranger, "Failed", COMPILED_WITHIN_MS);
    assert.match(await scene.kubectl("logs", "stranger"), /connection refused/i);
  },
);

scenario(
  "port-forward leads many connections to a pod's loopback and to its address",
  async (scene) => {
    const image = await scene.image("gonet_web");
    const ref = await scene.pod({
      name: "server",
      containers: [
        { image, args: ["serve", `:${PORT}`] },
        { name: "own", image, args: ["echo", "tcp", "127.0.0.1:9000"] },
      ],
      spec: { terminationGracePeriodSeconds: 0 },
    });
    await waitRunning(scene.cluster, ref, COMPILED_WITHIN_MS);
    await says(scene, ref, { main: `serving 0.0.0.0:${PORT}`, own: "serving 127.0.0.1:9000" });
    const [web, own] = [freePort(), freePort()];
    const stop = new AbortController();
    const forwarding = scene.cluster.tryKubectl(
      ["-n", scene.namespace, "port-forward", "pod/server", `${web}:${PORT}`, `${own}:9000`],
      { signal: stop.signal },
    );
    try {
      await eventually(
        "the ports to be forwarded",
        async () => await listens(web) && await listens(own),
      );
      const answers = await Promise.all(
        Array.from(
          { length: CONNECTIONS },
          (_, index) => asked(`http://127.0.0.1:${web}/${index}`),
        ),
      );
      assert.deepEqual(
        answers,
        answers.map((_, index) => `/${index} for 127.0.0.1\n`),
      );
      using connection = await Deno.connect({ hostname: "127.0.0.1", port: own });
      await connection.write(new TextEncoder().encode("to and fro"));
      await connection.closeWrite();
      assert.equal(await new Response(connection.readable).text(), "to and fro");
    } finally {
      stop.abort();
      await forwarding;
    }
  },
);

scenario(
  "servers in pods are probed by TCP and by gRPC, and believed when they say no",
  async (scene) => {
    const image = await scene.image("gonet_health");
    const often = { periodSeconds: 1, timeoutSeconds: 20 };
    const patient = { ...often, failureThreshold: 300 };
    const ref = await scene.pod({
      name: "server",
      restartPolicy: "Always",
      containers: [{
        name: "well",
        image,
        args: [":9000", "web=SERVING"],
        ports: [{ name: "grpc", containerPort: 9000 }],
        startupProbe: { tcpSocket: { port: "grpc" }, ...patient },
        readinessProbe: { grpc: { port: 9000, service: "web" }, ...often },
      }, {
        name: "unwell",
        image,
        args: [":9001", "batch=NOT_SERVING"],
        startupProbe: { grpc: { port: 9001 }, ...patient },
        livenessProbe: { grpc: { port: 9001, service: "batch" }, ...often },
      }],
      spec: { terminationGracePeriodSeconds: 0 },
    });
    await waitPod(scene.cluster, ref, {
      to: "be ready where it is well, and run again where it is not",
      wanted: (pod) => statusOf(pod, "well").ready && statusOf(pod, "unwell").restartCount > 0,
      withinMs: COMPILED_WITHIN_MS,
    });
    assert.equal(statusOf(await getPod(scene.cluster, ref), "well").restartCount, 0);
    await waitEvent(scene.cluster, ref, {
      reason: "Unhealthy",
      message: /^Liveness probe failed: service unhealthy \(responded with "NOT_SERVING"\)$/,
    });
    await waitEvent(scene.cluster, ref, {
      reason: "Killing",
      message: /^Container unwell failed liveness probe, will be restarted$/,
    });
  },
);

scenario("a hundred pods listen on one port, each at its own address", async (scene) => {
  const { cluster, namespace } = scene;
  const path = "/apis/node.k8s.io/v1/runtimeclasses";
  const name = `dense-${namespace}`;
  await cluster.create<KubeObject>(path, {
    apiVersion: "node.k8s.io/v1",
    kind: "RuntimeClass",
    metadata: { name },
    handler: Deno.build.os === "linux" ? "krustlet-worker" : "krustlet",
  });
  const image = await scene.image("accept_only");
  const pods = await Promise.all(Array.from({ length: PODS }, (_, index) =>
    scene.pod({
      name: `server-${index}`,
      containers: [{ image, ports: [{ containerPort: PORT }] }],
      spec: { runtimeClassName: name, terminationGracePeriodSeconds: 0 },
    })));
  const addresses = new Set<string>();
  for (const ref of pods) {
    addresses.add(addressOf(await waitRunning(cluster, ref, COMPILED_WITHIN_MS)));
  }
  assert.equal(addresses.size, PODS);
  const answers = await Promise.all(
    [...addresses].map((address) => asked(`http://${address}:${PORT}/`)),
  );
  assert.deepEqual(new Set(answers), new Set(["hello\n"]));
  await cluster.delete(`${path}/${name}`);
});

scenario("a pod keeps its address when its agent is killed and starts anew", async (scene) => {
  const ref = await scene.pod({
    name: "steady",
    restartPolicy: "Always",
    containers: [{ image: await scene.image("accept_only"), ports: [{ containerPort: PORT }] }],
    spec: { terminationGracePeriodSeconds: 0 },
  });
  const address = addressOf(await waitRunning(scene.cluster, ref, COMPILED_WITHIN_MS));
  await scene.node.end("SIGKILL");
  await scene.node.restart();
  await eventually("it to serve again", async () => {
    const pod = await getPod(scene.cluster, ref);
    assert.equal(addressOf(pod), address);
    return pod.status.containerStatuses?.[0]?.restartCount === 1 && await answers(address);
  }, { withinMs: COMPILED_WITHIN_MS });
  assert.equal(await asked(`http://${address}:${PORT}/`), "hello\n");
});

scenario("a port that another program has is refused, and an Event says so", async (scene) => {
  const image = await scene.image("gonet_web");
  using stranger = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const { port } = stranger.addr;
  const ref = await scene.pod({
    name: "late",
    restartPolicy: "Never",
    containers: [{ image, args: ["serve", `:${port}`] }],
  });
  await waitEnded(scene.cluster, ref, "Failed", COMPILED_WITHIN_MS);
  await waitEvent(scene.cluster, ref, {
    reason: "PortTaken",
    message: new RegExp(`^Cannot listen at 0\\.0\\.0\\.0:${port}/tcp: `),
  });
  assert.match(await scene.kubectl("logs", "late"), /address already in use/i);
});

function addressOf(pod: Pod): string {
  const { podIP = "" } = pod.status as { podIP?: string };
  assert.match(podIP, /^127\.\d+\.\d+\.\d+$/);
  return podIP;
}

/** The answer of a server, without the port of whom it saw. */
async function asked(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: "close" } });
  return (await response.text()).replace(/:\d+\n$/, "\n");
}

async function says(
  scene: Scene,
  { name }: PodRef,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [container, text] of Object.entries(wanted)) {
    await eventually(`container ${container} to say "${text}"`, async () => {
      return (await scene.kubectl("logs", name, "-c", container)).includes(text);
    }, { withinMs: COMPILED_WITHIN_MS });
  }
}

async function answers(address: string): Promise<boolean> {
  return await asked(`http://${address}:${PORT}/`).then(() => true, () => false);
}

async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
