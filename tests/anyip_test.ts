/** Pods with addresses that the cluster gave their node, and two nodes on one machine. */
import assert from "node:assert/strict";
import type { Cluster } from "./harness/cluster.ts";
import { RANGES } from "./harness/component_flags.ts";
import { eventually } from "./harness/eventually.ts";
import { type Krustlet, startKrustlet } from "./harness/kubelet.ts";
import { podManifest, podSpec, type PodWish } from "./harness/manifests.ts";
import { LINK, Neighbour, run, useNetNamespace } from "./harness/net_namespace.ts";
import { allowNetworkPolicies } from "./harness/network_rights.ts";
import type { Pod } from "./harness/objects.ts";
import { freePort } from "./harness/ports.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import { type PodRef, waitEnded, waitEvent, waitPod, waitRunning } from "./harness/wait_pod.ts";

const POLICIES = "/apis/networking.k8s.io/v1/networkpolicies";
const PORT = 8080;
/** Go's modules are compiled when they are seen first, on a busy machine. */
const COMPILED_WITHIN_MS = 180_000;
/** Routes are looked at once a minute. */
const ROUTE_BACK_WITHIN_MS = 150_000;
const SERVING = ["serve", `0.0.0.0:${PORT}`];

const where = useNetNamespace(import.meta.url);
const mode = where === "inside" ? "anyip" : "loopback";
const ARGS = ["--pod-network", mode, "--cluster-cidr", RANGES.pods.join(",")];
let neighbour: Neighbour | undefined;
let second: Promise<Krustlet> | undefined;

if (where === "inside") {
  Deno.test.beforeAll(async () => {
    neighbour = await Neighbour.open(RANGES.pods);
  });
  Deno.test.afterAll(async () => {
    await neighbour?.[Symbol.asyncDispose]();
  });
}
if (where !== "outside") {
  const scenario = useTestbed({ args: ARGS, plane: { dualStack: true } });
  Deno.test.afterAll(async () => {
    await (await second)?.[Symbol.asyncDispose]();
  });
  if (where === "inside") {
    scenario("a Deployment is called by its Service, by name, and from this machine", callService);
    scenario("pods of two nodes call each other, and see who calls", callAcross);
    scenario("NetworkPolicies choose who enters a pod from another node", guardEntry);
    scenario("NetworkPolicies choose which pods of another node a pod reaches", guardExit);
    scenario("another machine reaches a pod by its address and by its host port", callFromOutside);
    scenario(
      "a pod reaches pods of another machine, and nothing else there, by its own address",
      callOut,
    );
    scenario("pods have an address of each family, and are called by IPv6", callBothFamilies);
    scenario("a pod keeps its address and its route when its agent starts anew", keepAddress);
    scenario("a route that a stranger takes away comes back", keepRoute);
  } else {
    const alone = "no network namespace can be made here, so pods have loopback addresses:";
    scenario(`${alone} this machine reaches those of two nodes`, callLoopback);
  }
}

async function callService(scene: Scene): Promise<void> {
  const { cluster, namespace, node } = scene;
  const image = await scene.image("gonet_web");
  await scene.create("/apis/apps/v1/deployments", {
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: podSpec({
          nodeName: node.nodeName,
          restartPolicy: "Always",
          containers: [{
            image,
            args: SERVING,
            ports: [{ name: "http", containerPort: PORT }],
            readinessProbe: { httpGet: { path: "/probe", port: "http" }, periodSeconds: 1 },
          }],
          spec: { terminationGracePeriodSeconds: 0 },
        }),
      },
    },
  });
  await scene.create("services", {
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] },
  });
  const path = `/api/v1/namespaces/${namespace}`;
  const servers = await eventually("both servers to be ready", async () => {
    const { items } = await cluster.get<{ items: Pod[] }>(`${path}/pods?labelSelector=app%3Dweb`);
    const ready = items.filter(({ status }) => status.containerStatuses?.[0]?.ready);
    return ready.length === 2 ? ready : undefined;
  }, { withinMs: COMPILED_WITHIN_MS });
  for (const server of servers) {
    const address = await addressOf(server, node);
    assert.match(await asked(`http://${address}:${PORT}/machine`), /^\/machine for [\d.]+:\d+\n$/);
  }
  const { spec } = await cluster.get<{ spec: { clusterIP: string } }>(`${path}/services/web`);
  const urls = {
    address: `http://${spec.clusterIP}/called`,
    name: "http://web/called",
    "full-name": `http://web.${namespace}.svc.cluster.local/called`,
  };
  for (const [name, url] of Object.entries(urls)) {
    await mustGet(scene, { name, node, url });
  }
}

