import assert from "node:assert/strict";
import { eventually, type Exchange, TestServer } from "./_test_server.ts";
import { ApiClient } from "./client.ts";
import { serviceScopes, ServiceWatches, type ServiceWatchesOptions } from "./service_watches.ts";
import type { Service } from "./types.ts";

const SHOP = { namespace: "shop" };

function service(name: string, clusterIP = "10.0.0.7"): Service {
  return {
    metadata: { name, namespace: "shop", labels: { app: name } },
    spec: { clusterIP, ports: [{ port: 80, protocol: "TCP" }] },
  };
}

/** An API server that has the Services of namespace `shop`. */
class Cluster implements AsyncDisposable {
  items: Service[] = [service("web")];
  /** Answers with this status instead, if it is one. */
  failure: number | undefined;
  readonly server: TestServer;
  readonly watches: ServiceWatches;
  readonly open = new Set<Exchange>();
  readonly #client: ApiClient;

  private constructor(server: TestServer, options: ServiceWatchesOptions) {
    this.server = server;
    this.#client = new ApiClient({ server: server.url });
    this.watches = new ServiceWatches(this.#client, {
      timings: { random: () => 0, sleep: () => new Promise((resolve) => setTimeout(resolve, 5)) },
      ...options,
    });
    server.handle((x) => this.#answer(x));
  }

  static async start(options: ServiceWatchesOptions = {}): Promise<Cluster> {
    return new Cluster(await TestServer.start(() => {}), options);
  }

  /** What was asked for so far, as `LIST` and `WATCH`. */
  get asked(): string[] {
    return this.server.requests.map(({ query }) => query.has("watch") ? "WATCH" : "LIST");
  }

  async names(): Promise<string[]> {
    const services = await this.watches.read(SHOP);
    return services.map(({ metadata }) => metadata?.name ?? "");
  }

  /** Waits until these are all names, or fails after a minute. */
  async untilNames(wanted: string): Promise<void> {
    const late = AbortSignal.timeout(60_000);
    while ((await this.names()).join() !== wanted) {
      late.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  tell(type: string, object: Service): void {
    const metadata = { ...object.metadata, resourceVersion: "2" };
    for (const watch of this.open) watch.chunk({ type, object: { ...object, metadata } });
  }

  #answer(x: Exchange): void {
    if (this.failure !== undefined) return x.refuse(this.failure, "Unavailable");
    if (!x.query.has("watch")) {
      return x.json({ metadata: { resourceVersion: "1" }, items: this.items });
    }
    x.open();
    this.open.add(x);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watches[Symbol.asyncDispose]();
    this.#client.close();
    await this.server[Symbol.asyncDispose]();
  }
}

Deno.test("serviceScopes() names the pod's namespace and the API server, each once", () => {
  const api = { namespace: "default", name: "kubernetes" };
  const pod = (namespace: string, spec = {}): Parameters<typeof serviceScopes>[0] => ({
    metadata: { namespace },
    spec: { containers: [], ...spec },
  });
  assert.deepEqual(serviceScopes(pod("shop")), [api, SHOP]);
  assert.deepEqual(serviceScopes(pod("shop", { enableServiceLinks: false })), [api]);
  assert.deepEqual(serviceScopes(pod("default")), [{ namespace: "default" }]);
  assert.deepEqual(serviceScopes(pod("default", { enableServiceLinks: false })), [api]);
});

Deno.test("ServiceWatches answers from one watch while somebody holds it, and tells what changes", async () => {
  await using cluster = await Cluster.start();
  const holds = [cluster.watches.hold(SHOP), cluster.watches.hold(SHOP)];
  assert.deepEqual(await cluster.names(), ["web"]);
  await eventually("there is a watch", () => cluster.open.size === 1);
  cluster.tell("ADDED", service("db"));
  cluster.tell("ADDED", service("headless", "None"));
  cluster.tell("DELETED", service("web"));
  await cluster.untilNames("db");
  cluster.tell("MODIFIED", service("db", "None"));
  await cluster.untilNames("");
  assert.deepEqual(cluster.asked, ["LIST", "WATCH"]);
  const [watch] = cluster.open;
  holds[0]?.[Symbol.dispose]();
  holds[0]?.[Symbol.dispose](); // a second time: it must not count
  assert.deepEqual(await cluster.names(), []);
  assert.deepEqual(cluster.asked, ["LIST", "WATCH"]);
  holds[1]?.[Symbol.dispose]();
  await watch?.untilGone();
});

Deno.test("ServiceWatches asks for those with an address only, and keeps no more than is told", async () => {
  await using cluster = await Cluster.start();
  using _held = cluster.watches.hold(SHOP);
  assert.deepEqual(await cluster.watches.read(SHOP), [{
    metadata: { name: "web" },
    spec: { clusterIP: "10.0.0.7", ports: [{ port: 80, protocol: "TCP" }] },
  }]);
  await cluster.watches.read({ namespace: "default", name: "kubernetes" });
  assert.deepEqual(
    cluster.server.requests.filter(({ query }) => !query.has("watch")).map((
      { path, query },
    ) => [path, query.get("fieldSelector")]),
    [
      ["/api/v1/namespaces/shop/services", "spec.clusterIP!=None"],
      ["/api/v1/namespaces/default/services", "spec.clusterIP!=None,metadata.name=kubernetes"],
    ],
  );
});

Deno.test("ServiceWatches lists what nobody holds, and what is beyond its watches", async () => {
  await using cluster = await Cluster.start({ watchesMax: 0 });
  assert.deepEqual(await cluster.names(), ["web"]);
  using _held = cluster.watches.hold(SHOP);
  assert.deepEqual(await cluster.names(), ["web"]);
  assert.deepEqual(cluster.asked, ["LIST", "LIST"]);
});

Deno.test("ServiceWatches rejects until it has heard of the Services once, and then remembers", async () => {
  await using cluster = await Cluster.start();
  cluster.failure = 503;
  using _held = cluster.watches.hold(SHOP);
  assert.deepEqual(await cluster.watches.read(SHOP, { knownOnly: true }), []);
  await assert.rejects(cluster.names(), /^Error: services have not yet been read at least once/);
  cluster.failure = undefined;
  await eventually("there is a watch", () => cluster.open.size === 1);
  assert.deepEqual(await cluster.names(), ["web"]);
  cluster.failure = 503;
  cluster.server.cut();
  assert.deepEqual(await cluster.names(), ["web"]);
  assert.equal((await cluster.watches.read(SHOP, { knownOnly: true })).length, 1);
});

Deno.test("ServiceWatches.read() ends with the signal's reason", async () => {
  await using cluster = await Cluster.start();
  cluster.server.handle(() => {});
  using _held = cluster.watches.hold(SHOP);
  const stop = new AbortController();
  const reading = cluster.watches.read(SHOP, { signal: stop.signal });
  stop.abort(new Error("the pod is being deleted"));
  await assert.rejects(reading, { message: "the pod is being deleted" });
});
