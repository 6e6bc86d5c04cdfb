import assert from "node:assert/strict";
import { promises as dns } from "node:dns";
import { service, slice, tableOf } from "../services/_cluster.ts";
import { ServiceRouter } from "../services/service_map.ts";
import { openDns } from "./open_dns.ts";
import { DNS_IP } from "./pod_dns.ts";

Deno.test("openDns() answers who comes from the node's own loopback, as pods on the node's network do", async () => {
  const ending = new AbortController();
  const table = tableOf([service("web", { clusterIP: "10.0.0.7" })], [slice("web", [])]);
  const troubles: string[] = [];
  await using opened = await openDns({
    config: { clusterDomain: "cluster.local", clusterDns: [], resolvConf: "" },
    table,
    services: new ServiceRouter({ table, node: () => ({ name: "n1", ips: [] }) }),
    nodeIp: "192.0.2.1",
    podOf: () => undefined,
    onTrouble: (message) => void troubles.push(message),
    signal: ending.signal,
  });
  const at = opened.nameserver({ ip: DNS_IP, port: 53 }, "udp");
  const resolver = new dns.Resolver({ timeout: 5_000, tries: 4 });
  resolver.setServers([`${at?.ip}:${at?.port}`]);
  assert.deepEqual(await resolver.resolve4("web.shop.svc.cluster.local"), ["10.0.0.7"]);
  assert.deepEqual(troubles, []);
  ending.abort();
});
