import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { Pod } from "../api/types.ts";
import { isKubeletError } from "../errors.ts";
import type { GuestNetwork, NetworkAnswer } from "../guest_network.ts";
import { fakeNetwork, podOf } from "./_fake_parts.ts";
import { NameRefused } from "./name_refused.ts";
import type { NodeNetwork } from "./node_network.ts";
import type { PolicyRules } from "./parts.ts";

const signal = new AbortController().signal;

Deno.test("take() gives each pod its own addresses, and the same ones again", async () => {
  const { network, addresses } = fakeNetwork(1);
  await using _ = network;
  assert.equal(network.podIPs("a"), undefined);
  await network.take(podOf("a"), signal);
  await network.take(podOf("b"), signal);
  await network.take(podOf("a"), signal);
  assert.deepEqual(network.podIPs("a"), ["127.66.1.1"]);
  assert.deepEqual(network.podIPs("b"), ["127.66.1.2"]);
  await network.releaseOthers((uid) => uid === "b");
  await network.release("b");
  assert.equal(network.podIPs("b"), undefined);
  assert.equal(addresses.places.size, 0);
});

Deno.test("take() rejects with a code that says to try again, whatever the trouble", async () => {
  const { network, addresses } = fakeNetwork(2);
  addresses.failure = new Error("all 254 addresses are taken");
  await assert.rejects(network.take(podOf("a"), signal), (error) => {
    assert.ok(isKubeletError(error, "network"));
    assert.match(error.message, /all 254 addresses are taken/);
    return true;
  });
  addresses.failure = undefined;
  await network.take(podOf("a"), signal);
  assert.deepEqual(network.podIPs("a"), ["127.66.2.1"]);
});

Deno.test("take() gives a pod with hostNetwork the node's addresses, and takes none", async () => {
  const { network, addresses } = fakeNetwork(3);
  await network.take(podOf("a", { hostNetwork: true }), signal);
  assert.deepEqual(network.podIPs("a"), ["127.0.0.1"]);
  assert.equal(addresses.places.size, 0);
  assert.equal(guestOf(network, "a").loopback, undefined);
  assert.deepEqual(await bind(network, "0.0.0.0", { port: 0 }), {
    endpoint: { ip: "0.0.0.0", port: 0 },
  });
});

Deno.test("take() opens the pod's ports of the node, and release() closes them", async () => {
  const open: string[] = [];
  const { network } = fakeNetwork(4, {
    openHostPorts: ({ metadata }, { podIPs }) => {
      const name = `${metadata?.name} ${podIPs}`;
      open.push(name);
      const close = (): Promise<void> => {
        open.splice(open.indexOf(name), 1);
        return Promise.resolve();
      };
      return Promise.resolve({ [Symbol.asyncDispose]: close });
    },
  });
  await network.take(podOf("a"), signal);
  await network.take(podOf("b"), signal);
  assert.deepEqual(open, ["a 127.66.4.1", "b 127.66.4.2"]);
  await network.release("a");
  assert.deepEqual(open, ["b 127.66.4.2"]);
  await network[Symbol.asyncDispose]();
  assert.deepEqual(open, []);
});

Deno.test("guest() has a listener for each TCP port of its container", async () => {
  const { network } = fakeNetwork(5);
  const ports = [
    { containerPort: 80 },
    { containerPort: 53, protocol: "UDP" as const },
    { containerPort: 81, protocol: "TCP" as const },
  ];
  const pod = podOf("a", {
    containers: [{ name: "app", image: "x", ports }, { name: "b", image: "x" }],
  });
  await network.take(pod, signal);
  assert.deepEqual(guestOf(network, "a").listeners, [
    { ip: "127.66.5.1", port: 80 },
    { ip: "127.66.5.1", port: 81 },
  ]);
  assert.deepEqual(network.guest("a", "b")?.listeners, []);
  assert.equal(network.guest("nobody", "b"), undefined);
  // The others of the pod find them.
  assert.deepEqual(await connect(network, "127.0.0.1", 80), {
    endpoint: { ip: "127.66.5.1", port: 80 },
    source: { ip: "127.66.5.1", port: 0 },
  });
});