async function callAcross(scene: Scene): Promise<void> {
  const nodes = { first: scene.node, second: await secondNode(scene) };
  const addresses = new Set<string>();
  for (const [name, node] of Object.entries(nodes)) {
    const server = await serve(scene, { name: `server-${name}`, node });
    const address = await addressOf(server, node);
    addresses.add(address);
    const other = node === nodes.first ? nodes.second : nodes.first;
    await mustGet(scene, {
      name: `to-${name}`,
      node: other,
      url: `http://${address}:${PORT}/called`,
    });
    await scene.create("services", {
      metadata: { name: `web-${name}` },
      spec: { selector: { app: `server-${name}` }, ports: [{ port: 80, targetPort: PORT }] },
    });
    await mustGet(scene, {
      name: `to-service-${name}`,
      node: other,
      url: `http://web-${name}/called`,
    });
  }
  assert.equal(addresses.size, 2);
}

/** The pod's node hears of those that come from the other one by a watch, with their labels. */
async function guardEntry(scene: Scene): Promise<void> {
  const { cluster, node } = scene;
  await allowNetworkPolicies(cluster);
  await using partners = await cluster.namespace("partners");
  const elsewhere = { ...scene, namespace: partners.name };
  await label(cluster, partners.name, { team: "partner" });
  // Before there is a pod for it, so that it holds from the first connection on.
  await scene.create(POLICIES, {
    metadata: { name: "guests" },
    spec: {
      podSelector: { matchLabels: { app: "server" } },
      ingress: [{
        from: [{ podSelector: { matchLabels: { role: "friend" } } }, {
          namespaceSelector: { matchLabels: { team: "partner" } },
          podSelector: { matchLabels: { role: "envoy" } },
        }],
        ports: [{ port: "http" }],
      }],
    },
  });
  const server = await serve(scene, { name: "server", node: await secondNode(scene) });
  const url = `http://${await addressOf(server, await secondNode(scene))}:${PORT}/called`;
  await mustGet(scene, { name: "friend", node, url, labels: { role: "friend" } });
  await mustGet(elsewhere, { name: "envoy", node, url, labels: { role: "envoy" } });
  const strangers = [
    { at: scene, name: "stranger", labels: { role: "envoy" } },
    { at: elsewhere, name: "far-stranger", labels: { role: "friend" } },
  ];
  for (const { at, ...who } of strangers) {
    await mustNotGet(
      at,
      { ...who, node, url },
      /EOF|connection reset|broken pipe|closed idle connection/i,
    );
  }
  await waitEvent(cluster, { namespace: scene.namespace, name: "server" }, {
    reason: "NetworkRefused",
    message: /"guests"/,
  });
  // What is true of a namespace may change while the connections come.
  await label(cluster, partners.name, { team: null });
  await eventually("the envoy's namespace to be no partner's", async () => {
    const name = `former-${crypto.randomUUID().slice(0, 8)}`;
    const wish = { name, node, url, labels: { role: "envoy" } };
    return (await tryGet(elsewhere, wish)).status.phase === "Failed";
  }, { withinMs: COMPILED_WITHIN_MS });
}

