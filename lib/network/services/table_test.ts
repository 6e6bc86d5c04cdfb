import assert from "node:assert/strict";
import fc from "fast-check";
import type { EndpointSlice, Service } from "../../api/types.ts";
import { endpoint, service, slice, tableOf } from "./_cluster.ts";
import { ServiceTable } from "./table.ts";

Deno.test("ServiceTable finds Services by name, address, node port and namespace, until they go", () => {
  const web = service("web", {
    clusterIP: "10.0.0.7",
    externalIPs: ["198.51.100.1"],
    ports: [{ port: 80, nodePort: 30_080 }],
  });
  const table = tableOf([web, service("other", { externalIPs: ["198.51.100.1"] })], []);
  const found = (): unknown[] => [
    table.service("shop", "web")?.name,
    table.withIp("10.0.0.7").map(({ name }) => name),
    table.withIp("198.51.100.1").map(({ name }) => name),
    table.withNodePort("tcp", 30_080)?.name,
  ];
  assert.deepEqual(found(), ["web", ["web"], ["web", "other"], "web"]);
  assert.equal(table.service("lab", "web"), undefined);
  table.applyService(service("web", { clusterIP: "10.0.0.8" }));
  assert.deepEqual(found(), ["web", [], ["other"], undefined]);
  table.deleteService(web);
  assert.deepEqual(found(), [undefined, [], ["other"], undefined]);
  assert.equal(table.hasNamespace("shop"), true);
  table.deleteService(service("other"));
  assert.equal(table.hasNamespace("shop"), false);
});

Deno.test("ServiceTable leaves a node port to whom it went over before its old Service has gone", () => {
  const ported = (name: string): Service =>
    service(name, { ports: [{ port: 80, nodePort: 30_080 }] });
  const table = tableOf([ported("old")], []);
  table.applyService(ported("new"));
  table.deleteService(ported("old"));
  assert.equal(table.withNodePort("tcp", 30_080)?.name, "new");
});

Deno.test("ServiceTable knows in which headless Services an address is, and in no others", () => {
  const table = tableOf([], [
    slice("db", [endpoint(1)], { headless: true }),
    slice("queue", [endpoint(1)], { headless: true }),
    slice("web", [endpoint(1)]),
  ]);
  const names = (): string[] => [...table.headlessWith("10.1.0.1")].map(({ service }) => service);
  assert.deepEqual(names(), ["shop/db", "shop/queue"]);
  table.applySlice(slice("db", [endpoint(2)], { headless: true }));
  assert.deepEqual(names(), ["shop/queue"]);
  table.deleteSlice(slice("queue", []));
  assert.deepEqual(names(), []);
});

Deno.test("ServiceTable keeps one text for a node that many endpoints name", () => {
  const node = (): string => ["node", "with-a-name"].join("-");
  const table = tableOf([service("web", { clusterIP: "10.0.0.7" })], [
    slice("web", [1, 2, 3].map((n) => endpoint(n, { nodeName: node() }))),
  ]);
  const [found] = table.slicesOf(table.service("shop", "web")!);
  assert.deepEqual(found?.endpoints.map(({ nodeName }) => nodeName), [node(), node(), node()]);
});

/** A small world of names, so that changes meet. */
const change = fc.record({
  what: fc.constantFrom("apply", "delete"),
  kind: fc.constantFrom("service", "slice"),
  name: fc.constantFrom("a", "b", "c"),
  n: fc.integer({ min: 1, max: 3 }),
  headless: fc.boolean(),
});

Deno.test("ServiceTable knows after any changes what a table knows that is told the end", () => {
  fc.assert(fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
    const table = tableOf([], []);
    const services = new Map<string, Service>();
    const slices = new Map<string, EndpointSlice>();
    for (const { what, kind, name, n, headless } of changes) {
      const one = kind === "service"
        ? service(name, {
          clusterIP: headless ? "None" : `10.0.0.${n}`,
          ports: [{ port: 80, nodePort: 30_000 + n }],
        })
        : slice(name, [endpoint(n), endpoint(n + 1)], { headless });
      if (kind === "service") {
        if (what === "apply") table.applyService(one);
        else table.deleteService(one);
        services.delete(name);
        if (what === "apply") services.set(name, one);
      } else {
        if (what === "apply") table.applySlice(one as EndpointSlice);
        else table.deleteSlice(one as EndpointSlice);
        slices.delete(name);
        if (what === "apply") slices.set(name, one as EndpointSlice);
      }
    }
    const fresh = tableOf([...services.values()], [...slices.values()]);
    const seen = (of: ServiceTable): unknown => ({
      sizes: of.sizes,
      namespace: of.hasNamespace("shop"),
      ips: [1, 2, 3].map((n) => of.withIp(`10.0.0.${n}`).map(({ name }) => name).sort()),
      services: ["a", "b", "c"].map((name) => of.service("shop", name)),
      slices: ["a", "b", "c"].map((name) => {
        const found = of.service("shop", name);
        return found && [...of.slicesOf(found)];
      }),
      headless: [1, 2, 3, 4].map((n) =>
        [...of.headlessWith(`10.1.0.${n}`)].map(({ service }) => service).sort()
      ),
    });
    assert.deepEqual(seen(table), seen(fresh));
  }));
});

/** What 5,000 Services with 50,000 endpoints may cost. */
const MEMORY_BYTES_MAX = 40 * 1024 * 1024;

Deno.test("ServiceTable holds 5,000 Services with 50,000 endpoints in 40 MiB", () => {
  const numbers = Array.from({ length: 5_000 }, (_, at) => at);
  const parsed = <T>(value: T): T => JSON.parse(JSON.stringify(value)); // texts of its own, as from a server
  const table = new ServiceTable();
  collect();
  const before = Deno.memoryUsage().heapUsed;
  table.syncServices([]);
  table.syncSlices([]);
  for (const n of numbers) {
    table.applyService(parsed(service(`service-${n}`, {
      clusterIP: `10.${n >> 8}.${n & 255}.1`,
      ports: [{ name: "http", port: 80, protocol: "TCP" }, { name: "metrics", port: 9090 }],
    })));
    const endpoints = Array.from({ length: 10 }, (_, at) => ({
      addresses: [`10.${64 + (n >> 8)}.${n & 255}.${at}`],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${(n + at) % 500}`,
      hints: { forZones: [{ name: `zone-${at % 3}` }] },
    }));
    table.applySlice(parsed(slice(`service-${n}`, endpoints)));
  }
  collect();
  const grown = Deno.memoryUsage().heapUsed - before;
  assert.deepEqual(table.sizes, { services: 5_000, slices: 5_000, endpoints: 50_000, leftOut: 0 });
  assert.ok(grown < MEMORY_BYTES_MAX, `it takes ${Math.round(grown / 1024 / 1024)} MiB`);
});

/** A test is run without `--expose-gc`: room for a large array makes the engine tidy up. */
function collect(): void {
  for (let round = 0; round < 3; round++) new Array(2 ** 22).fill(round);
}

Deno.test("ServiceTable knows all of thousands of Services that share one address, until they go", () => {
  const count = 20_000;
  const all = Array.from(
    { length: count },
    (_, at) => service(`s${at}`, { externalIPs: ["198.51.100.1"] }),
  );
  const table = tableOf(all, []);
  assert.equal(table.withIp("198.51.100.1").length, count);
  for (const one of all.slice(1)) table.deleteService(one);
  assert.deepEqual(table.withIp("198.51.100.1").map(({ name }) => name), ["s0"]);
});
