import assert from "node:assert/strict";
import type { Pod } from "../../api/types.ts";
import { pod } from "./_world.ts";
import { factsOf, PodTable, trimPod } from "./pod_table.ts";

Deno.test("PodTable knows pods by their addresses in any form, until they end", () => {
  const table = new PodTable();
  table.apply(pod("web", { labels: { app: "web" }, ips: ["10.0.0.1", "2001:DB8:0:0::1"] }));
  assert.deepEqual(table.at("10.0.0.1")?.labels, { app: "web" });
  assert.deepEqual(table.at("2001:db8::1")?.labels, { app: "web" });
  table.apply(pod("web", { labels: { app: "web" }, ips: ["10.0.0.2"] }));
  assert.equal(table.at("10.0.0.1"), undefined);
  assert.equal(table.size, 1);
  for (const phase of ["Succeeded", "Failed"] as const) {
    const ended = pod("web", { ips: ["10.0.0.2"] });
    table.apply({ ...ended, status: { ...ended.status, phase } });
    assert.equal(table.at("10.0.0.2"), undefined);
    assert.equal(table.size, 0);
  }
  table.apply(pod("agent", { ips: ["192.168.7.1"], spec: { hostNetwork: true } }));
  table.apply(pod("pending"));
  table.apply({ ...pod("old"), status: { podIP: "10.0.0.3" } });
  assert.equal(table.size, 1);
  assert.equal(table.at("10.0.0.3")?.namespace, "shop");
});

Deno.test("PodTable gives an address to the newer pod, whatever becomes of the older one", () => {
  const table = new PodTable();
  const older = pod("older", { labels: { app: "older" }, ips: ["10.0.0.1"] });
  const leaving = {
    ...older,
    metadata: { ...older.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
  };
  table.apply(older);
  table.apply(pod("newer", { labels: { app: "newer" }, ips: ["10.0.0.1"] }));
  assert.equal(table.at("10.0.0.1")?.labels.app, "newer");
  table.apply(leaving);
  assert.equal(table.at("10.0.0.1")?.labels.app, "newer");
  table.delete("uid-shop-older");
  assert.equal(table.at("10.0.0.1")?.labels.app, "newer");
  table.delete("uid-shop-newer");
  assert.equal(table.at("10.0.0.1"), undefined);
});

Deno.test("factsOf() has the named ports of what runs on, sidecars with it", () => {
  const container = (name: string, more = {}): NonNullable<Pod["spec"]>["containers"][number] => ({
    name,
    ports: [{ name, containerPort: 80 }, { containerPort: 81 }],
    ...more,
  });
  const { ports } = factsOf({
    spec: {
      initContainers: [container("init"), container("side", { restartPolicy: "Always" })],
      containers: [
        container("main", { ports: [{ name: "dns", containerPort: 53, protocol: "UDP" }] }),
      ],
    },
  });
  assert.deepEqual(ports, [
    { name: "side", port: 80, protocol: "TCP" },
    { name: "dns", port: 53, protocol: "UDP" },
  ]);
});

Deno.test("trimPod() keeps what policies look at, and what a watch needs", () => {
  const whole = pod("web", {
    labels: { app: "web" },
    ips: ["10.0.0.1"],
    ports: [{ name: "http", containerPort: 80 }],
  });
  whole.metadata!.resourceVersion = "7";
  whole.metadata!.annotations = { note: "x".repeat(1_000) };
  const small = trimPod(whole);
  assert.deepEqual(factsOf(small), factsOf(whole));
  assert.equal(small.metadata?.resourceVersion, "7");
  assert.ok(JSON.stringify(small).length < 500);
  const table = new PodTable();
  for (const spec of [{ hostNetwork: true }, {}]) {
    table.apply(trimPod(pod("web", { ips: ["10.0.0.1"], spec })));
    assert.equal(table.size, spec.hostNetwork ? 0 : 1);
  }
  assert.deepEqual(trimPod({}).metadata, {});
});

Deno.test("PodTable has one object for all pods of a Deployment", () => {
  const table = new PodTable();
  for (let at = 0; at < 10_000; at++) {
    const labels = { app: `app-${at % 500}`, hash: `h${at % 500}`, note: "n".repeat(63) };
    table.apply(trimPod(pod(`p${at}`, {
      namespace: `ns-${at % 500}`,
      labels,
      ips: [`10.1.${at >> 8}.${at & 255}`],
      ports: [{ name: "http", containerPort: 8080 }],
    })));
  }
  assert.equal(table.size, 10_000);
  const facts = new Set(
    Array.from({ length: 10_000 }, (_, at) => table.at(`10.1.${at >> 8}.${at & 255}`)),
  );
  assert.equal(facts.size, 500);
});
