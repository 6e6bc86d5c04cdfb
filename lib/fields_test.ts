import assert from "node:assert/strict";
import type { Container, Pod } from "./api/types.ts";
import { type FieldFacts, fieldValue, findContainer, resourceFieldValue } from "./fields.ts";

const facts: FieldFacts = {
  nodeName: "edge-1",
  hostIPs: ["10.0.0.5", "fd00::5"],
  podIPs: ["10.244.3.7", "fd00:1::7"],
  allocatable: { cpu: "3500m", memory: "7Gi", "ephemeral-storage": "100Gi" },
};

const container: Container = {
  name: "app",
  resources: {
    limits: { cpu: "1.25", memory: ".5G", "hugepages-2Mi": "4Mi" },
    requests: { cpu: "500m", memory: "1024" },
  },
};

const pod: Pod = {
  metadata: {
    name: "web-0",
    namespace: "shop",
    uid: "7a1e",
    labels: { zone: "us-est-coast", cluster: "test-cluster1", "app.kubernetes.io/name": "web" },
    annotations: { builder: "john-doe", build: "two" },
  },
  spec: {
    serviceAccountName: "robot",
    containers: [container],
    initContainers: [{ name: "setup" }],
  },
};

Deno.test("fieldValue() knows every documented path", () => {
  const values: Record<string, string> = {
    "metadata.name": "web-0",
    "metadata.namespace": "shop",
    "metadata.uid": "7a1e",
    "metadata.labels['zone']": "us-est-coast",
    "metadata.labels['app.kubernetes.io/name']": "web",
    "metadata.annotations['builder']": "john-doe",
    "metadata.labels['absent']": "",
    "metadata.labels['constructor']": "",
    "spec.nodeName": "edge-1",
    "spec.host": "edge-1",
    "spec.serviceAccountName": "robot",
    "status.hostIP": "10.0.0.5",
    "status.hostIPs": "10.0.0.5,fd00::5",
    "status.podIP": "10.244.3.7",
    "status.podIPs": "10.244.3.7,fd00:1::7",
  };
  for (const [path, expected] of Object.entries(values)) {
    assert.equal(fieldValue(pod, path, facts), expected, path);
  }
});

Deno.test("fieldValue() accepts Krustlet's dot form", () => {
  assert.equal(fieldValue(pod, "metadata.labels.zone", facts), "us-est-coast");
  assert.equal(fieldValue(pod, "metadata.labels.app.kubernetes.io/name", facts), "web");
  assert.equal(fieldValue(pod, "metadata.annotations.build", facts), "two");
});

Deno.test("fieldValue() prints whole maps sorted, one quoted entry a line", () => {
  assert.equal(
    fieldValue(pod, "metadata.labels", facts),
    'app.kubernetes.io/name="web"\ncluster="test-cluster1"\nzone="us-est-coast"',
  );
  assert.equal(fieldValue({ metadata: {} }, "metadata.annotations", facts), "");
});

Deno.test("fieldValue() escapes values as Go's %q", () => {
  const rows: [string, string][] = [
    ['say "hi"\n', '"say \\"hi\\"\\n"'],
    ["C:\\dir\ttab", '"C:\\\\dir\\ttab"'],
    ["\x00\x1b\x7f", '"\\x00\\x1b\\x7f"'],
    ["größe 大 🚀", '"größe 大 🚀"'],
    ["\u0085\u00a0\u200b\u{e0001}", '"\\u0085\\u00a0\\u200b\\U000e0001"'],
    ["\x07\b\f\r\v", '"\\a\\b\\f\\r\\v"'],
  ];
  for (const [value, expected] of rows) {
    const annotated: Pod = { metadata: { annotations: { a: value } } };
    assert.equal(fieldValue(annotated, "metadata.annotations", facts), `a=${expected}`);
  }
});

Deno.test("fieldValue() is empty while the pod has no address", () => {
  assert.equal(fieldValue(pod, "status.podIP", { ...facts, podIPs: [] }), "");
  assert.equal(fieldValue(pod, "status.podIPs", { ...facts, podIPs: [] }), "");
});

Deno.test("fieldValue() lists what is supported when a path is not", () => {
  for (
    const path of [
      "metadata.nonexistent",
      "spec.status",
      "",
      "toString",
      "metadata.labels['']",
      "metadata.labels['two words']",
      "metadata.name['x']",
      "metadata.labels.",
    ]
  ) {
    assert.throws(() => fieldValue(pod, path, facts), {
      code: "invalid",
      message:
        /^Cannot read field ".*": it is not one of metadata\.name, .*metadata\.labels\['KEY'\]/,
    }, path);
  }
});

Deno.test("resourceFieldValue() divides by the divisor and rounds up", () => {
  const rows: [string, string | undefined, string][] = [
    ["limits.cpu", "1m", "1250"],
    ["limits.cpu", undefined, "2"],
    ["limits.cpu", "0", "2"],
    ["requests.cpu", "1", "1"],
    ["requests.cpu", "1m", "500"],
    ["limits.memory", "1M", "500"],
    ["limits.memory", "1Mi", "477"],
    ["requests.memory", "1Ki", "1"],
    ["requests.memory", undefined, "1024"],
    ["limits.hugepages-2Mi", "1Mi", "4"],
    ["requests.hugepages-2Mi", undefined, "0"],
    ["requests.ephemeral-storage", undefined, "0"],
  ];
  for (const [resource, divisor, expected] of rows) {
    const selector = divisor === undefined ? { resource } : { resource, divisor };
    const value = resourceFieldValue(container, selector, facts.allocatable);
    assert.equal(value, expected, `${resource} / ${divisor}`);
  }
});

Deno.test("resourceFieldValue() takes the node's allocatable for a missing limit", () => {
  const rows: [string, string, string][] = [
    ["limits.cpu", "1m", "3500"],
    ["limits.cpu", "1", "4"],
    ["limits.memory", "1Mi", "7168"],
    ["limits.ephemeral-storage", "1Gi", "100"],
    ["limits.hugepages-2Mi", "1", "0"],
    ["requests.cpu", "1m", "0"],
    ["requests.memory", "1", "0"],
  ];
  for (const [resource, divisor, expected] of rows) {
    const selector = { resource, divisor };
    assert.equal(resourceFieldValue({ name: "c" }, selector, facts.allocatable), expected);
  }
  const zero: Container = { name: "c", resources: { limits: { memory: "0" } } };
  assert.equal(
    resourceFieldValue(zero, { resource: "limits.memory", divisor: "1Gi" }, facts.allocatable),
    "7",
  );
  assert.equal(resourceFieldValue({ name: "c" }, { resource: "limits.cpu" }, {}), "0");
});

Deno.test("resourceFieldValue() refuses other resources", () => {
  for (const resource of ["limits.gpu", "cpu", "limits", "requests.example.com/dongle"]) {
    assert.throws(() => resourceFieldValue(container, { resource }, facts.allocatable), {
      code: "invalid",
      message: /^Cannot read resource/,
    });
  }
});

Deno.test("findContainer() looks among init containers too", () => {
  assert.equal(findContainer(pod, "app"), container);
  assert.equal(findContainer(pod, "setup").name, "setup");
  assert.throws(() => findContainer(pod, "nobody"), { message: "container nobody not found" });
});
