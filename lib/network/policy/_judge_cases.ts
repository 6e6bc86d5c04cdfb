/**
 * A cluster, and short words for questions about pod `db` of namespace `shop`.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { NetworkPolicy } from "../../api/types.ts";
import { pod, policy, World } from "./_world.ts";
import { type Attempt, judge, policiesOn, type Verdict } from "./judge.ts";
import { factsOf } from "./pod_table.ts";
import { compilePolicy } from "./rules.ts";

export const db = pod("db", {
  labels: { role: "db" },
  ips: ["10.1.0.1", "fd00::1"],
  ports: [{ name: "redis", containerPort: 6379 }, {
    name: "stats",
    containerPort: 8125,
    protocol: "UDP",
  }],
});
const frontend = pod("frontend", {
  labels: { role: "frontend", tier: "web" },
  ips: ["10.1.0.2", "fd00::2"],
});
const batch = pod("batch", { labels: { role: "batch" }, ips: ["10.1.0.3"] });
const dns = pod("dns", {
  namespace: "kube-system",
  labels: { "k8s-app": "dns" },
  ips: ["10.1.0.4"],
  ports: [{ name: "dns", containerPort: 53, protocol: "UDP" }],
});
export const client = pod("client", {
  namespace: "partner",
  labels: { role: "client" },
  ips: ["10.1.0.5"],
});
export const stranger = pod("stranger", {
  namespace: "other",
  labels: { role: "client" },
  ips: ["10.1.0.6"],
});
const onNode = pod("agent", {
  labels: { role: "frontend" },
  ips: ["192.168.7.1"],
  spec: { hostNetwork: true },
});
const ended = pod("ended", { labels: { role: "frontend" }, ips: ["10.1.0.9"] });

export const WORLD = {
  pods: [db, frontend, batch, dns, client, stranger, onNode, {
    ...ended,
    status: { ...ended.status, phase: "Failed" as const },
  }],
  namespaces: {
    "shop": {},
    "kube-system": {},
    "partner": { project: "myproject", team: "b" },
    "other": { team: "a" },
  },
};
export const OUTSIDE = "203.0.113.7";

/** What is asked; the rest is a connection from outside to port 80. */
export type Wanted = Partial<Omit<Attempt, "pod">>;
/** What is shown, the policies, the question, and the answer. */
export type Case = readonly [
  what: string,
  spec: NetworkPolicy["spec"] | readonly NetworkPolicy["spec"][],
  wanted: Wanted,
  verdict: Verdict,
];

export const inFrom = (
  peerIp: string,
  port = 6379,
  protocol: Attempt["protocol"] = "TCP",
): Wanted => ({
  direction: "ingress",
  peerIp,
  port,
  protocol,
});
export const outTo = (
  peerIp: string,
  port = 443,
  protocol: Attempt["protocol"] = "TCP",
): Wanted => ({
  direction: "egress",
  peerIp,
  port,
  protocol,
});

/** The example that the documentation begins with. */
export const EXAMPLE: NetworkPolicy["spec"] = {
  podSelector: { matchLabels: { role: "db" } },
  policyTypes: ["Ingress", "Egress"],
  ingress: [{
    from: [
      { ipBlock: { cidr: "172.17.0.0/16", except: ["172.17.1.0/24"] } },
      { namespaceSelector: { matchLabels: { project: "myproject" } } },
      { podSelector: { matchLabels: { role: "frontend" } } },
    ],
    ports: [{ protocol: "TCP", port: 6379 }],
  }],
  egress: [{
    to: [{ ipBlock: { cidr: "10.0.0.0/24" } }],
    ports: [{ protocol: "TCP", port: 5978 }],
  }],
};
export const peers = (...from: unknown[]): NetworkPolicy["spec"] =>
  ({ podSelector: {}, ingress: [{ from }] }) as NetworkPolicy["spec"];
export const ports = (...list: unknown[]): NetworkPolicy["spec"] =>
  ({ podSelector: {}, ingress: [{ ports: list }] }) as NetworkPolicy["spec"];
export const egress = (...list: unknown[]): NetworkPolicy["spec"] =>
  ({ podSelector: {}, policyTypes: ["Egress"], egress: list }) as NetworkPolicy["spec"];
export const expression = (key: string, operator: string, values?: string[]): unknown => ({
  podSelector: { matchExpressions: [{ key, operator, ...(values ? { values } : {}) }] },
});

/** One test for each case. */
export function testCases(cases: readonly Case[]): void {
  for (const [what, spec, wanted, verdict] of cases) {
    Deno.test(`judge() has this ${verdict}: ${what}`, () => {
      const specs = Array.isArray(spec) ? spec : [spec as NetworkPolicy["spec"]];
      assert.equal(verdictOf(specs, { wanted, world: new World(WORLD) }), verdict);
    });
  }
}

/** What the policies of namespace `shop` say. */
export function verdictOf(
  specs: readonly NetworkPolicy["spec"][],
  { wanted, world }: { readonly wanted: Wanted; readonly world: World },
): Verdict {
  const { direction = "ingress", peerIp = OUTSIDE, port = 80, protocol = "TCP" } = wanted;
  const attempt = { direction, peerIp, port, protocol, pod: factsOf(db) };
  const policies = specs.map((spec) => compilePolicy(policy(spec)));
  const limiting = policiesOn(attempt.pod, { direction, policies });
  return judge(attempt, { limiting, peers: world });
}
