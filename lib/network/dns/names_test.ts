import assert from "node:assert/strict";
import { service } from "../services/_cluster.ts";
import { ServiceTable } from "../services/table.ts";
import { OtherServer, pod, sources, type Zone } from "./_world.ts";
import type { DnsSources } from "./finder.ts";
import { NameRefused } from "../name_refused.ts";
import { NodeDns } from "./node_dns.ts";
import { CACHE_NAMES_MAX, NameTrouble, PodNames, type PodNamesOptions } from "./names.ts";
import { parseName } from "./name.ts";
import type { OwnRecord } from "./write_message.ts";

const NEVER = new AbortController().signal;

function address(name: string, ip: string): OwnRecord {
  return { name: parseName(name)!, type: ip.includes(":") ? "AAAA" : "A", ip };
}

const ZONE: Zone = {
  "1 www.example.com": [address("www.example.com", "198.51.100.1")],
  "28 www.example.com": [address("www.example.com", "2001:db8::1")],
  "1 alias.example.com": [
    { name: parseName("alias.example.com")!, type: "CNAME", target: parseName("end.example.com")! },
    address("stranger.example.com", "192.0.2.66"),
    address("end.example.com", "198.51.100.2"),
  ],
  "1 short.corp.example": [address("short.corp.example", "198.51.100.3")],
  "1 long.example.com": "truncated",
  "1 broken.example.com": 2,
  "1 silent.example.com": "silence",
  "1 here.example.com": [address("here.example.com", "198.51.100.4")],
  "28 here.example.com": 2,
};

/** Names by the cluster and one other server, and what was asked there. */
async function names(
  { podNames, ...options }: Partial<Parameters<typeof sources>[0]> & {
    readonly podNames?: Partial<PodNamesOptions>;
  } = {},
): Promise<{ names: PodNames; other: OtherServer } & AsyncDisposable> {
  const other = await OtherServer.start(ZONE);
  const finder = await sources({
    servers: { "192.0.2.53": other.endpoint },
    signal: NEVER,
    ...options,
  });
  return {
    names: new PodNames({ finder, signal: NEVER, ...podNames }),
    other,
    async [Symbol.asyncDispose](): Promise<void> {
      finder[Symbol.dispose]();
      await other[Symbol.asyncDispose]();
    },
  };
}

const web = ["10.0.0.7", "fd00:1::7"];
const hostNetwork = { hostNetwork: true };
const wished = (more: object): object => ({
  dnsPolicy: "None",
  dnsConfig: { nameservers: ["192.0.2.53"], ...more },
});

