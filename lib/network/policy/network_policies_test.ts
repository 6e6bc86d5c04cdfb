import assert from "node:assert/strict";
import { eventually, type Exchange, TestServer } from "../../api/_test_server.ts";
import { ApiClient } from "../../api/client.ts";
import type { KubeObject, NetworkPolicy, Pod } from "../../api/types.ts";
import { pod, policy } from "./_world.ts";
import { FLOW_MS } from "./flows.ts";
import { NetworkPolicies, type NetworkPoliciesOptions } from "./network_policies.ts";
import type { PolicyQuestion } from "./policy_book.ts";
import type { PolicyTrouble } from "./policy_trouble.ts";

const NODE = "192.168.7.1";
const OUTSIDE = "203.0.113.7";
const POLICIES = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies";
const PODS = "/api/v1/namespaces/shop/pods";

/** An API server that has collections by their path, and the book of a node. */
class Cluster implements AsyncDisposable {
  readonly collections = new Map<string, KubeObject[]>();
  /** Answers so instead, by path. */
  readonly failures = new Map<string, number>();
  readonly server: TestServer;
  readonly book: NetworkPolicies;
  readonly troubles: PolicyTrouble[] = [];
  nowMs = 0;
  readonly #watches = new Map<string, Set<Exchange>>();
  readonly #client: ApiClient;

  private constructor(server: TestServer, options: Partial<NetworkPoliciesOptions>) {
    this.server = server;
    this.#client = new ApiClient({ server: server.url });
    server.handle((x) => this.#answer(x));
    this.book = new NetworkPolicies(this.#client, {
      isNode: (ip) => ip === NODE,
      onTrouble: (trouble) => this.troubles.push(trouble),
      now: () => this.nowMs,
      timings: { random: () => 0, sleep: () => new Promise((resolve) => setTimeout(resolve, 5)) },
      ...options,
    });
  }

  static async start(options: Partial<NetworkPoliciesOptions> = {}): Promise<Cluster> {
    return new Cluster(await TestServer.start(() => {}), options);
  }

  /** Paths that are watched now, as the server sees it. */
  get open(): string[] {
    return [...this.#watches].flatMap(([path, watches]) =>
      [...watches].flatMap((watch) => watch.gone ? [] : [path])
    ).sort();
  }

  async untilOpen(...paths: string[]): Promise<void> {
    const wanted = paths.sort().join();
    await eventually(`exactly ${wanted} are watched`, () => this.open.join() === wanted);
  }

  tell(path: string, type: "ADDED" | "MODIFIED" | "DELETED", object: KubeObject): void {
    const metadata = { ...object.metadata, resourceVersion: "2" };
    for (const watch of this.#watches.get(path) ?? []) {
      if (!watch.gone) watch.chunk({ type, object: { ...object, metadata } });
    }
  }

  verdict(of: Pod, wanted: Partial<PolicyQuestion> & { ip?: string } = {}): string {
    const { ip = OUTSIDE, port = 80, ...rest } = wanted;
    const peer = rest.peer ?? { ip, port: rest.direction === "egress" ? port : 40_000 };
    return this.book.judge({ direction: "ingress", protocol: "TCP", ...rest, pod: of, peer, port })
      .verdict;
  }

  async untilVerdict(
    verdict: string,
    of: Pod,
    wanted?: Partial<PolicyQuestion> & { ip?: string },
  ): Promise<void> {
    await eventually(`the answer is ${verdict}`, () => this.verdict(of, wanted) === verdict);
  }

  #answer(x: Exchange): void {
    const failure = this.failures.get(x.path);
    if (failure !== undefined) return x.refuse(failure, failure === 403 ? "Forbidden" : "Trouble");
    if (!x.query.has("watch")) {
      const items = this.collections.get(x.path) ?? [];
      return x.json({ metadata: { resourceVersion: "1" }, items });
    }
    x.open();
    this.#watches.set(x.path, (this.#watches.get(x.path) ?? new Set()).add(x));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.book[Symbol.asyncDispose]();
    this.#client.close();
    await this.server[Symbol.asyncDispose]();
  }
}