Deno.test("guest() leads what is wanted of localhost to where the pod listens", async () => {
  const { network } = fakeNetwork(6);
  await network.take(podOf("a"), signal);
  const at = async (port: number): Promise<string> => {
    const answer = await connect(network, "127.0.0.1", port);
    return "endpoint" in answer ? answer.endpoint.ip : "";
  };
  assert.equal(await at(8080), "127.67.6.1");
  await bind(network, "0.0.0.0", { port: 8080 });
  assert.equal(await at(8080), "127.66.6.1");
  await bind(network, "127.0.0.1", { port: 8080 });
  assert.equal(await at(8080), "127.67.6.1");
  // Any port: it has to be known which one.
  const answer = await bind(network, "0.0.0.0", { port: 0 });
  assert.ok("endpoint" in answer && answer.endpoint.port > 0);
  assert.equal(await at(answer.endpoint.port), "127.66.6.1");
});

Deno.test("guest() refuses a port that somebody has, and tells of it once", async () => {
  const { network, told, asked } = fakeNetwork(7);
  await network.take(podOf("a"), signal);
  using stranger = Deno.listen({ hostname: "127.66.7.1", port: 0 });
  const { port } = stranger.addr;
  assert.deepEqual(await bind(network, "0.0.0.0", { port }), { refused: "addrinuse" });
  assert.deepEqual(await bind(network, "0.0.0.0", { port }), { refused: "addrinuse" });
  assert.equal(told.length, 1);
  assert.match(told[0]!, new RegExp(`^PortTaken: Cannot listen at 0.0.0.0:${port}/tcp: `));
  assert.deepEqual(asked.at(-1), { want: "bind", reason: "port-taken" });
  const udp = createSocket("udp4").bind(0, "127.66.7.1");
  await once(udp, "listening");
  const { port: taken } = udp.address();
  const protocol = "udp";
  assert.deepEqual(await bind(network, "0.0.0.0", { port: taken, protocol }), {
    refused: "addrinuse",
  });
  udp.close();
});

Deno.test("guest() tells each kind of refusal once, and counts all", async () => {
  const { network, told, asked } = fakeNetwork(8, {
    parts: { policy: policyOf(() => false) },
  });
  await network.take(podOf("a"), signal);
  for (const ip of ["1.1.1.1", "1.1.1.2"]) {
    assert.deepEqual(await connect(network, ip, 80), { refused: "acces" });
  }
  assert.deepEqual(told, [
    'NetworkRefused: Reaching 1.1.1.1:80/tcp is refused: nothing allows it in NetworkPolicy "none"',
  ]);
  assert.deepEqual(asked.map(({ reason }) => reason), ["policy", "policy"]);
});

Deno.test("guest() resolves the pod's own name, and what its list of hosts has", async () => {
  const learned: unknown[] = [];
  const { network } = fakeNetwork(9, {
    parts: {
      names: {
        resolve: (name) =>
          name === "away" ? Promise.reject(new Error("no answer")) : Promise.resolve(["192.0.2.1"]),
      },
      hostsOf: () => ({
        mayResolve: (name) => name !== "other.org",
        learned: (name, addresses) => void learned.push([name, addresses]),
        mayReach: ({ ip }) => ip === "192.0.2.1",
      }),
    },
  });
  await network.take(podOf("a", { hostname: "web" }), signal);
  const guest = guestOf(network, "a");
  const resolve = (name: string): Promise<NetworkAnswer> => guest.ask({ want: "resolve", name });
  assert.deepEqual(await resolve("WEB"), { addresses: ["127.66.9.1"] });
  assert.deepEqual(await resolve("Example.org."), { addresses: ["192.0.2.1"] });
  assert.deepEqual(learned, [["example.org", ["192.0.2.1"]]]);
  assert.deepEqual(await resolve("other.org"), { refused: "acces" });
  assert.deepEqual(await resolve("away"), { refused: "again" });
  assert.deepEqual(await connect(network, "192.0.2.2", 443), { refused: "acces" });
});