/** Here it is the client's node that hears of the other one's pods. */
async function guardExit(scene: Scene): Promise<void> {
  const { cluster, node, namespace } = scene;
  await allowNetworkPolicies(cluster);
  const far = await secondNode(scene);
  await scene.create(POLICIES, {
    metadata: { name: "only-to-shop" },
    spec: {
      podSelector: { matchLabels: { role: "limited" } },
      policyTypes: ["Egress"],
      egress: [{
        to: [{
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
          podSelector: { matchLabels: { app: "shop" } },
        }],
        ports: [{ port: "http" }],
      }],
    },
  });
  const urls: Record<string, string> = {};
  for (const name of ["shop", "vault"]) {
    const address = await addressOf(await serve(scene, { name, node: far }), far);
    urls[name] = `http://${address}:${PORT}/called`;
  }
  const labels = { role: "limited" };
  await mustGet(scene, { name: "to-shop", node, url: urls["shop"]!, labels });
  await mustGet(scene, { name: "free", node, url: urls["vault"]! });
  await mustNotGet(
    scene,
    { name: "to-vault", node, url: urls["vault"]!, labels },
    /permission denied/i,
  );
  await waitEvent(cluster, { namespace, name: "to-vault" }, {
    reason: "NetworkRefused",
    message: /"only-to-shop"/,
  });
}

/** Where an address of 127.0.0.0/8 means the pod's own loopback, unless it is that of a pod of the same node. */
async function callLoopback(scene: Scene): Promise<void> {
  const { node } = scene;
  const other = await secondNode(scene);
  const addresses: string[] = [];
  for (const [name, where] of Object.entries({ near: node, far: other })) {
    const address = await addressOf(await serve(scene, { name, node: where }), where);
    assert.match(await asked(`http://${address}:${PORT}/machine`), /^\/machine for 127\./);
    addresses.push(address);
  }
  const [near, far] = addresses.map((address) => `http://${address}:${PORT}/called`);
  assert.notEqual(near, far);
  await mustGet(scene, { name: "to-near", node, url: near! });
  const image = await scene.image("gonet_web");
  const ref = await start(scene, {
    ...{ name: "to-far", nodeName: node.nodeName },
    containers: [{ image, args: ["get", "1", far!] }],
  });
  await waitEnded(scene.cluster, ref, "Failed", COMPILED_WITHIN_MS);
  assert.match(await scene.kubectl("logs", "to-far"), /connection refused/i);
}

async function callFromOutside(scene: Scene): Promise<void> {
  const { node } = scene;
  const hostPort = freePort();
  const server = await serve(scene, { name: "server", node, hostPort });
  const address = await addressOf(server, node);
  const { machine, neighbour: { ipv4 } } = LINK;
  const seen = await neighbour!.get(`http://${address}:${PORT}/pod`);
  assert.match(seen, new RegExp(`^/pod for ${ipv4.replaceAll(".", "\\.")}:\\d+\n$`));
  for (const host of [machine.ipv4, `[${machine.ipv6}]`]) {
    const answer = await neighbour!.get(`http://${host}:${hostPort}/host-port`);
    assert.match(answer, /^\/host-port for [\d.]+:\d+\n$/);
  }
}

/** The network leads a part of the pods' range to the neighbour, as to another node. */
async function callOut(scene: Scene): Promise<void> {
  const { cluster, node } = scene;
  const far = "10.244.200.2";
  await run("ip", "route", "add", `${far}/32`, "via", LINK.neighbour.ipv4);
  await neighbour!.run("ip", "addr", "add", `${far}/32`, "dev", "lo");
  await using _ = await neighbour!.serve(PORT);
  const image = await scene.image("gonet_web");
  const seen: Record<string, string> = { [far]: "", [LINK.neighbour.ipv4]: LINK.machine.ipv4 };
  for (const [index, [host, sender]] of Object.entries(seen).entries()) {
    const ref = await start(scene, {
      ...{ name: `out-${index}`, nodeName: node.nodeName },
      containers: [{ image, args: ["get", "1", `http://${host}:${PORT}/`] }],
    });
    const pod = await waitEnded(cluster, ref, "Succeeded", COMPILED_WITHIN_MS);
    assert.equal(await logOf(scene, ref.name), `from ${sender || await addressOf(pod, node)}\n`);
  }
}

