import assert from "node:assert/strict";
import { eventually } from "../api/_test_server.ts";
import type { ContainerPort, Pod } from "../api/types.ts";
import { HOST_PORT_CONFLICT, HostPorts, type HostPortsOptions } from "./host_ports.ts";

/** Addresses that no other test has: a port that was free just now still is. */
const [NODE, OTHER, POD_IP] = [203, 204, 205].map((second) =>
  `127.${second}.${Deno.pid >> 8 & 0xff}.${Deno.pid & 0xff}`
) as [string, string, string];

function podWith(ports: ContainerPort[], spec: Partial<Pod["spec"]> = {}): Pod {
  return {
    metadata: { name: "web", uid: "a" },
    spec: { containers: [{ name: "app", ports }], ...spec },
  };
}

function freePort(hostname = NODE): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

function hostPorts(options: Partial<HostPortsOptions> = {}): {
  told: string[];
  ports: HostPorts;
} {
  const told: string[] = [];
  const ports = new HostPorts({
    tell: (pod, reason, message) => told.push(`${pod.metadata?.name} ${reason} ${message}`),
    addresses: () => [NODE],
    retryMs: 1,
    ...options,
  });
  return { told, ports };
}

function binds(hostname: string, port: number): boolean {
  try {
    Deno.listen({ hostname, port }).close();
    return true;
  } catch {
    return false;
  }
}

const PLACE = { podIPs: [POD_IP], own: true };
const linux = { ignore: Deno.build.os !== "linux" };

Deno.test(
  "open() leads a port of the node to the pod, which can bind the same one",
  linux,
  async () => {
    const { told, ports } = hostPorts();
    const hostPort = freePort();
    const forward = await ports.open(podWith([{ containerPort: hostPort, hostPort }]), PLACE);
    using pod = Deno.listen({ hostname: POD_IP, port: hostPort });
    using client = await Deno.connect({ hostname: NODE, port: hostPort });
    using server = await pod.accept();
    await server.write(Uint8Array.of(1));
    assert.equal(await client.read(new Uint8Array(2)), 1);
    assert.ok(!binds(NODE, hostPort));
    await forward[Symbol.asyncDispose]();
    assert.ok(binds(NODE, hostPort));
    assert.deepEqual(told, []);
  },
);

Deno.test(
  "open() tells of a port that somebody has, once, and takes it when it is free",
  linux,
  async () => {
    const { told, ports } = hostPorts();
    const taken = Deno.listen({ hostname: NODE, port: 0 });
    const { port: hostPort } = taken.addr;
    await using _forward = await ports.open(podWith([{ containerPort: 80, hostPort }]), PLACE);
    assert.equal(told.length, 1);
    const [first = ""] = told;
    assert.ok(
      first.startsWith(`web ${HOST_PORT_CONFLICT} Cannot open host port ${hostPort} (TCP) of`),
    );
    assert.ok(first.includes(`; process ${Deno.pid} (`), first);
    taken.close();
    await eventually("the port is the pod's", () => !binds(NODE, hostPort));
    assert.equal(told.length, 1);
  },
);

Deno.test("open() binds what hostIP says, and follows the node's addresses", linux, async () => {
  let addresses = [NODE, OTHER];
  const { told, ports } = hostPorts({ addresses: () => addresses });
  const [one, all, taken] = [freePort(), freePort(), freePort()];
  using _stranger = Deno.listen({ hostname: NODE, port: taken });
  const pod = podWith([
    { containerPort: 80, hostPort: one, hostIP: "127.0.0.4" },
    { containerPort: 80, hostPort: all, hostIP: "0.0.0.0" },
    // It is tried again and again, and so the others are looked at.
    { containerPort: 80, hostPort: taken, hostIP: NODE },
  ]);
  await using _forward = await ports.open(pod, PLACE);
  const open = (ip: string, port: number): boolean => !binds(ip, port);
  assert.deepEqual([open(NODE, one), open("127.0.0.4", one)], [false, true]);
  assert.deepEqual([open(NODE, all), open(OTHER, all)], [true, true]);
  addresses = [NODE];
  await eventually("it is closed where the node is no more", () => binds(OTHER, all));
  assert.ok(open(NODE, all));
  assert.equal(told.length, 1);
});