Deno.test("guest() is guarded while a policy says so, and tells each change once", async () => {
  let guarded = false;
  const policy = policyOf(() => true, () => guarded);
  const { network } = fakeNetwork(10, { parts: { policy } });
  await network.take(podOf("a"), signal);
  const guest = guestOf(network, "a");
  const told: boolean[] = [];
  using heard = guest.onGuardChanged((now) => void told.push(now));
  policy.changed();
  guarded = true;
  policy.changed();
  policy.changed();
  assert.equal(guest.guarded, true);
  assert.deepEqual(told, [true]);
  heard[Symbol.dispose]();
  guarded = false;
  policy.changed();
  assert.deepEqual(told, [true]);
});

Deno.test("guest() asks policies about the newest version of its pod", async () => {
  let newest: Pod = podOf("a");
  const policy = policyOf(({ metadata }) => metadata?.labels?.["app"] === "web");
  const { network } = fakeNetwork(11, { newest: () => newest, parts: { policy } });
  await network.take(newest, signal);
  assert.deepEqual(await connect(network, "1.1.1.1", 80), { refused: "acces" });
  newest = { ...newest, metadata: { ...newest.metadata, labels: { app: "web" } } };
  network.update(newest);
  assert.deepEqual(policy.held, [newest]);
  assert.deepEqual(await connect(network, "1.1.1.1", 80), {
    endpoint: { ip: "1.1.1.1", port: 80 },
  });
  await network.release("a");
  assert.deepEqual(policy.held, []);
});

Deno.test("guest() never leads to the loopback of another pod", async () => {
  const { network } = fakeNetwork(15);
  await network.take(podOf("a"), signal);
  await network.take(podOf("b"), signal);
  const source = (ip: string): { ip: string; port: number } => ({ ip, port: 0 });
  assert.deepEqual(await connect(network, "127.67.15.2", 80), {
    endpoint: { ip: "127.67.15.1", port: 80 },
    source: source("127.67.15.1"),
  });
  assert.deepEqual(await connect(network, "127.66.15.2", 80), {
    endpoint: { ip: "127.66.15.2", port: 80 },
    source: source("127.66.15.1"),
  });
});

Deno.test("dial() finds a server on the pod's loopback and on its address", async () => {
  const { network } = fakeNetwork(12);
  await network.take(podOf("a"), signal);
  for (const hostname of ["127.66.12.1", "127.67.12.1"]) {
    using server = Deno.listen({ hostname, port: 0 });
    const accepted = server.accept();
    using connection = await network.dial("a", server.addr.port, signal);
    using peer = await accepted;
    assert.equal(peer.localAddr.hostname, hostname);
    await connection.closeWrite();
  }
});

Deno.test("dial() reaches no server of the node's own, and says so in a kubelet's words", async () => {
  const { network, addresses } = fakeNetwork(13);
  addresses.places.set("a", { podIPs: ["192.0.2.7"], loopback: undefined, own: false });
  await network.take(podOf("a"), signal);
  using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = server.addr;
  await assert.rejects(
    network.dial("a", port, signal),
    /dial tcp4 127.0.0.1:\d+: connect: connection refused/,
  );
  await assert.rejects(network.dial("nobody", port, signal), /connection refused/);
});

Deno.test("100 pods listen on the same port, and each is found at its own address", async () => {
  const { network } = fakeNetwork(14);
  const servers = new DisposableStack();
  const port = 8_080;
  for (let index = 1; index <= 100; index++) {
    await network.take(podOf(`pod-${index}`), signal);
    const guest = guestOf(network, `pod-${index}`);
    const endpoint = { ip: "0.0.0.0", port };
    const answer = await guest.ask({ want: "bind", protocol: "tcp", endpoint });
    assert.ok("endpoint" in answer, JSON.stringify(answer));
    servers.use(Deno.listen({ hostname: answer.endpoint.ip, port }));
  }
  using _ = servers;
  for (const index of [1, 50, 100]) {
    using connection = await network.dial(`pod-${index}`, port, signal);
    const { remoteAddr } = connection as Deno.TcpConn;
    assert.equal(remoteAddr.hostname, `127.66.14.${index}`);
  }
});