async function callBothFamilies(scene: Scene): Promise<void> {
  const { cluster, registry, node } = scene;
  // By hand, so that the address of its first pod is known before: nobody is given ::0 and ::1.
  const ranges = ["fd00:10:244:ff::/64", "10.244.255.0/24"];
  const args = ["serve", `[fd00:10:244:ff::2]:${PORT}`];
  await using six = await startKrustlet(cluster, {
    args: ["--pod-network", mode, "--pod-cidr", ranges.join(",")],
    insecureRegistries: [registry.host],
  });
  const server = await serve(scene, { name: "server", node: six, args });
  const ips = (server.status.podIPs ?? []).map(({ ip }) => ip);
  assert.equal(ips.length, 2);
  ips.forEach((ip, at) => assertOfRange(ip, ranges[at]));
  const url = `http://[${ips[0]}]:${PORT}/called`;
  assert.match(await asked(url), /^\/called for \[[\da-f:]+\]:\d+\n$/);
  assert.ok((await neighbour!.get(url)).startsWith(`/called for [${LINK.neighbour.ipv6}]:`));
  await scene.create("services", {
    metadata: { name: "web" },
    spec: {
      selector: { app: "server" },
      ipFamilies: ["IPv6"],
      ports: [{ port: 80, targetPort: "http" }],
    },
  });
  const { spec } = await cluster.get<{ spec: { clusterIP: string } }>(
    `/api/v1/namespaces/${scene.namespace}/services/web`,
  );
  const urls = {
    address: url,
    service: `http://[${spec.clusterIP}]/called`,
    name: "http://web/called",
  };
  for (const [name, url] of Object.entries(urls)) {
    await mustGet(scene, { name, node, url, family: 1 });
  }
}

async function keepAddress(scene: Scene): Promise<void> {
  const { cluster, node } = scene;
  const before = await serve(scene, { name: "steady", node, restartPolicy: "Always" });
  const address = await addressOf(before, node);
  for (const [at, signal] of (["SIGKILL", "SIGTERM"] as const).entries()) {
    await node.end(signal);
    assert.match(await routeTo(address), /^local /);
    await node.restart();
    const ref = { namespace: scene.namespace, name: "steady" };
    const after = await waitPod(cluster, ref, {
      to: `run again after ${signal}`,
      wanted: ({ status: { containerStatuses: [main] = [] } }) =>
        main?.ready === true && main.restartCount > at,
      withinMs: COMPILED_WITHIN_MS,
    });
    assert.deepEqual(after.status.podIPs, before.status.podIPs);
    const url = `http://${address}:${PORT}/again`;
    assert.match(await servedAt(url), /^\/again for /);
  }
}

async function keepRoute(scene: Scene): Promise<void> {
  const { node } = scene;
  const server = await serve(scene, { name: "server", node });
  const ips = (server.status.podIPs ?? []).map(({ ip }) => ip);
  const ranges = (await node.node())?.spec.podCIDRs ?? [];
  assert.equal(ranges.length, 2);
  for (const range of ranges) await run("ip", "route", "del", "local", range, "dev", "lo");
  for (const ip of ips) assert.doesNotMatch(await routeTo(ip), /^local /);
  for (const ip of ips) {
    await eventually(`the route to ${ip}`, async () => /^local /.test(await routeTo(ip)), {
      withinMs: ROUTE_BACK_WITHIN_MS,
    });
  }
  const [address] = ips;
  assert.match(await asked(`http://${address}:${PORT}/back`), /^\/back for /);
  const log = await node.log();
  for (const range of ranges) assert.ok(log.includes(`The route to range ${range} was gone`));
}

/** A pod that is to run on a node. */
interface Wish extends Pick<PodWish, "name" | "labels" | "restartPolicy"> {
  readonly node: Krustlet;
  readonly hostPort?: number;
  readonly args?: readonly string[];
}

/** Starts a server, and waits until it serves. Its label `app` is its name. */
async function serve(scene: Scene, wish: Wish): Promise<Pod> {
  const { name, node, hostPort, args = SERVING, ...more } = wish;
  const port = { name: "http", containerPort: PORT };
  const ref = await start(scene, {
    ...{ name, labels: { app: name }, nodeName: node.nodeName, ...more },
    containers: [{
      image: await scene.image("gonet_web"),
      args,
      ports: [hostPort === undefined ? port : { ...port, hostPort }],
      readinessProbe: { httpGet: { path: "/probe", port: "http" }, periodSeconds: 1 },
    }],
    spec: { terminationGracePeriodSeconds: 0 },
  });
  return await waitRunning(scene.cluster, ref, COMPILED_WITHIN_MS);
}

