import assert from "node:assert/strict";
import { DOMAIN, pod } from "./_world.ts";
import { DNS_IP, podDns } from "./pod_dns.ts";
import { formatResolvConf, parseResolvConf, readResolverOptions } from "./resolv_conf.ts";

const NODE = parseResolvConf(
  "nameserver 127.0.0.53\nsearch corp.example\noptions edns0 trust-ad\n",
);
const SEARCHES = "shop.svc.cluster.local svc.cluster.local cluster.local";

function fileOf(spec: object, more: { clusterDns?: string[]; node?: string } = {}): string {
  const { clusterDns = [], node } = more;
  const settings = {
    domain: DOMAIN,
    clusterDns,
    node: node === undefined ? NODE : parseResolvConf(node),
  };
  return formatResolvConf(podDns(pod(spec), settings).file);
}

const config = {
  nameservers: ["192.0.2.1", "not an address"],
  searches: ["extra.example", "cluster.local"],
  options: [{ name: "ndots", value: "2" }, { name: "rotate" }, { value: "x" }],
};

const ROWS: readonly [string, object, string][] = [
  [
    "a pod that says nothing",
    {},
    `search ${SEARCHES} corp.example\nnameserver ${DNS_IP}\noptions ndots:5\n`,
  ],
  [
    "dnsPolicy Default",
    { dnsPolicy: "Default" },
    `search corp.example\nnameserver ${DNS_IP}\noptions edns0 trust-ad\n`,
  ],
  [
    "a pod on the node's network",
    { hostNetwork: true },
    `search corp.example\nnameserver ${DNS_IP}\noptions edns0 trust-ad\n`,
  ],
  [
    "ClusterFirstWithHostNet",
    { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" },
    `search ${SEARCHES} corp.example\nnameserver ${DNS_IP}\noptions ndots:5\n`,
  ],
  ["dnsPolicy None without a dnsConfig", { dnsPolicy: "None" }, ""],
  [
    "dnsPolicy None",
    { dnsPolicy: "None", dnsConfig: config },
    "search extra.example cluster.local\nnameserver 192.0.2.1\noptions ndots:2 rotate\n",
  ],
  [
    "dnsConfig adds, and its options win",
    { dnsConfig: config },
    `search ${SEARCHES} corp.example extra.example\nnameserver ${DNS_IP}\nnameserver 192.0.2.1\n` +
    "options ndots:2 rotate\n",
  ],
];

for (const [what, spec, wanted] of ROWS) {
  Deno.test(`podDns(): ${what}`, () => assert.equal(fileOf(spec), wanted));
}

Deno.test("podDns() names the servers of --cluster-dns, and asks them for all but the cluster's names", () => {
  assert.match(fileOf({}, { clusterDns: ["10.96.0.10"] }), /\nnameserver 10\.96\.0\.10\n/);
  const settings = { domain: DOMAIN, clusterDns: ["10.96.0.10"], node: NODE };
  assert.deepEqual(podDns(pod(), settings).upstream, ["10.96.0.10"]);
  const other = pod({ dnsPolicy: "Default" });
  assert.deepEqual(podDns(other, settings).upstream, ["127.0.0.53"]);
});

Deno.test("podDns() leaves the node's servers as they are where a pod can reach them", () => {
  const node = "nameserver 192.0.2.53\nnameserver 127.0.0.1\nnameserver ::1\n";
  assert.equal(
    fileOf({ dnsPolicy: "Default" }, { node }),
    `nameserver 192.0.2.53\nnameserver ${DNS_IP}\n`,
  );
});

Deno.test("podDns() never asks itself", () => {
  const settings = {
    domain: DOMAIN,
    clusterDns: [],
    node: parseResolvConf(`nameserver ${DNS_IP}`),
  };
  assert.deepEqual(podDns(pod(), settings).upstream, []);
  const wish = pod({ dnsPolicy: "None", dnsConfig: { nameservers: [DNS_IP] } });
  assert.deepEqual(podDns(wish, settings).upstream, []);
});

Deno.test("podDns() lets the node ask nobody on its loopback because a pod wishes it", () => {
  const settings = { domain: DOMAIN, clusterDns: [], node: NODE };
  const nameservers = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "192.0.2.9"];
  const of = (dnsPolicy: string): readonly string[] =>
    podDns(pod({ dnsPolicy, dnsConfig: { nameservers } }), settings).upstream;
  assert.deepEqual(of("None"), ["192.0.2.9"]);
  // What the node itself asks stays.
  assert.deepEqual(of("ClusterFirst"), ["127.0.0.53", "192.0.2.9"]);
});

Deno.test("podDns() keeps to a kubelet's limits, and says what is left out in its words", () => {
  const many = (count: number, word: string): string[] =>
    Array.from({ length: count }, (_, at) => `${word}${at}.example`);
  const settings = { domain: DOMAIN, clusterDns: [], node: NODE };
  const ips = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
  const one = podDns(pod({ dnsConfig: { nameservers: ips, searches: many(40, "s") } }), settings);
  assert.deepEqual(one.file.nameservers, [DNS_IP, "192.0.2.1", "192.0.2.2"]);
  assert.equal(one.file.searches.length, 32);
  assert.match(one.left[0]!, /^Nameserver limits were exceeded.*line is: 169\.254\.20\.10 192/);
  assert.match(one.left[1]!, /^Search Line limits were exceeded/);
  const long = podDns(pod({ dnsConfig: { searches: many(20, "s".repeat(150)) } }), settings);
  assert.ok(long.file.searches.join(" ").length <= 2_048);
  assert.deepEqual(podDns(pod(), settings).left, []);
});

Deno.test("parseResolvConf() reads what is in use, and leaves out the rest", () => {
  assert.deepEqual(
    parseResolvConf(
      "# comment\nnameserver 192.0.2.1 # near\nnameserver fe80::1%eth0\nnameserver name\n" +
        "domain old.example\nsearch a.example. b.example .\noptions ndots:3\noptions rotate ; x\nsortlist 1\n",
    ),
    {
      nameservers: ["192.0.2.1", "fe80::1"],
      searches: ["a.example", "b.example", "."],
      options: ["ndots:3", "rotate"],
    },
  );
  assert.deepEqual(parseResolvConf(""), { nameservers: [], searches: [], options: [] });
});

Deno.test("readResolverOptions() keeps to the limits of C libraries", () => {
  assert.deepEqual(readResolverOptions([]), { ndots: 1, timeoutMs: 5_000, attempts: 2 });
  assert.deepEqual(readResolverOptions(["ndots:99", "timeout:99", "attempts:99"]), {
    ndots: 15,
    timeoutMs: 30_000,
    attempts: 5,
  });
  assert.deepEqual(readResolverOptions(["ndots:0", "timeout:0", "attempts:0", "ndots:x"]), {
    ndots: 1,
    timeoutMs: 1_000,
    attempts: 1,
  });
});