function guestOf(network: NodeNetwork, uid: string): GuestNetwork {
  const guest = network.guest(uid, "app");
  assert.ok(guest);
  return guest;
}

function bind(
  network: NodeNetwork,
  ip: string,
  { port, protocol = "tcp" }: { readonly port: number; readonly protocol?: "tcp" | "udp" },
): Promise<NetworkAnswer> {
  return guestOf(network, "a").ask({ want: "bind", protocol, endpoint: { ip, port } });
}

function connect(network: NodeNetwork, ip: string, port: number): Promise<NetworkAnswer> {
  const endpoint = { ip, port };
  return guestOf(network, "a").ask({ want: "connect", protocol: "tcp", endpoint });
}

function policyOf(
  allows: (pod: Pod) => boolean,
  isGuarded: () => boolean = () => false,
): PolicyRules & { readonly held: Pod[]; changed(): void } {
  const held: Pod[] = [];
  const listeners = new Set<() => void>();
  return {
    held,
    hold: (pod) => {
      held.push(pod);
      return {
        update: (newer) => void held.splice(held.indexOf(pod), 1, pod = newer),
        [Symbol.dispose]: () => void held.splice(held.indexOf(pod), 1),
      };
    },
    judge: ({ pod }) =>
      allows(pod)
        ? { verdict: "allowed", policies: [] }
        : { verdict: "refused", policies: ["none"] },
    isGuarded,
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    changed: () => listeners.forEach((listener) => listener()),
  };
}

Deno.test("release() gives the address back though the pod's ports cannot be closed", async () => {
  const openHostPorts = (): Promise<AsyncDisposable> =>
    Promise.resolve({ [Symbol.asyncDispose]: () => Promise.reject(new Error("stuck")) });
  const { network, addresses } = fakeNetwork(91, { openHostPorts });
  await network.take(podOf("a"), signal);
  await assert.rejects(network.release("a"), /stuck/);
  assert.deepEqual([addresses.uids, network.podIPs("a")], [[], undefined]);
});

Deno.test("guest() lets a pod with a list of hosts ask a nameserver only where it is told from others", async () => {
  const nameserver = { ip: "127.0.0.1", port: 10_053 };
  const hosts = { mayResolve: () => false, learned: () => {}, mayReach: () => false };
  const { network } = fakeNetwork(92, {
    parts: { nameserver: () => nameserver, hostsOf: () => hosts },
  });
  await using _ = network;
  const ask = async (pod: Pod): Promise<NetworkAnswer> => {
    await network.take(pod, signal);
    const endpoint = { ip: "169.254.20.10", port: 53 };
    const guest = network.guest(pod.metadata?.uid ?? "", "app")!;
    return await guest.ask({ want: "send", protocol: "udp", endpoint });
  };
  const known = await ask(podOf("a"));
  assert.deepEqual(known, { endpoint: nameserver, source: { ip: "127.66.92.1", port: 0 } });
  assert.deepEqual(await ask(podOf("b", { hostNetwork: true })), { refused: "acces" });
});

Deno.test("guest() is refused names that nobody may be asked for, and that is told and counted", async () => {
  const policy = policyOf(() => false);
  const names = { resolve: () => Promise.reject(new NameRefused("by its policies")) };
  const { network, told, asked } = fakeNetwork(95, { parts: { policy, names } });
  await using _ = network;
  await network.take(podOf("a"), signal);
  const answer = await network.guest("a", "app")!.ask({ want: "resolve", name: "evil.test" });
  assert.deepEqual(answer, { refused: "acces" });
  const words = "is refused: nothing allows it in NetworkPolicy";
  assert.deepEqual(told, [`NetworkRefused: Looking up "evil.test" ${words} "none"`]);
  // What the server for names has refused is told and counted as well.
  network.refusedName("a", { name: "other.test", reason: "policy" });
  network.refusedName("a", { name: "third.test", reason: "allowed-hosts" });
  network.refusedName("gone", { name: "third.test", reason: "allowed-hosts" });
  assert.deepEqual(told.slice(1), [
    'NetworkRefused: Looking up "third.test" is refused: the pod\'s annotation does not list it',
  ]);
  assert.deepEqual(asked.map(({ want, reason }) => `${want} ${reason}`), [
    "resolve policy",
    "resolve policy",
    "resolve allowed-hosts",
  ]);
});