const db = pod("db", { labels: { role: "db" } });
const DENY = policy({ podSelector: {} }, { name: "deny" });
const FROM_FRONTEND = policy({
  podSelector: { matchLabels: { role: "db" } },
  ingress: [{ from: [{ podSelector: { matchLabels: { role: "frontend" } } }] }],
}, { name: "from-frontend" });
const frontend = pod("frontend", { labels: { role: "frontend" }, ips: ["10.1.0.2"] });

function everywhere(spec: NetworkPolicy["spec"]): NetworkPolicy {
  return policy({ podSelector: {}, ...spec }, { name: "everywhere" });
}

Deno.test("NetworkPolicies knows nothing of a pod before it has heard of its namespace's policies", async () => {
  await using cluster = await Cluster.start();
  assert.equal(cluster.verdict(db), "unknown");
  assert.ok(cluster.book.isGuarded(db));
  cluster.failures.set(POLICIES, 503);
  using _held = cluster.book.hold(db, ["10.1.0.1"]);
  await eventually("it has failed often", () => cluster.server.requests.length > 3);
  assert.deepEqual(cluster.troubles.map(({ reason }) => reason), ["NetworkPolicyUnavailable"]);
  assert.match(cluster.troubles[0]!.message, /^Cannot watch networkpolicies .* answered 503 /);
  assert.equal(cluster.verdict(db), "unknown");
  assert.equal(cluster.book.allows(question(db)), false);
  assert.ok(cluster.book.isGuarded(db));
  cluster.failures.clear();
  await cluster.untilVerdict("allowed", db);
  assert.ok(!cluster.book.isGuarded(db));
  await cluster.untilOpen(POLICIES);
  // A second time it is news again.
  cluster.failures.set(POLICIES, 503);
  cluster.server.cut();
  await eventually("it is told again", () => cluster.troubles.length === 2);
});

Deno.test("NetworkPolicies follows the policies of namespaces that have pods here, and of no others", async () => {
  await using cluster = await Cluster.start();
  const held = [cluster.book.hold(db, ["10.1.0.1"]), cluster.book.hold(frontend, ["10.1.0.2"])];
  await cluster.untilOpen(POLICIES);
  await cluster.untilVerdict("allowed", db);
  let changes = 0;
  using _listening = cluster.book.onChange(() => changes++);
  cluster.tell(POLICIES, "ADDED", DENY);
  await cluster.untilVerdict("refused", db);
  assert.ok(changes > 0);
  assert.ok(cluster.book.isGuarded(db));
  assert.deepEqual(cluster.book.judge(question(db)).policies, ["deny"]);
  cluster.tell(POLICIES, "MODIFIED", policy({ podSelector: {}, ingress: [{}] }, { name: "deny" }));
  await cluster.untilVerdict("allowed", db);
  cluster.tell(POLICIES, "DELETED", DENY);
  await eventually("it is free", () => !cluster.book.isGuarded(db));
  held[0]?.[Symbol.dispose]();
  held[0]?.[Symbol.dispose](); // a second time: it must not count
  assert.deepEqual(cluster.book.watched, ["networkpolicies/shop"]);
  held[1]?.[Symbol.dispose]();
  await cluster.untilOpen();
  assert.equal(cluster.verdict(db), "unknown");
});

Deno.test("NetworkPolicies watches pods while a policy that limits a pod here selects some, and only there", async () => {
  await using cluster = await Cluster.start();
  cluster.collections.set(PODS, [frontend]);
  cluster.collections.set(POLICIES, [
    // It limits no pod of this node.
    policy({
      podSelector: { matchLabels: { role: "elsewhere" } },
      ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: "a" } } }] }],
    }),
  ]);
  using held = cluster.book.hold(db, ["10.1.0.1"]);
  await cluster.untilOpen(POLICIES);
  assert.deepEqual(cluster.book.watched, ["networkpolicies/shop"]);
  cluster.tell(POLICIES, "ADDED", FROM_FRONTEND);
  await cluster.untilVerdict("allowed", db, { ip: "10.1.0.2" });
  await cluster.untilOpen(POLICIES, PODS);
  assert.deepEqual(
    cluster.server.requests.find(({ path }) => path === PODS)?.query.get("fieldSelector"),
    "status.phase!=Succeeded,status.phase!=Failed",
  );
  assert.equal(cluster.verdict(db, { ip: "10.1.0.3" }), "refused");
  // Pods come, change and go.
  const late = pod("late", { labels: { role: "frontend" }, ips: ["10.1.0.3"] });
  cluster.tell(PODS, "ADDED", late);
  await cluster.untilVerdict("allowed", db, { ip: "10.1.0.3" });
  cluster.tell(PODS, "MODIFIED", pod("late", { ips: ["10.1.0.3"] }));
  await cluster.untilVerdict("refused", db, { ip: "10.1.0.3" });
  cluster.tell(PODS, "DELETED", frontend);
  await cluster.untilVerdict("refused", db, { ip: "10.1.0.2" });
  // Another label, and the policy is about this pod no more.
  const free = pod("db", { labels: { role: "free" } });
  held.update(free);
  assert.equal(cluster.verdict(free), "allowed");
  await cluster.untilOpen(POLICIES);
});