/** A pod that asks a server. */
interface Asking extends Pick<Wish, "name" | "node" | "labels"> {
  readonly url: string;
  /** Which of its own addresses the server is to see. @default 0 */
  readonly family?: 0 | 1;
}

/** A pod asks for a path "/called", and is answered by somebody who sees its own address of that family. */
async function mustGet(scene: Scene, wish: Asking): Promise<void> {
  const { name, family = 0 } = wish;
  const ref = await startAsking(scene, wish);
  const { status } = await waitEnded(scene.cluster, ref, "Succeeded", COMPILED_WITHIN_MS);
  const ip = status.podIPs?.[family]?.ip ?? "none";
  const log = await logOf(scene, name);
  const sender = ip.includes(":") ? `[${ip}]` : ip;
  assert.ok(log.includes(`/called for ${sender}:`), `${name} is ${ip}, and is told: ${log}`);
}

/** A pod asks, and fails with these words. */
async function mustNotGet(scene: Scene, wish: Asking, words: RegExp): Promise<void> {
  const ref = await startAsking(scene, wish);
  await waitEnded(scene.cluster, ref, "Failed", COMPILED_WITHIN_MS);
  assert.match(await logOf(scene, wish.name), words);
}

/** A pod asks, and has ended. */
async function tryGet(scene: Scene, wish: Asking): Promise<Pod> {
  return await waitPod(scene.cluster, await startAsking(scene, wish), {
    to: "end",
    wanted: ({ status: { phase } }) => phase === "Succeeded" || phase === "Failed",
    withinMs: COMPILED_WITHIN_MS,
  });
}

async function startAsking(scene: Scene, { name, node, url, labels }: Asking): Promise<PodRef> {
  const image = await scene.image("gonet_web");
  return await start(scene, {
    ...{ name, nodeName: node.nodeName },
    ...(labels === undefined ? {} : { labels }),
    containers: [{ image, args: ["get", "4", url] }],
  });
}

async function logOf({ cluster, namespace }: Scene, name: string): Promise<string> {
  return await cluster.kubectl(["-n", namespace, "logs", name]);
}

async function label(
  cluster: Cluster,
  namespace: string,
  labels: Readonly<Record<string, string | null>>,
): Promise<void> {
  await cluster.patch(`/api/v1/namespaces/${namespace}`, { metadata: { labels } });
}

async function start(scene: Scene, wish: PodWish): Promise<PodRef> {
  const { cluster, namespace } = scene;
  await cluster.create(`/api/v1/namespaces/${namespace}/pods`, podManifest(wish));
  return { namespace, name: wish.name };
}

/** Another agent of this machine, for all tests of the file. */
function secondNode({ cluster, registry }: Scene): Promise<Krustlet> {
  return second ??= startKrustlet(cluster, {
    args: ARGS,
    insecureRegistries: [registry.host],
  });
}

/** A pod's first address, which is of its node's range. */
async function addressOf({ status: { podIP = "" } }: Pod, node: Krustlet): Promise<string> {
  if (mode === "loopback") assert.match(podIP, /^127\.\d+\.\d+\.\d+$/);
  else assertOfRange(podIP, (await node.node())?.spec.podCIDRs?.[0]);
  return podIP;
}

/** The ranges of these nodes end between two numbers of an address: `/24`, `/64`. */
function assertOfRange(ip: string, range = "none"): void {
  const [prefix = ""] = range.split("/");
  const start = range.includes(":") ? prefix.replace(/::$/, ":") : prefix.replace(/0$/, "");
  assert.ok(ip.startsWith(start), `${ip} is not of ${range}`);
}

async function routeTo(ip: string): Promise<string> {
  return await run("ip", "route", "get", ip).catch((error) => String(error));
}

/** What a server says as soon as it is there. */
async function servedAt(url: string): Promise<string> {
  return await eventually(`somebody to serve ${url}`, () => asked(url), {
    withinMs: COMPILED_WITHIN_MS,
  });
}

async function asked(url: string): Promise<string> {
  const response = await fetch(url, {
    headers: { connection: "close" },
    signal: AbortSignal.timeout(10_000),
  });
  return await response.text();
}