Deno.test("hosts() lets a pod without a place look up nothing: its last packets may still be on their way", async () => {
  const { network } = fakeNetwork(96);
  await using _ = network;
  await network.take(podOf("a"), signal);
  assert.equal(network.hosts("a"), undefined);
  await network.release("a");
  assert.equal(network.hosts("a")?.mayResolve("www.example.com"), false);
});

Deno.test("guest() lets a pod that nobody can tell from others ask the nameserver only if its policies do", async () => {
  const nameserver = { ip: "127.0.0.1", port: 10_053 };
  let verdict: "allowed" | "refused" = "refused";
  const policy = { ...policyOf(() => false), mayAskNames: () => verdict };
  const { network, addresses } = fakeNetwork(97, {
    parts: { policy, nameserver: () => nameserver },
  });
  await using _ = network;
  addresses.places.set("a", { podIPs: ["192.0.2.7"], loopback: undefined, own: false });
  await network.take(podOf("a"), signal);
  const endpoint = { ip: "169.254.20.10", port: 53 };
  const ask = (): Promise<NetworkAnswer> =>
    network.guest("a", "app")!.ask({ want: "send", protocol: "udp", endpoint });
  assert.deepEqual(await ask(), { refused: "acces" });
  verdict = "allowed";
  assert.deepEqual(await ask(), { endpoint: nameserver });
});

Deno.test("guest() reaches what is routed to other nodes from the pod's own address, unless that is loopback", async () => {
  const isRouted = (ip: string): boolean => ip.startsWith("192.0.2.");
  const { network, addresses } = fakeNetwork(94, { parts: { isRouted } });
  await using _ = network;
  const places = { far: "198.51.100.7", near: "127.66.94.2" };
  for (const [uid, ip] of Object.entries(places)) {
    addresses.places.set(uid, { podIPs: [ip], loopback: "127.67.94.9", own: true });
    await network.take(podOf(uid), signal);
  }
  const ask = async (uid: string, ip: string): Promise<NetworkAnswer> =>
    await network.guest(uid, "app")!.ask({
      ...{ want: "connect", protocol: "tcp" },
      endpoint: { ip, port: 80 },
    });
  assert.deepEqual(await ask("far", "192.0.2.9"), {
    endpoint: { ip: "192.0.2.9", port: 80 },
    source: { ip: "198.51.100.7", port: 0 },
  });
  assert.deepEqual(await ask("far", "203.0.113.9"), { endpoint: { ip: "203.0.113.9", port: 80 } });
  assert.deepEqual(await ask("near", "192.0.2.9"), { endpoint: { ip: "192.0.2.9", port: 80 } });
});

Deno.test("guest() opens no program of the node because a pod that shares its loopback declares its port", async () => {
  using stranger = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = stranger.addr;
  const { network, addresses } = fakeNetwork(93);
  await using _ = network;
  addresses.places.set("a", { podIPs: ["192.0.2.7"], loopback: undefined, own: false });
  const ports = [{ containerPort: port }];
  await network.take(podOf("a", { containers: [{ name: "app", image: "app", ports }] }), signal);
  const endpoint = { ip: "127.0.0.1", port };
  const answer = await network.guest("a", "app")!.ask({
    want: "connect",
    protocol: "tcp",
    endpoint,
  });
  assert.deepEqual(answer, { refused: "connrefused" });
  await assert.rejects(network.dial("a", port, signal), /connection refused/);
});
