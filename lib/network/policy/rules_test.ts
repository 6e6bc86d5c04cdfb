import fc from "fast-check";
import assert from "node:assert/strict";
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "../../api/types.ts";
import { pod, World } from "./_world.ts";
import { type Attempt, judge, policiesOn, type Verdict } from "./judge.ts";
import { factsOf } from "./pod_table.ts";
import { compilePolicy, type Direction } from "./rules.ts";

const RUNS = 3_000;

/** A policy of namespace `shop` whose spec is anything. */
function strange(spec: unknown): NetworkPolicy {
  return { metadata: { name: "strange", namespace: "shop" }, spec } as NetworkPolicy;
}

Deno.test("compilePolicy() lets what is malformed allow nothing, and limit more rather than fewer", () => {
  const world = new World({ pods: [], namespaces: {} });
  const verdict = (spec: unknown, direction: Direction = "ingress"): Verdict => {
    const attempt = {
      direction,
      pod: factsOf(pod("db")),
      peerIp: "10.0.0.1",
      port: 80,
      protocol: "TCP" as const,
    };
    const policies = [compilePolicy(strange(spec))];
    return judge(attempt, {
      limiting: policiesOn(attempt.pod, { direction, policies }),
      peers: world,
    });
  };
  const from = (...peers: unknown[]): unknown => ({ ingress: [{ from: peers }] });
  const ports = (...list: unknown[]): unknown => ({ ingress: [{ ports: list }] });
  const all = { cidr: "0.0.0.0/0" };
  const specs: unknown[] = [
    undefined,
    null,
    [],
    "all",
    { podSelector: "all" },
    { podSelector: { matchLabels: ["app"] } },
    { podSelector: { matchLabels: { app: 1 } } },
    { podSelector: { matchExpressions: [{ key: "app", operator: "Like", values: ["x"] }] } },
    { podSelector: { matchExpressions: [{ key: "app", operator: "In", values: [] }] } },
    { podSelector: { matchExpressions: [{ key: "app", operator: "Exists", values: ["x"] }] } },
    { podSelector: { matchExpressions: [{ operator: "Exists" }] } },
    { podSelector: { matchExpressions: [null] } },
    { policyTypes: ["egress"] },
    { policyTypes: "Ingress" },
    { ingress: "all" },
    { ingress: {} },
    { ingress: [null, "all", []] },
    { ingress: [{ from: "all" }] },
    { ingress: [{ ports: {} }] },
    from(null),
    from({}),
    from("10.0.0.1"),
    from({ ipBlock: "0.0.0.0/0" }),
    from({ ipBlock: {} }),
    from({ ipBlock: { cidr: "10.0.0.1" } }),
    from({ ipBlock: { cidr: "0.0.0.0/33" } }),
    from({ ipBlock: { cidr: "010.0.0.0/8" } }),
    from({ ipBlock: { ...all, except: "10.0.0.1/32" } }),
    from({ ipBlock: { ...all, except: ["10.0.0.1"] } }),
    from({ ipBlock: { ...all, except: ["x"] } }),
    from({ ipBlock: all, podSelector: {} }),
    from({ ipBlock: all, namespaceSelector: {} }),
    from({ podSelector: { matchExpressions: "all" } }),
    ports(null),
    ports(80),
    ports({ port: 0 }),
    ports({ port: -80 }),
    ports({ port: 80.5 }),
    ports({ port: "80" }),
    ports({ port: "" }),
    ports({ port: 79, endPort: 65_536 }),
    ports({ port: 81, endPort: 80 }),
    ports({ port: "http", endPort: 80 }),
    ports({ endPort: 80 }),
    ports({ port: 80, protocol: "tcp" }),
    ports({ port: 80, protocol: "" }),
    ports({ port: true }),
  ];
  for (const spec of specs) assert.equal(verdict(spec), "refused", JSON.stringify(spec));
  assert.equal(verdict({ policyTypes: ["egress"] }, "egress"), "refused");
  assert.equal(verdict({ egress: "all" }, "egress"), "refused");
  // What is well-formed beside it counts.
  assert.equal(verdict(from(null, { ipBlock: all })), "allowed");
  assert.equal(verdict({ ingress: [null, {}] }), "allowed");
});

