import assert from "node:assert/strict";
import type { ContainerPort, Pod } from "./api/types.ts";
import { clashes, type HostPort, hostPortsOf } from "./host_ports.ts";

function pod(ports: ContainerPort[], spec: Partial<Pod["spec"]> = {}): Pod {
  return { spec: { containers: [{ name: "app", ports }], ...spec } };
}

Deno.test("hostPortsOf() knows the ports of containers and sidecars, with their defaults", () => {
  assert.deepEqual(
    hostPortsOf(pod([
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 53, hostPort: 53, protocol: "UDP", hostIP: "127.0.0.1" },
      { containerPort: 81 },
      { containerPort: 82, hostPort: 82, protocol: "QUIC" },
    ])),
    [
      { container: "app", containerPort: 80, hostPort: 8080, hostIP: undefined, protocol: "TCP" },
      { container: "app", containerPort: 53, hostPort: 53, hostIP: "127.0.0.1", protocol: "UDP" },
    ],
  );
  const ports = [{ containerPort: 80, hostPort: 80 }];
  const initContainers = [
    { name: "side", ports, restartPolicy: "Always" as const },
    { name: "once", ports: [{ containerPort: 90, hostPort: 90 }] },
  ];
  assert.deepEqual(
    hostPortsOf(pod([], { initContainers })).map(({ container }) => container),
    ["side"],
  );
  assert.deepEqual(hostPortsOf({}), []);
});

Deno.test("hostPortsOf() counts every port of a pod on the node's network", () => {
  const [port] = hostPortsOf(pod([{ containerPort: 81 }], { hostNetwork: true }));
  assert.deepEqual([port?.hostPort, port?.containerPort], [81, 81]);
});

Deno.test("clashes() judges as the scheduler does", () => {
  const port = (changes: Partial<HostPort>): HostPort => ({
    container: "app",
    containerPort: 80,
    hostPort: 80,
    hostIP: undefined,
    protocol: "TCP",
    ...changes,
  });
  const [one, local, any] = [{}, { hostIP: "127.0.0.1" }, { hostIP: "0.0.0.0" }].map(port);
  assert.ok(clashes(one!, one!) && clashes(one!, local!) && clashes(local!, any!));
  assert.ok(clashes(local!, local!));
  assert.ok(!clashes(local!, port({ hostIP: "127.0.0.2" })));
  assert.ok(!clashes(one!, port({ protocol: "UDP" })));
  assert.ok(!clashes(one!, port({ hostPort: 81 })));
  assert.ok(clashes(one!, port({ containerPort: 81 })));
});
