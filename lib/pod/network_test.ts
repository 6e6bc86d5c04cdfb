import assert from "node:assert/strict";
import { fakeNetwork } from "../network/_fake_parts.ts";
import { deleted, podOf, World } from "./_world.ts";
import { removeOrphans } from "./orphans.ts";
import { PodStreams } from "./streams.ts";
import type { PodServices } from "./services.ts";
import { PodVolumes } from "../volumes/volumes.ts";
import { RecordStore } from "./record_store.ts";

const SPEC = {
  restartPolicy: "Always",
  containers: [{
    name: "app",
    image: "spin",
    env: [{ name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
    ports: [{ containerPort: 8080 }],
  }],
};

Deno.test("a pod has its address in its status, its variables, its hosts file and its run", async () => {
  await using world = await World.open();
  const { network } = fakeNetwork(30);
  const pods = world.agent({ networks: network });
  pods.apply(podOf("spin", { spec: SPEC }));
  await world.phase("web", "Running");
  const [ip] = ["127.66.30.1"];
  assert.equal(world.status("web").podIP, ip);
  assert.deepEqual(world.status("web").podIPs, [{ ip }]);
  const [run] = world.runs;
  assert.equal(run?.env["IP"], ip);
  assert.deepEqual(run?.network?.listeners, [{ ip, port: 8080 }]);
  assert.equal(run?.network?.loopback, "127.67.30.1");
  const hosts = await Deno.readTextFile(`${run?.rootPath}/etc/hosts`);
  assert.match(hosts, /^127\.66\.30\.1\tweb$/m);
  await pods.shutdown(0);
});

Deno.test("a pod without an address waits, says why, and starts once it has one", async () => {
  await using world = await World.open();
  const { network, addresses } = fakeNetwork(31);
  addresses.failure = new Error("all 254 addresses are taken");
  const pods = world.agent({ networks: network });
  pods.apply(podOf("spin", { spec: SPEC }));
  await world.eventually(
    "it says why",
    () =>
      world.events.some(({ reason, message, type }) =>
        reason === "FailedCreatePodSandBox" && type === "Warning" &&
        message.includes("all 254 addresses are taken")
      ),
  );
  assert.equal(world.status("web").podIP, undefined);
  assert.equal(world.runs.length, 0);
  addresses.failure = undefined;
  await world.phase("web", "Running");
  await pods.shutdown(0);
});

Deno.test("a pod keeps its address over a restart of the agent, and tells it meanwhile", async () => {
  await using world = await World.open();
  const { network, addresses } = fakeNetwork(32);
  const pod = podOf("spin", { spec: SPEC });
  const first = world.agent({ networks: network });
  first.apply(pod);
  await world.phase("web", "Running");
  await first.shutdown(0);
  await network[Symbol.asyncDispose]();
  assert.equal(addresses.places.size, 1);
  const told = world.said.length;
  const second = fakeNetwork(33);
  second.addresses.places.set("uid-web", addresses.places.get("uid-web")!);
  const next = world.agent({ networks: second.network });
  next.apply(pod);
  await world.eventually("it runs again", () => world.runs.length === 2);
  const ips = world.said.slice(told).map(({ status }) => status.podIP);
  assert.deepEqual(new Set(ips), new Set(["127.66.32.1"]));
  await next.shutdown(0);
});

Deno.test("a pod that has ended gives its address back, and still tells which it was", async () => {
  await using world = await World.open();
  const { network, addresses } = fakeNetwork(34);
  const pods = world.agent({ networks: network });
  pods.apply(podOf("ok"));
  await world.phase("web", "Succeeded");
  await addresses.released.promise;
  assert.equal(addresses.places.size, 0);
  world.said.length = 0;
  pods.reportAgain({ uid: "uid-web", namespace: "default", name: "web" });
  await world.eventually("it is told again", () => world.status("web").podIP !== undefined);
  assert.equal(world.status("web").podIP, "127.66.34.1");
  await pods.shutdown(0);
});

Deno.test("a pod that is deleted gives its address back before the cluster hears of its end", async () => {
  await using world = await World.open();
  const { network, addresses } = fakeNetwork(35);
  const pods = world.agent({ networks: network });
  const pod = podOf("spin", { spec: SPEC });
  pods.apply(pod);
  await world.phase("web", "Running");
  const left: number[] = [];
  world.onPoint = (point) => {
    if (point === "uid-web released") left.push(addresses.places.size);
  };
  pods.apply(deleted(pod));
  await world.eventually("it is gone", () => left.length > 0);
  assert.deepEqual(left, [0]);
  await pods.shutdown(0);
});

Deno.test("removeOrphans() releases the addresses of pods that no longer exist", async () => {
  await using world = await World.open();
  const { network, addresses } = fakeNetwork(36);
  await addresses.take("known");
  await addresses.take("unknown");
  const facts = { nodeName: "n", hostIPs: [], podIPs: [], allocatable: {} };
  const podsDir = `${world.dir}/pods`;
  await removeOrphans({
    podsDir,
    logsDir: `${world.dir}/logs`,
    volumes: new PodVolumes({ podsDir, objects: world.objects, facts }),
    records: new RecordStore(podsDir, () => {}),
    networks: network,
  }, (uid) => uid === "known");
  assert.deepEqual([...addresses.places.keys()], ["known"]);
});

Deno.test("an httpGet probe asks at the pod's own address", async () => {
  await using world = await World.open();
  const { network } = fakeNetwork(37);
  const pods = world.agent({ networks: network });
  await using server = Deno.serve(
    { hostname: "127.66.37.1", port: 0, onListen: () => {} },
    () => new Response("well"),
  );
  const readinessProbe = { httpGet: { port: server.addr.port }, periodSeconds: 1 };
  const containers = [{ name: "app", image: "spin", readinessProbe }];
  pods.apply(podOf("spin", { spec: { ...SPEC, containers } }));
  await world.eventually("it is ready", () => world.container("web")?.ready === true);
  await pods.shutdown(0);
});

Deno.test("forward() leads many connections at once to what listens in the pod", async () => {
  await using world = await World.open();
  const { network } = fakeNetwork(38);
  const pods = world.agent({ networks: network });
  pods.apply(podOf("spin", { spec: SPEC }));
  await world.phase("web", "Running");
  // On the loopback of the pod: nobody else gets there.
  using server = Deno.listen({ hostname: "127.67.38.1", port: 0 });
  const serving = echo(server);
  const forward = forwardOf({ pods, networks: network });
  const { port } = server.addr;
  const said = await Promise.all(Array.from({ length: 50 }, async (_, index) => {
    const client = new TransformStream<Uint8Array, Uint8Array>();
    const back = new TransformStream<Uint8Array, Uint8Array>();
    const data = { readable: client.readable, writable: back.writable };
    const done = forward({ port, data, closed: new AbortController().signal });
    const answer = new Response(back.readable).text();
    const writer = client.writable.getWriter();
    await writer.write(new TextEncoder().encode(`hello ${index}`));
    await writer.close();
    await done;
    return await answer;
  }));
  assert.deepEqual(said, said.map((_, index) => `hello ${index}`));
  server.close();
  await serving;
  await pods.shutdown(0);
});

Deno.test("forward() says in a kubelet's words that nobody listens", async () => {
  await using world = await World.open();
  const { network } = fakeNetwork(39);
  const pods = world.agent({ networks: network });
  pods.apply(podOf("spin", { spec: SPEC }));
  await world.phase("web", "Running");
  const forward = forwardOf({ pods, networks: network });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const closed = new AbortController().signal;
  await assert.rejects(
    forward({ port: 81, data: { readable, writable }, closed }),
    /dial tcp4 127\.0\.0\.1:81: connect: connection refused/,
  );
  await pods.shutdown(0);
});

function forwardOf(
  { pods, networks }: {
    readonly pods: ConstructorParameters<typeof PodStreams>[0];
    readonly networks: NonNullable<PodServices["networks"]>;
  },
): Extract<ReturnType<PodStreams["forward"]>, (...args: never[]) => unknown> {
  const provider = { arch: "", architecture: "", runtimeVersion: "" };
  const services = { provider: provider as never as PodServices["provider"], networks };
  const found = new PodStreams(pods, services).forward({ namespace: "default", pod: "web" });
  assert.ok(typeof found === "function");
  return found;
}

async function echo(server: Deno.TcpListener): Promise<void> {
  const served: Promise<void>[] = [];
  for await (const connection of server) {
    served.push(connection.readable.pipeTo(connection.writable));
  }
  await Promise.all(served);
}