Deno.test("compilePolicy() takes any object at all, and it can be asked", () => {
  const world = new World({ pods: [], namespaces: {} });
  const fields = ["podSelector", "ingress", "egress", "from", "to", "ports", "ipBlock", "cidr"];
  const { any } = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small" },
      fc.jsonValue(),
      fc.array(tie("any"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...fields, "matchLabels", "matchExpressions"), tie("any"), {
        maxKeys: 4,
      }),
    ),
  }));
  fc.assert(
    fc.property(any, (spec) => {
      const policies = [compilePolicy(strange(spec))];
      for (const direction of ["ingress", "egress"] as const) {
        const attempt: Attempt = {
          direction,
          pod: factsOf(pod("db")),
          peerIp: "10.0.0.1",
          port: 80,
          protocol: "TCP",
        };
        judge(attempt, { limiting: policies, peers: world });
      }
    }),
    { numRuns: RUNS },
  );
});

const PODS = [
  pod("one", { namespace: "a", labels: { app: "x" }, ips: ["10.0.0.1"], ports: named("p", 1) }),
  pod("two", { namespace: "a", labels: { app: "y", old: "" }, ips: ["10.0.0.2"] }),
  pod("three", { namespace: "b", labels: { app: "x" }, ips: ["10.0.0.3"], ports: named("p", 2) }),
  pod("four", { namespace: "b", labels: {}, ips: ["10.0.0.4"], ports: named("q", 1) }),
];
const NAMESPACES: Readonly<Record<string, Record<string, string>>> = {
  a: { team: "red" },
  b: { team: "blue", old: "" },
};

function named(name: string, containerPort: number): { name: string; containerPort: number }[] {
  return [{ name, containerPort }];
}

/** The same question answered in the plainest way, from the objects as they are. */
function plainly(policies: readonly NetworkPolicy[], attempt: Attempt): boolean {
  const target = PODS.find(({ metadata }) => metadata?.labels === attempt.pod.labels)!;
  const peer = PODS.find(({ status }) => status?.podIPs?.[0]?.ip === attempt.peerIp);
  const fits = (
    selector: NetworkPolicyPeer["podSelector"],
    labels: Record<string, string> = {},
  ): boolean => {
    for (const key in selector?.matchLabels) {
      if (labels[key] !== selector.matchLabels[key]) return false;
    }
    for (const { key, operator, values } of selector?.matchExpressions ?? []) {
      const is = key in labels;
      if (operator === "Exists" && !is) return false;
      if (operator === "DoesNotExist" && is) return false;
      if (operator === "In" && !(is && values!.includes(labels[key]!))) return false;
      if (operator === "NotIn" && is && values!.includes(labels[key]!)) return false;
    }
    return true;
  };
  const last = Number(attempt.peerIp.split(".")[3]);
  const inBlock = (cidr: string): boolean => {
    const [ip, bits] = cidr.split("/");
    const size = 2 ** (32 - Number(bits));
    return Math.floor(last / size) === Math.floor(Number(ip!.split(".")[3]) / size);
  };
  const isPeer = (namespace: string, one: NetworkPolicyPeer): boolean => {
    if (one.ipBlock) {
      return inBlock(one.ipBlock.cidr) && !(one.ipBlock.except ?? []).some(inBlock);
    }
    if (!peer) return false;
    const { namespace: home = "" } = peer.metadata!;
    const labels = { ...NAMESPACES[home], "kubernetes.io/metadata.name": home };
    const right = one.namespaceSelector ? fits(one.namespaceSelector, labels) : home === namespace;
    return right && fits(one.podSelector, peer.metadata!.labels);
  };
  const isPort = ({ protocol = "TCP", port, endPort }: NetworkPolicyPort): boolean => {
    if (protocol !== attempt.protocol) return false;
    if (port === undefined) return true;
    if (typeof port === "number") return attempt.port >= port && attempt.port <= (endPort ?? port);
    const owner = attempt.direction === "ingress" ? target : peer;
    const named = owner?.spec?.containers[0]?.ports?.find(({ name }) => name === port);
    return named?.containerPort === attempt.port && attempt.protocol === "TCP";
  };
  const mine = policies.filter(({ metadata, spec }) => {
    const types = spec!.policyTypes ?? ["Ingress", ...(spec!.egress?.length ? ["Egress"] : [])];
    return metadata!.namespace === target.metadata!.namespace &&
      fits(spec!.podSelector, target.metadata!.labels) &&
      types.includes(attempt.direction === "ingress" ? "Ingress" : "Egress");
  });
  if (mine.length === 0) return true;
  return mine.some(({ metadata, spec }) =>
    (spec![attempt.direction] ?? []).some((rule) => {
      const peers = (rule as { from?: NetworkPolicyPeer[] }).from ??
        (rule as { to?: NetworkPolicyPeer[] }).to ?? [];
      const ports = rule.ports ?? [];
      return (peers.length === 0 || peers.some((one) => isPeer(metadata!.namespace!, one))) &&
        (ports.length === 0 || ports.some(isPort));
    })
  );
}