Deno.test("NetworkPolicies watches all pods, and namespaces, where selectors of namespaces need it", async () => {
  await using cluster = await Cluster.start();
  const client = pod("client", { namespace: "partner", ips: ["10.1.0.5"] });
  cluster.collections.set("/api/v1/pods", [client]);
  cluster.collections.set("/api/v1/namespaces/partner/pods", [client]);
  cluster.collections.set("/api/v1/namespaces", [
    { metadata: { name: "partner", labels: { team: "a" } } },
  ]);
  const from = (namespaceSelector: object): NetworkPolicy =>
    everywhere({ ingress: [{ from: [{ namespaceSelector }] }] });
  cluster.collections.set(POLICIES, [from({ matchLabels: { team: "a" } })]);
  using _held = cluster.book.hold(db, []);
  await cluster.untilVerdict("allowed", db, { ip: "10.1.0.5" });
  await cluster.untilOpen(POLICIES, "/api/v1/pods", "/api/v1/namespaces");
  const newer = { metadata: { name: "partner", labels: { team: "b" } } };
  cluster.tell("/api/v1/namespaces", "MODIFIED", newer);
  await cluster.untilVerdict("refused", db, { ip: "10.1.0.5" });
  // All namespaces, whatever their labels.
  cluster.tell(POLICIES, "MODIFIED", from({}));
  await cluster.untilVerdict("allowed", db, { ip: "10.1.0.5" });
  await cluster.untilOpen(POLICIES, "/api/v1/pods");
  // One by its name: the pods of all others are of no interest.
  cluster.tell(
    POLICIES,
    "MODIFIED",
    from({ matchLabels: { "kubernetes.io/metadata.name": "partner" } }),
  );
  await cluster.untilOpen(POLICIES, "/api/v1/namespaces/partner/pods");
  assert.equal(cluster.verdict(db, { ip: "10.1.0.5" }), "allowed");
});

Deno.test("NetworkPolicies does not forget pods while a wider watch begins", async () => {
  await using cluster = await Cluster.start();
  cluster.collections.set(PODS, [frontend]);
  cluster.collections.set(POLICIES, [FROM_FRONTEND]);
  using _held = cluster.book.hold(db, []);
  await cluster.untilVerdict("allowed", db, { ip: "10.1.0.2" });
  await cluster.untilOpen(POLICIES, PODS);
  cluster.failures.set("/api/v1/pods", 503);
  cluster.tell(POLICIES, "ADDED", everywhere({ ingress: [{ from: [{ namespaceSelector: {} }] }] }));
  await eventually("all pods are asked for", () => cluster.book.watched.includes("pods"));
  await eventually("it has failed", () => cluster.troubles.some((it) => it.resource === "pods"));
  assert.equal(cluster.verdict(db, { ip: "10.1.0.2" }), "allowed");
  assert.equal(cluster.verdict(db, { ip: "10.1.0.7" }), "unknown");
  cluster.collections.set("/api/v1/pods", [frontend]);
  cluster.failures.clear();
  await cluster.untilVerdict("refused", db, { ip: "10.1.0.7" });
  await cluster.untilOpen(POLICIES, "/api/v1/pods");
  assert.equal(cluster.verdict(db, { ip: "10.1.0.2" }), "allowed");
});

