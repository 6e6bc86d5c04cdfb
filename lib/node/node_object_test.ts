import assert from "node:assert/strict";
import { describeNode, kubeletVersion, type NodeFacts } from "./node_object.ts";

const FACTS: NodeFacts = {
  settings: {
    nodeName: "edge-1",
    hostname: "edge-1.local",
    nodeIp: "10.0.0.9",
    nodeLabels: { disk: "ssd", "kubernetes.io/os": "windows" },
    registerWithTaints: undefined,
    maxPods: 7,
  },
  machine: {
    cpuMillis: 2_000,
    memoryBytes: 1024 ** 3,
    diskBytes: 1024 ** 4,
    hugePages: [],
    osImage: "Debian",
    kernelVersion: "6.1",
    machineId: "m",
    bootId: "b",
    systemUuid: "s",
  },
  backend: {
    arch: "wasm32-wasi",
    architecture: "wasm-wasi",
    runtimeVersion: "krustlet-wasi://2.0.0",
  },
  version: "2.0.0-alpha.0",
  port: 3000,
};

Deno.test("describeNode() is Krustlet's node: architecture, labels, taints", () => {
  const { node, warnings } = describeNode(FACTS);
  assert.equal(node.metadata?.name, "edge-1");
  assert.deepEqual(node.metadata?.labels, {
    "beta.kubernetes.io/arch": "wasm32-wasi",
    "beta.kubernetes.io/os": "linux",
    "disk": "ssd",
    "kubernetes.io/arch": "wasm32-wasi",
    "kubernetes.io/hostname": "edge-1.local",
    "kubernetes.io/os": "linux",
    "type": "krustlet",
  });
  assert.deepEqual(node.spec?.taints, [
    { key: "kubernetes.io/arch", value: "wasm32-wasi", effect: "NoSchedule" },
    { key: "kubernetes.io/arch", value: "wasm32-wasi", effect: "NoExecute" },
  ]);
  assert.equal(warnings.length, 1);
});

Deno.test("describeNode() tells what holds the guests, also if the backend cannot say", () => {
  const annotation = (backend: NodeFacts["backend"]): string | undefined =>
    describeNode({ ...FACTS, backend }).node.metadata?.annotations?.["krustlet.dev/sandbox"];
  const sandbox = "landlock (ABI 7: files, tcp), seccomp";
  assert.equal(annotation({ ...FACTS.backend, sandbox }), sandbox);
  assert.equal(annotation(FACTS.backend), "unknown");
});

Deno.test("describeNode() tells what keeps CPU limits, also if nothing does", () => {
  const annotation = (backend: NodeFacts["backend"]): string | undefined =>
    describeNode({ ...FACTS, backend }).node.metadata?.annotations?.["krustlet.dev/cpu-limits"];
  assert.equal(annotation({ ...FACTS.backend, cpuLimits: "stops" }), "stops");
  assert.equal(annotation(FACTS.backend), "none");
});

Deno.test("describeNode() tells what the machine is and where it is reached", () => {
  const status = describeNode(FACTS).node.status;
  assert.deepEqual(status?.addresses, [
    { type: "InternalIP", address: "10.0.0.9" },
    { type: "Hostname", address: "edge-1.local" },
  ]);
  assert.deepEqual(status?.daemonEndpoints, { kubeletEndpoint: { Port: 3000 } });
  assert.equal(status?.capacity?.["pods"], "7");
  assert.deepEqual(status?.declaredFeatures, [
    "ExtendWebSocketsToKubelet",
    "RestartAllContainersOnContainerExits",
  ]);
  assert.deepEqual(status?.nodeInfo, {
    machineID: "m",
    systemUUID: "s",
    bootID: "b",
    kernelVersion: "6.1",
    osImage: "Debian",
    containerRuntimeVersion: "krustlet-wasi://2.0.0",
    kubeletVersion: "v1.36.0+krustlet.2.0.0-alpha.0",
    kubeProxyVersion: "",
    operatingSystem: "linux",
    architecture: "wasm-wasi",
  });
});

Deno.test("describeNode() lets the user choose the taints, or none", () => {
  const withTaints = (registerWithTaints: NodeFacts["settings"]["registerWithTaints"]): unknown =>
    describeNode({ ...FACTS, settings: { ...FACTS.settings, registerWithTaints } }).node.spec;
  assert.deepEqual(withTaints([{ key: "k", effect: "NoExecute" }]), {
    taints: [{ key: "k", effect: "NoExecute" }],
  });
  assert.deepEqual(withTaints([]), {});
});

Deno.test("kubeletVersion() is semver whose precedence is the Kubernetes release's", () => {
  assert.match(kubeletVersion("2.0.0 dirty"), /^v1\.36\.0\+[0-9A-Za-z.-]+$/);
});
