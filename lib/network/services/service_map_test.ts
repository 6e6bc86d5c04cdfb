import assert from "node:assert/strict";
import type { Endpoint } from "../../guest_network.ts";
import { ADDRESS_CASES, IP, notReady, one } from "./_address_cases.ts";
import { endpoint, service, slice, tableOf } from "./_cluster.ts";
import { POLICY_CASES } from "./_policy_cases.ts";
import type { NodePlace } from "./choose.ts";
import { type ServiceClient, ServiceRouter, UDP_FLOW_MS } from "./service_map.ts";
import { ServiceTable } from "./table.ts";

const NODE: NodePlace = { name: "n1", zone: "a", ips: ["192.0.2.1", "2001:db8::1"] };
const POD: ServiceClient = { podIP: "10.1.0.200" };
function read(text: string): { to: Endpoint; protocol: "tcp" | "udp" } {
  const [, udp, six, four, port] = /^(udp )?(?:\[(.+)\]|([\d.]+)):(\d+)$/.exec(text)!;
  return {
    to: { ip: six ?? four!, port: Number(port) },
    protocol: udp === undefined ? "tcp" : "udp",
  };
}

function text(endpoint: Endpoint | "refused" | undefined): string | undefined {
  if (endpoint === undefined || endpoint === "refused") return endpoint;
  const { ip, port } = endpoint;
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

for (
  const { what, spec = IP, slices = one, to, node, goes } of [...ADDRESS_CASES, ...POLICY_CASES]
) {
  Deno.test(`destination(): ${what}`, () => {
    const random = { next: 0 };
    const router = new ServiceRouter({
      table: tableOf([service("web", spec)], slices),
      node: () => ({ ...NODE, ...node }),
      random: () => random.next,
    });
    const chosen = new Set<string | undefined>();
    for (let step = 0; step < 60; step++) {
      random.next = step / 60;
      const { to: where, protocol } = read(to);
      // Another client each time: some are led back to where they were.
      chosen.add(text(router.destination(where, protocol, { ...POD, port: step })));
    }
    assert.deepEqual([...chosen], Array.isArray(goes) ? goes : [goes]);
  });
}

/** A router among three endpoints, with a clock and chances that are told. */
function three(spec: Parameters<typeof service>[1] = {}): {
  readonly table: ServiceTable;
  readonly state: { nowMs: number; chance: number };
  go(from?: ServiceClient, to?: string): string | undefined;
} {
  const table = tableOf(
    [service("web", { ...IP, ...spec })],
    [slice("web", [1, 2, 3].map((n) => endpoint(n)), {
      ports: [{ name: "", port: 8080 }, { name: "", port: 8080, protocol: "UDP" }],
    })],
  );
  const state = { nowMs: 0, chance: 0 };
  const router = new ServiceRouter({
    table,
    node: () => NODE,
    now: () => state.nowMs,
    random: () => state.chance,
  });
  const go = (from: ServiceClient = POD, to = "10.0.0.7:80"): string | undefined => {
    const { to: where, protocol } = read(to);
    state.chance = (state.chance + 0.4) % 1;
    return text(router.destination(where, protocol, from));
  };
  return { table, state, go };
}

Deno.test("destination() leads each connection anew without affinity", () => {
  const { go } = three();
  assert.equal(new Set(Array.from({ length: 20 }, () => go())).size, 3);
});

Deno.test("destination() leads a client back to its endpoint, for each client by itself", () => {
  const { go } = three({ sessionAffinity: "ClientIP", externalIPs: ["198.51.100.1"] });
  const first = go();
  for (let step = 0; step < 20; step++) assert.equal(go({ ...POD, port: step }), first);
  assert.equal(go(POD, "198.51.100.1:80"), first, "by another address of the same Service, too");
  const others = Array.from({ length: 20 }, (_, at) => go({ podIP: `10.1.0.${at}` }));
  assert.equal(new Set(others).size, 3);
});

Deno.test("destination() forgets a client whose time is over, counted from its last visit", () => {
  const { go, state } = three({
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
  });
  const first = go();
  for (let step = 0; step < 5; step++) {
    state.nowMs += 9_999;
    assert.equal(go(), first);
  }
  state.nowMs += 10_000;
  state.chance = first === "10.1.0.1:8080" ? 0.5 : 0.6; // the next step is another endpoint's
  assert.notEqual(go(), first);
});

Deno.test("destination() leads a client elsewhere when its endpoint is gone or not ready", () => {
  const { go, table } = three({ sessionAffinity: "ClientIP" });
  const first = Number(/\.(\d+):/.exec(go() ?? "")?.[1]);
  const rest = [1, 2, 3].map((n) => endpoint(n, n === first ? notReady : {}));
  table.applySlice(slice("web", rest));
  const second = go();
  assert.notEqual(second, `10.1.0.${first}:8080`);
  table.applySlice(slice("web", [endpoint(1), endpoint(2), endpoint(3)]));
  for (let step = 0; step < 5; step++) assert.equal(go(), second, "and it stays there");
});

Deno.test("destination() keeps the packets of one socket together, for a while", () => {
  const { go, state } = three({ ports: [{ port: 53, protocol: "UDP" }] });
  const to = "udp 10.0.0.7:53";
  const first = go({ ...POD, port: 1 }, to);
  for (let step = 0; step < 5; step++) {
    state.nowMs += UDP_FLOW_MS - 1;
    assert.equal(go({ ...POD, port: 1 }, to), first);
  }
  const others = Array.from({ length: 20 }, (_, port) => go({ ...POD, port }, to));
  assert.equal(new Set(others).size, 3, "other sockets go their own ways");
});

Deno.test("destination() changes with the table: endpoints, ports, the Service itself", () => {
  const { go, table } = three();
  table.applySlice(slice("web", [endpoint(9)]));
  assert.equal(go(), "10.1.0.9:8080");
  table.applySlice(slice("web", [endpoint(8)], { name: "web-2" }));
  table.deleteSlice(slice("web", []));
  assert.equal(go(), "10.1.0.8:8080");
  table.applyService(service("web", { ...IP, ports: [{ port: 81 }] }));
  assert.equal(go(), "refused");
  assert.equal(go(POD, "10.0.0.7:81"), "10.1.0.8:8080");
  table.deleteService(service("web"));
  assert.equal(go(), undefined);
});

Deno.test("destination() does not know Services before there was a list", () => {
  const table = new ServiceTable();
  const router = new ServiceRouter({ table, node: () => NODE, random: () => 0 });
  const ask = (): string | undefined =>
    text(router.destination({ ip: "10.0.0.7", port: 80 }, "tcp", POD));
  assert.equal(ask(), undefined);
  table.syncServices([service("web", IP)]);
  assert.equal(ask(), undefined, "without endpoints another proxy may know more");
  table.syncSlices([slice("web", [endpoint(1)])]);
  assert.equal(ask(), "10.1.0.1:8080");
});

Deno.test("destination() finds the API server by itself where endpoints are not known", () => {
  const table = new ServiceTable();
  table.syncServices([service("kubernetes", {
    namespace: "default",
    clusterIP: "10.0.0.1",
    ports: [{ name: "https", port: 443 }],
  })]);
  const apiServer = { ip: "192.0.2.9", port: 6443 };
  const router = new ServiceRouter({ table, node: () => NODE, apiServer });
  const ask = (port: number): ReturnType<ServiceRouter["destination"]> =>
    router.destination({ ip: "10.0.0.1", port }, "tcp", POD);
  assert.deepEqual(ask(443), apiServer);
  assert.equal(ask(80), "refused");
  table.syncSlices([
    slice("kubernetes", [endpoint(1)], {
      namespace: "default",
      ports: [{ name: "https", port: 6444 }],
    }),
  ]);
  assert.deepEqual(ask(443), { ip: "10.1.0.1", port: 6444 });
});

Deno.test("destination() lets nobody name another Service's own address as an external one", () => {
  const thief = service("thief", {
    namespace: "aaa",
    clusterIP: "10.0.0.66",
    externalIPs: ["10.0.0.7"],
    ports: [{ port: 80, protocol: "TCP" }, { port: 81, protocol: "TCP" }],
  });
  const table = tableOf([thief, service("web", { clusterIP: "10.0.0.7" })], [
    slice("thief", [endpoint(66)], { namespace: "aaa" }),
    slice("web", [endpoint(1)]),
  ]);
  const router = new ServiceRouter({ table, node: () => NODE });
  const found = router.destination({ ip: "10.0.0.7", port: 80 }, "tcp", POD);
  assert.deepEqual(found, { ip: "10.1.0.1", port: 8080 });
});

for (
  const ip of [
    "0.0.0.0",
    "169.254.169.254",
    "224.0.0.1",
    "::",
    "::ffff:127.0.0.1",
    "fe80::1",
    "ff02::1",
  ]
) {
  Deno.test(`destination() never leads to ${ip}, whatever an endpoint says`, () => {
    const addressType = ip.includes(":") ? "IPv6" : "IPv4";
    const clusterIP = ip.includes(":") ? "fd00:1::7" : "10.0.0.7";
    const table = tableOf([service("web", { clusterIP })], [
      slice("web", [{ addresses: [ip] }], { addressType }),
    ]);
    const router = new ServiceRouter({ table, node: () => NODE });
    assert.equal(router.destination({ ip: clusterIP, port: 80 }, "tcp", POD), "refused");
  });
}