/** What a pod asks for, and what it gets; `later` for what cannot be told. */
const ROWS: readonly [string, object, string, readonly string[] | "later"][] = [
  ["a Service of the same namespace", {}, "web", web],
  ["a Service by its namespace", {}, "other.lab", ["10.0.0.8"]],
  ["the same with svc", {}, "other.lab.svc", ["10.0.0.8"]],
  ["the same with all of its name", {}, "other.lab.svc.cluster.local", ["10.0.0.8"]],
  ["the same with a last dot", {}, "other.lab.svc.cluster.local.", ["10.0.0.8"]],
  ["upper case", {}, "WEB.Shop", web],
  ["the API server", {}, "kubernetes.default", ["10.0.0.1"]],
  ["a Service of another namespace without it", {}, "other", []],
  ["a last dot means the whole name", {}, "web.", []],
  ["a headless Service", {}, "db", ["10.1.0.1", "10.1.0.2", "10.1.0.3", "fd00::1"]],
  ["an endpoint by its host name", {}, "db-0.db", ["10.1.0.1", "fd00::1"]],
  ["an endpoint by its address", {}, "10-1-0-3.db", ["10.1.0.3"]],
  ["an endpoint that is not", {}, "db-7.db", []],
  ["an endpoint that is not ready", {}, "10-1-0-4.db", []],
  ["endpoints before they are ready", {}, "early", ["10.1.0.5"]],
  ["a headless Service without endpoints", {}, "empty", []],
  ["a pod by its address", {}, "10-1-0-9.shop.pod.cluster.local", ["10.1.0.9"]],
  ["a name outside that a Service stands for", {}, "site", ["198.51.100.1", "2001:db8::1"]],
  ["a Service that another one stands for", {}, "near", web],
  ["a Service that stands for itself", {}, "round", []],
  ["an address", {}, "10.9.9.9", ["10.9.9.9"]],
  ["an IPv6 address", {}, "FD00:0::1", ["fd00::1"]],
  ["a name outside", {}, "www.example.com", ["198.51.100.1", "2001:db8::1"]],
  ["a name outside by its last dot", {}, "www.example.com.", ["198.51.100.1", "2001:db8::1"]],
  ["an alias outside, and no stranger's address", {}, "alias.example.com", ["198.51.100.2"]],
  ["an answer that is too long for a packet", {}, "long.example.com", ["198.51.100.99"]],
  ["a name that nobody has", {}, "gone.example.com", []],
  ["a server that fails", {}, "broken.example.com", "later"],
  ["a server that is silent", {}, "silent.example.com", "later"],
  ["a server that fails for one family only", {}, "here.example.com", ["198.51.100.4"]],
  ["no name", {}, "a..b", []],
  ["nothing", {}, "", []],
  ["a dot", {}, ".", []],
  ["a label that is too long", {}, "a".repeat(64), []],
  ["a name that is too long", {}, Array(5).fill("a".repeat(63)).join("."), []],
  ["a name with a space", {}, "we b", []],
  ["a name in other letters", {}, "wéb", []],
  ["a name that is on the node's search path", {}, "short", ["198.51.100.3"]],

  ["hostAliases come first", { hostAliases: [{ ip: "192.0.2.7", hostnames: ["web"] }] }, "web", [
    "192.0.2.7",
  ]],
  [
    "hostAliases by any case",
    { hostAliases: [{ ip: "192.0.2.7", hostnames: ["Foo.Bar"] }] },
    "foo.bar",
    [
      "192.0.2.7",
    ],
  ],
  ["a pod on the node's network asks the node", hostNetwork, "web", []],
  ["…with the node's search path", hostNetwork, "short", ["198.51.100.3"]],
  [
    "…unless it wants the cluster",
    { ...hostNetwork, dnsPolicy: "ClusterFirstWithHostNet" },
    "web",
    web,
  ],
  ["dnsPolicy Default asks the node", { dnsPolicy: "Default" }, "other.lab.svc.cluster.local", []],
  ["…for names outside", { dnsPolicy: "Default" }, "www.example.com", [
    "198.51.100.1",
    "2001:db8::1",
  ]],
  ["dnsPolicy None asks whom it says", wished({}), "www.example.com", [
    "198.51.100.1",
    "2001:db8::1",
  ]],
  ["…and not the cluster", wished({}), "other.lab.svc.cluster.local", []],
  ["…with its own search path", wished({ searches: ["example.com"] }), "www", [
    "198.51.100.1",
    "2001:db8::1",
  ]],
  ["…and no other", wished({}), "short", []],
  [
    "dnsConfig adds to the search path",
    { dnsConfig: { searches: ["lab.svc.cluster.local"] } },
    "other",
    [
      "10.0.0.8",
    ],
  ],
];

const RESOLV_CONF = "search corp.example\nnameserver 192.0.2.53\noptions timeout:1 attempts:1\n";

for (const [what, spec, name, wanted] of ROWS) {
  Deno.test(`resolve(): ${what}`, async () => {
    await using world = await names({ resolvConf: RESOLV_CONF });
    const asked = world.names.resolve(name, pod(spec));
    if (wanted === "later") await assert.rejects(asked, NameTrouble);
    else assert.deepEqual([...await asked].sort(), [...wanted].sort());
  });
}

Deno.test("resolve() looks for a short name in the search path first, for one with many dots last", async () => {
  await using world = await names({ resolvConf: RESOLV_CONF });
  await world.names.resolve("gone.example.com", pod());
  const all =
    (): string[] => [...new Set(world.other.asked.splice(0).map((line) => line.split(" ")[2]!))];
  assert.deepEqual(all(), ["gone.example.com.corp.example", "gone.example.com"]);
  const one = pod({ dnsConfig: { options: [{ name: "ndots", value: "1" }] } });
  await world.names.resolve("gone.example.com", one);
  assert.deepEqual(all(), [], "it is remembered that there is no such name");
  await world.names.resolve("away.example.com", one);
  assert.deepEqual(all(), ["away.example.com", "away.example.com.corp.example"]);
});

Deno.test("resolve() remembers what other servers say, for a while, and not too much of it", async () => {
  let nowMs = 0;
  await using world = await names({ podNames: { now: () => nowMs } });
  const { other } = world;
  const ask = async (name: string): Promise<number> => {
    const before = other.asked.length;
    await world.names.resolve(name, pod());
    return other.asked.length - before;
  };
  assert.equal(await ask("www.example.com."), 2);
  nowMs = 29_999;
  assert.equal(await ask("www.example.com."), 0);
  nowMs = 30_000;
  assert.equal(await ask("www.example.com."), 2, "though the server said a minute");
  for (let at = 0; at < CACHE_NAMES_MAX; at++) await ask(`n${at}.example.`);
  assert.equal(await ask("www.example.com."), 2, "the oldest are forgotten");
  assert.equal(await ask(`n${CACHE_NAMES_MAX - 1}.example.`), 0);
});