Deno.test("NetworkPolicies needs no watch for pods of this node", async () => {
  await using cluster = await Cluster.start();
  cluster.collections.set(POLICIES, [FROM_FRONTEND]);
  cluster.failures.set(PODS, 503);
  using _held = cluster.book.hold(db, ["10.1.0.1"]);
  using other = cluster.book.hold(frontend, ["10.1.0.2"]);
  await cluster.untilVerdict("allowed", db, { ip: "10.1.0.2" });
  other.update(pod("frontend", { labels: { role: "other" } }));
  assert.equal(cluster.verdict(db, { ip: "10.1.0.2" }), "refused");
});

Deno.test("NetworkPolicies lets the node in, and a pod to itself, whatever policies say", async () => {
  await using cluster = await Cluster.start();
  cluster.collections.set(POLICIES, [
    policy({ podSelector: {}, policyTypes: ["Ingress", "Egress"] }, { name: "deny" }),
  ]);
  using _held = cluster.book.hold(db, ["10.1.0.1", "fd00::1"]);
  await cluster.untilVerdict("refused", db);
  assert.equal(cluster.verdict(db, { ip: NODE }), "allowed");
  // So a program of the node comes by a port of the node.
  assert.equal(cluster.verdict(db, { ip: "127.0.0.1" }), "allowed");
  assert.equal(cluster.verdict(db, { ip: "::1" }), "allowed");
  assert.equal(cluster.verdict(db, { ip: "127.65.0.9" }), "refused");
  assert.equal(cluster.verdict(db, { ip: "fd00::1" }), "allowed");
  assert.equal(cluster.verdict(db, { direction: "egress", ip: "10.1.0.1" }), "allowed");
  assert.equal(cluster.verdict(db, { direction: "egress", ip: NODE }), "refused");
  const onNode = pod("agent", { spec: { hostNetwork: true } });
  assert.equal(cluster.verdict(onNode, { direction: "egress" }), "allowed");
  assert.ok(!cluster.book.isGuarded(onNode));
});

Deno.test("NetworkPolicies takes packets of UDP that answer for answers, in both directions, for a time", async () => {
  await using cluster = await Cluster.start();
  const free = { cidr: "198.51.100.0/24" };
  cluster.collections.set(POLICIES, [
    policy({
      podSelector: {},
      ingress: [{ from: [{ ipBlock: free }] }],
      egress: [{ to: [{ ipBlock: { cidr: "203.0.113.0/24" } }] }],
    }),
  ]);
  using _held = cluster.book.hold(db, []);
  await eventually("it is limited", () => cluster.verdict(db) === "refused");
  const peer = { ip: OUTSIDE, port: 53 };
  const [out, back] = ["egress", "ingress"].map((direction) =>
    ({ direction, peer, protocol: "UDP" }) as Partial<PolicyQuestion>
  );
  assert.equal(cluster.verdict(db, back), "refused");
  assert.equal(cluster.verdict(db, { ...out, port: 53 }), "allowed");
  assert.equal(cluster.verdict(db, back), "allowed");
  // Another port of the same machine has not been asked.
  assert.equal(cluster.verdict(db, { ...back, peer: { ...peer, port: 54 } }), "refused");
  assert.equal(cluster.verdict(db, { ...back, protocol: "TCP" }), "refused");
  cluster.nowMs += FLOW_MS - 1;
  assert.equal(cluster.verdict(db, back), "allowed"); // and goes on
  cluster.nowMs += FLOW_MS - 1;
  assert.equal(cluster.verdict(db, back), "allowed");
  cluster.nowMs += FLOW_MS;
  assert.equal(cluster.verdict(db, back), "refused");
  // The other way: whoever may come in is answered.
  const caller = { ip: "198.51.100.9", port: 5_000 };
  const answer: Partial<PolicyQuestion> = {
    direction: "egress",
    peer: caller,
    port: 5_000,
    protocol: "UDP",
  };
  assert.equal(cluster.verdict(db, answer), "refused");
  assert.equal(cluster.verdict(db, { peer: caller, protocol: "UDP" }), "allowed");
  assert.equal(cluster.verdict(db, answer), "allowed");
});