Deno.test("open() asks who may come in, by the pod's own port", linux, async () => {
  const asked: unknown[] = [];
  const { ports } = hostPorts({
    admits: ({ pod, peer, port, protocol }) => {
      asked.push([pod.metadata?.name, peer.ip, port, protocol]);
      return false;
    },
  });
  const hostPort = freePort();
  await using _forward = await ports.open(podWith([{ containerPort: 80, hostPort }]), PLACE);
  using client = await Deno.connect({ hostname: NODE, port: hostPort });
  assert.equal(await client.read(new Uint8Array(2)).catch(() => null), null);
  assert.deepEqual(asked, [["web", "127.0.0.1", 80, "TCP"]]);
});

Deno.test("open() leads UDP as well, and leaves SCTP alone", linux, async () => {
  const { told, ports } = hostPorts();
  const hostPort = freePort();
  const both = podWith([
    { containerPort: 80, hostPort, protocol: "UDP" },
    { containerPort: 80, hostPort, protocol: "SCTP" },
  ]);
  await using _forward = await ports.open(both, PLACE);
  assert.ok(binds(NODE, hostPort), "it is not of TCP");
  assert.deepEqual(told, []);
  // Of the two only the one that is there already can be refused.
  await using _other = await ports.open(both, PLACE);
  assert.equal(told.length, 1);
  assert.match(told[0]!, /\(UDP\) of container "app" on 127\..*: .*EADDRINUSE/);
});

Deno.test("open() has nothing to do where the pod binds the node's own ports", linux, async () => {
  const { ports } = hostPorts();
  const [same, other] = [freePort(), freePort()];
  const ports80 = [{ containerPort: same, hostPort: same }, { containerPort: 80, hostPort: other }];
  await using _host = await ports.open(podWith(ports80, { hostNetwork: true }), PLACE);
  assert.deepEqual([binds(NODE, same), binds(NODE, other)], [true, true]);
  await using _shared = await ports.open(podWith(ports80), { podIPs: [NODE], own: false });
  assert.deepEqual([binds(NODE, same), binds(NODE, other)], [true, false]);
});

Deno.test("HostPorts bind the addresses of this machine", linux, async () => {
  const ports = new HostPorts({ tell: () => {} });
  const hostPort = freePort("0.0.0.0");
  await using _forward = await ports.open(podWith([{ containerPort: 80, hostPort }]), PLACE);
  assert.ok(!binds("127.0.0.1", hostPort));
  assert.ok(binds(NODE, hostPort), "what is no address of an interface is free for pods");
});

Deno.test("open() tells once of a port that somebody has on all addresses", linux, async () => {
  const { told, ports } = hostPorts({ addresses: () => [NODE, OTHER] });
  using taken = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const pod = podWith([{ containerPort: 80, hostPort: taken.addr.port }]);
  await using _forward = await ports.open(pod, PLACE);
  assert.equal(told.length, 1);
  assert.ok(told[0]!.includes(` on ${NODE}, ${OTHER}: Address already in use`), told.join());
});

Deno.test(
  "open() opens no port at an address of pods, whoever names it as hostIP",
  linux,
  async () => {
    const { told, ports } = hostPorts({ isOfPods: (ip) => ip === OTHER });
    const [theirs, own] = [freePort(OTHER), freePort()];
    const pod = podWith([
      { containerPort: 80, hostPort: theirs, hostIP: OTHER },
      { containerPort: 80, hostPort: own, hostIP: NODE },
    ]);
    await using _forward = await ports.open(pod, PLACE);
    assert.deepEqual([binds(OTHER, theirs), binds(NODE, own)], [true, false]);
    assert.equal(told.length, 1);
    assert.match(
      told[0]!,
      /: it is an address of pods, and none of the node; the pod runs without/,
    );
  },
);

Deno.test(
  "open() goes on though the addresses of the machine cannot be told for a while",
  linux,
  async () => {
    let looks = 0;
    const addresses = (): string[] => {
      if (++looks > 1 && looks < 4) throw new Error("too many open files");
      return looks === 1 ? [NODE] : [NODE, OTHER];
    };
    const { ports } = hostPorts({ addresses });
    const [hostPort, taken] = [freePort(), freePort()];
    using _stranger = Deno.listen({ hostname: NODE, port: taken });
    const pod = podWith([
      { containerPort: 80, hostPort },
      // It is tried again and again, and so the others are looked at.
      { containerPort: 80, hostPort: taken },
    ]);
    await using _forward = await ports.open(pod, PLACE);
    await eventually("the new address is open", () => !binds(OTHER, hostPort));
  },
);