function selectors(keys: readonly string[], values: readonly string[]): fc.Arbitrary<object> {
  const key = fc.constantFrom(...keys);
  const list = fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 2 });
  const expression = fc.oneof(
    fc.record({ key, operator: fc.constantFrom("In", "NotIn"), values: list }),
    fc.record({ key, operator: fc.constantFrom("Exists", "DoesNotExist") }),
  );
  return fc.record({
    matchLabels: fc.dictionary(key, fc.constantFrom(...values), { maxKeys: 1 }),
    matchExpressions: fc.array(expression, { maxLength: 1 }),
  }, { requiredKeys: [] });
}

const POD_SELECTOR = selectors(["app", "old"], ["x", "y", ""]);
const NAMESPACE_SELECTOR = selectors(
  ["team", "old", "kubernetes.io/metadata.name"],
  ["a", "b", "red", "blue"],
);
const CIDR = fc.constantFrom(
  "10.0.0.0/30",
  "10.0.0.0/24",
  "10.0.0.2/31",
  "10.0.0.3/32",
  "10.0.0.8/29",
);
const PEER = fc.oneof(
  fc.record({ ipBlock: fc.record({ cidr: CIDR, except: fc.array(CIDR, { maxLength: 1 }) }) }),
  fc.record({ podSelector: POD_SELECTOR }),
  fc.record({ namespaceSelector: NAMESPACE_SELECTOR }),
  fc.record({ podSelector: POD_SELECTOR, namespaceSelector: NAMESPACE_SELECTOR }),
);
const PROTOCOL = fc.constantFrom("TCP" as const, "UDP" as const);
const NUMBERED = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2 }));
const PORT = fc.oneof(
  fc.record({ protocol: PROTOCOL }),
  fc.record({ port: fc.constantFrom("p", "q") }),
  NUMBERED.map(([port, more]) => ({ port, ...(more > 0 ? { endPort: port + more } : {}) })),
);
const RULES = (side: "from" | "to"): fc.Arbitrary<object[]> =>
  fc.array(
    fc.record({
      [side]: fc.array(PEER, { maxLength: 2 }),
      ports: fc.array(PORT, { maxLength: 2 }),
    }, { requiredKeys: [] }),
    { maxLength: 2 },
  );
const POLICY: fc.Arbitrary<NetworkPolicy> = fc.record({
  metadata: fc.record({ name: fc.constant("one"), namespace: fc.constantFrom("a", "b") }),
  spec: fc.record({
    podSelector: POD_SELECTOR,
    policyTypes: fc.constantFrom(["Ingress"], ["Egress"], ["Ingress", "Egress"]),
    ingress: RULES("from"),
    egress: RULES("to"),
  }, { requiredKeys: ["podSelector"] }),
});

Deno.test("judge() agrees with a second model that reads the objects as they are", () => {
  const world = new World({ pods: PODS, namespaces: NAMESPACES });
  const seen = new Map<Verdict, number>();
  fc.assert(
    fc.property(
      fc.array(POLICY, { maxLength: 3 }),
      fc.constantFrom(...PODS),
      fc.record({
        direction: fc.constantFrom("ingress" as const, "egress" as const),
        peerIp: fc.integer({ min: 1, max: 9 }).map((last) => `10.0.0.${last}`),
        port: fc.integer({ min: 1, max: 5 }),
        protocol: PROTOCOL,
      }),
      (objects, target, wanted) => {
        const attempt = { ...wanted, pod: factsOf(target) };
        const policies = objects.map(compilePolicy);
        const { direction } = wanted;
        const limiting = policiesOn(attempt.pod, { direction, policies });
        const verdict = judge(attempt, { limiting, peers: world });
        if (limiting.length > 0) seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
        assert.equal(verdict, plainly(objects, attempt) ? "allowed" : "refused");
      },
    ),
    { numRuns: RUNS },
  );
  // A generator that never comes to a limit would prove nothing.
  assert.ok((seen.get("allowed") ?? 0) > RUNS / 50, "some are allowed by a rule");
  assert.ok((seen.get("refused") ?? 0) > RUNS / 50, "some are refused");
  assert.equal(seen.get("unknown"), undefined);
});