Deno.test("NetworkPolicies guards also who is limited in what goes out: what comes in makes answers", async () => {
  await using cluster = await Cluster.start();
  cluster.collections.set(POLICIES, [policy({ podSelector: {}, policyTypes: ["Egress"] })]);
  using _held = cluster.book.hold(db, []);
  await cluster.untilVerdict("refused", db, { direction: "egress" });
  assert.ok(cluster.book.isGuarded(db));
  const peer = { ip: OUTSIDE, port: 5_000 };
  assert.equal(cluster.verdict(db, { peer, protocol: "UDP" }), "allowed");
  assert.equal(
    cluster.verdict(db, { direction: "egress", peer, port: 5_000, protocol: "UDP" }),
    "allowed",
  );
});

Deno.test("NetworkPolicies enforces none where the node may not see them, and says so once", async () => {
  await using cluster = await Cluster.start();
  cluster.failures.set(POLICIES, 403);
  using _held = cluster.book.hold(db, []);
  await cluster.untilVerdict("allowed", db);
  await eventually("it has been asked again", () => cluster.server.requests.length > 3);
  assert.deepEqual(cluster.troubles, [{
    reason: "NetworkPolicyForbidden",
    resource: "networkpolicies",
    message: "Cannot watch networkpolicies for network policies: it is forbidden, so none is " +
      'enforced on this node; run "krustlet bootstrap" as an administrator, or apply the role of ' +
      "docs/services.md",
  }]);
  // The right comes later.
  cluster.collections.set(POLICIES, [DENY]);
  cluster.failures.clear();
  await cluster.untilVerdict("refused", db);
  // And goes: what was known stays.
  cluster.failures.set(POLICIES, 403);
  const before = cluster.server.requests.length;
  cluster.server.cut();
  await eventually("it is refused again", () => cluster.server.requests.length > before + 3);
  assert.equal(cluster.verdict(db), "refused");
});

Deno.test("NetworkPolicies lets nobody in by a selector of what the node may not see", async () => {
  await using cluster = await Cluster.start();
  cluster.collections.set(POLICIES, [FROM_FRONTEND]);
  cluster.failures.set(PODS, 403);
  using _held = cluster.book.hold(db, []);
  await cluster.untilVerdict("refused", db, { ip: "10.1.0.2" });
  assert.deepEqual(cluster.troubles.map(({ resource }) => resource), ["pods"]);
  // Those of this node are known.
  using _other = cluster.book.hold(frontend, ["10.1.0.2"]);
  assert.equal(cluster.verdict(db, { ip: "10.1.0.2" }), "allowed");
});

Deno.test("NetworkPolicies enforces none on a server that has no such resource", async () => {
  await using cluster = await Cluster.start();
  cluster.failures.set(POLICIES, 404);
  using _held = cluster.book.hold(db, []);
  await cluster.untilVerdict("allowed", db);
});

Deno.test("NetworkPolicies keeps what it knows while the server is away, and catches up", async () => {
  await using cluster = await Cluster.start();
  cluster.collections.set(POLICIES, [DENY]);
  using _held = cluster.book.hold(db, []);
  await cluster.untilVerdict("refused", db);
  cluster.failures.set(POLICIES, 503);
  const before = cluster.server.requests.length;
  cluster.server.cut();
  // So often that it lists anew in the end.
  await eventually("it has failed often", () => cluster.server.requests.length > before + 4);
  assert.equal(cluster.verdict(db), "refused");
  cluster.collections.set(POLICIES, []);
  cluster.failures.clear();
  await cluster.untilVerdict("allowed", db);
});

Deno.test("NetworkPolicies.hold() of a pod anew takes the place of the one before", async () => {
  await using cluster = await Cluster.start();
  const before = cluster.book.hold(db, ["10.1.0.1"]);
  using _now = cluster.book.hold(db, ["10.1.0.1"]);
  await cluster.untilOpen(POLICIES);
  before.update(pod("db", { labels: { role: "stale" } }));
  before[Symbol.dispose]();
  cluster.tell(POLICIES, "ADDED", policy({ podSelector: {}, policyTypes: ["Ingress"] }));
  await cluster.untilVerdict("refused", db);
  assert.equal(cluster.verdict(db, { ip: "10.1.0.1" }), "allowed");
});

function question(of: Pod): PolicyQuestion {
  return {
    direction: "ingress",
    pod: of,
    peer: { ip: OUTSIDE, port: 40_000 },
    port: 80,
    protocol: "TCP",
  };
}