Deno.test("resolve() gives up in time, and at the end of the agent", async () => {
  const ending = new AbortController();
  await using world = await names({
    resolvConf: "nameserver 192.0.2.53\noptions timeout:30\n",
    podNames: { timeoutMs: 50, signal: ending.signal },
  });
  await assert.rejects(world.names.resolve("silent.example.com.", pod()), NameTrouble);
  ending.abort();
  await assert.rejects(world.names.resolve("silent.example.com.", pod()), NameTrouble);
});

Deno.test("resolve() does not say that a Service is not there before it knows", async () => {
  const table = new ServiceTable();
  await using world = await names({ table });
  await assert.rejects(world.names.resolve("web", pod()), NameTrouble);
  assert.deepEqual(await world.names.resolve("www.example.com", pod()), [
    "198.51.100.1",
    "2001:db8::1",
  ]);
  table.syncServices([
    service("web", { clusterIP: "10.0.0.7" }),
    service("db", { clusterIP: "None" }),
  ]);
  assert.deepEqual(await world.names.resolve("web", pod()), ["10.0.0.7"]);
  await assert.rejects(
    world.names.resolve("db", pod()),
    NameTrouble,
    "its endpoints are not known",
  );
  table.syncSlices([]);
  assert.deepEqual(await world.names.resolve("db", pod()), []);
});

Deno.test("resolve() asks the next server when one fails or is silent", async () => {
  await using bad = await OtherServer.start({
    "1 www.example.com": 2,
    "28 www.example.com": "silence",
  });
  await using good = await OtherServer.start(ZONE);
  await using world = await names({
    servers: { "192.0.2.1": bad.endpoint, "192.0.2.2": good.endpoint },
    resolvConf:
      "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\noptions timeout:1\n",
  });
  assert.deepEqual(await world.names.resolve("www.example.com.", pod()), [
    "198.51.100.1",
    "2001:db8::1",
  ]);
});

Deno.test("resolve() asks the machine where no file says whom it asks", async () => {
  const options: Partial<DnsSources> = {
    node: new NodeDns("/nowhere/resolv.conf"),
    lookup: (name) => Promise.resolve(name === "machine" ? ["192.0.2.9"] : []),
  };
  await using world = await names(options);
  assert.deepEqual(await world.names.resolve("machine", pod()), ["192.0.2.9"]);
  assert.deepEqual(await world.names.resolve("web", pod()), web);
  assert.deepEqual(await world.names.resolve("nobody", pod()), []);
});

Deno.test("resolve() asks --cluster-dns for what the cluster's own names are not", async () => {
  await using world = await names({
    clusterDns: ["192.0.2.53"],
    resolvConf: "nameserver 192.0.2.1\n",
  });
  assert.deepEqual(await world.names.resolve("web", pod()), web);
  assert.equal((await world.names.resolve("www.example.com", pod())).length, 2);
  assert.ok(world.other.asked.length > 0);
});

Deno.test("resolve() reads the pod's own hosts file where there is one", async () => {
  const text = "127.0.0.1 localhost # me\n10.1.0.200\tclient.sub client\nbad line\n::1 localhost\n";
  await using world = await names({ podNames: { hosts: () => text } });
  assert.deepEqual(await world.names.resolve("client", pod()), ["10.1.0.200"]);
  assert.deepEqual(await world.names.resolve("localhost", pod()), ["127.0.0.1", "::1"]);
  assert.deepEqual(await world.names.resolve("line", pod()), []);
});

Deno.test("resolve() refuses what nobody may be asked for, also what it was told before", async () => {
  let may = true;
  const asked: string[] = [];
  const mayAsk: DnsSources["mayAsk"] = (_pod, { ip, isWished }) => {
    asked.push(`${ip} ${isWished}`);
    return may && !isWished ? "allowed" : "refused";
  };
  await using world = await names({ mayAsk });
  const wishing = pod({ dnsConfig: { nameservers: ["203.0.113.9"] } });
  const resolve = (name: string): Promise<readonly string[]> => world.names.resolve(name, wishing);
  assert.deepEqual(await resolve("www.example.com."), ["198.51.100.1", "2001:db8::1"]);
  assert.deepEqual(asked, ["192.0.2.53 false", "203.0.113.9 true"]);
  may = false;
  await assert.rejects(resolve("www.example.com."), NameRefused);
  await assert.rejects(resolve("www.example.com"), NameRefused);
  assert.deepEqual(await resolve("web"), ["10.0.0.7", "fd00:1::7"]);
});
