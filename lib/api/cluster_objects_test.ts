import assert from "node:assert/strict";
import { eventually, type Exchange, TestServer } from "./_test_server.ts";
import { ApiClient, isForbidden } from "./client.ts";
import {
  ClusterObjects,
  type ClusterObjectsOptions,
  type ObjectChange,
} from "./cluster_objects.ts";
import { untilAborted } from "./deadline.ts";
import type { ObjectRef } from "./object_refs.ts";
import type { ConfigMap, Pod } from "./types.ts";

const REF: ObjectRef = { kind: "ConfigMap", namespace: "ns", name: "cm" };
const LIST_PATH = "/api/v1/namespaces/ns/configmaps";

/** An API server that has at most one ConfigMap, `ns/cm`. */
class Cluster implements AsyncDisposable {
  object: ConfigMap | undefined;
  /** Answers instead, if it says true. */
  intercept: (x: Exchange) => boolean = () => false;
  readonly errors: unknown[] = [];
  readonly changes: ObjectChange[] = [];
  readonly server: TestServer;
  readonly client: ApiClient;
  readonly objects: ClusterObjects;
  readonly #watches = new Set<Exchange>();
  #version = 1;

  private constructor(server: TestServer, options: ClusterObjectsOptions) {
    this.server = server;
    this.client = new ApiClient({ server: server.url });
    this.objects = new ClusterObjects(this.client, {
      onError: (_ref, error) => this.errors.push(error),
      timings: { random: () => 0, sleep: async () => await Promise.resolve() },
      ...options,
    });
    this.objects.subscribe((change) => this.changes.push(change));
    server.handle((x) => this.intercept(x) || this.#answer(x));
    this.set("one");
  }

  static async start(options: ClusterObjectsOptions = {}): Promise<Cluster> {
    return new Cluster(await TestServer.start(() => {}), options);
  }

  /** Requests so far, as `GET`, `LIST`, `WATCH`; those for Services are others' to count. */
  get asked(): string[] {
    return this.server.requests.filter((x) => !isForServices(x)).map(verb);
  }

  /** Changes the object; `undefined` deletes it. */
  set(value: string | undefined, more: ConfigMap = {}): void {
    const before = this.object;
    this.#version++;
    const metadata = { name: "cm", namespace: "ns", resourceVersion: String(this.#version) };
    this.object = value === undefined
      ? undefined
      : { ...more, metadata: { ...metadata, uid: "u" }, data: { k: value } };
    for (const watch of this.#watches) {
      if (this.object !== undefined) watch.chunk({ type: "MODIFIED", object: this.object });
      else watch.chunk({ type: "DELETED", object: { ...before, metadata } });
    }
  }

  async value(): Promise<string | undefined> {
    return (await this.objects.configMap("ns", "cm"))?.data?.["k"];
  }

  async untilWatches(count: number): Promise<void> {
    await eventually(`there are ${count} watches`, () => {
      for (const watch of this.#watches) if (watch.gone) this.#watches.delete(watch);
      return this.#watches.size === count;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.objects[Symbol.asyncDispose]();
    this.client.close();
    await this.server[Symbol.asyncDispose]();
  }

  #answer(x: Exchange): void {
    if (isForServices(x)) {
      if (x.query.has("watch")) x.open();
      else x.json({ metadata: { resourceVersion: "1" }, items: [] });
    } else if (x.path === `${LIST_PATH}/cm`) {
      if (this.object === undefined) x.refuse(404, "NotFound");
      else x.json(this.object);
    } else if (x.path === LIST_PATH && x.query.get("fieldSelector") === "metadata.name=cm") {
      if (x.query.has("watch")) {
        x.open();
        this.#watches.add(x);
      } else {
        x.json({
          metadata: { resourceVersion: String(this.#version) },
          items: this.object === undefined ? [] : [this.object],
        });
      }
    } else x.refuse(404, "NotFound", x.path);
  }
}

function isForServices({ path }: Exchange): boolean {
  return path.endsWith("/services");
}

function verb(x: Exchange): string {
  if (x.method !== "GET") return x.method;
  return x.query.has("watch") ? "WATCH" : x.query.has("fieldSelector") ? "LIST" : "GET";
}

Deno.test("ClusterObjects reads an object that nobody holds from the server each time", async () => {
  await using cluster = await Cluster.start();
  assert.equal(await cluster.value(), "one");
  cluster.set("two");
  assert.equal(await cluster.value(), "two");
  cluster.set(undefined);
  assert.equal(await cluster.value(), undefined);
  assert.deepEqual(cluster.asked, ["GET", "GET", "GET"]);
});

Deno.test("ClusterObjects.runtimeClass() answers the RuntimeClass, or undefined", async () => {
  await using cluster = await Cluster.start();
  const found = { metadata: { name: "small" }, handler: "dense" };
  cluster.intercept = (x): boolean => {
    if (x.path !== "/apis/node.k8s.io/v1/runtimeclasses/small") return false;
    x.json(found);
    return true;
  };
  assert.deepEqual(await cluster.objects.runtimeClass("small"), found);
  assert.equal(await cluster.objects.runtimeClass("large"), undefined);
});

Deno.test("ClusterObjects makes one request for all who ask at the same time", async () => {
  await using cluster = await Cluster.start();
  const values = await Promise.all(Array.from({ length: 50 }, () => cluster.value()));
  assert.deepEqual(new Set(values), new Set(["one"]));
  assert.deepEqual(cluster.asked, ["GET"]);
});

Deno.test("ClusterObjects lets one caller leave without disturbing the others", async () => {
  await using cluster = await Cluster.start();
  const waiting: Exchange[] = [];
  cluster.intercept = (x): boolean => waiting.push(x) > 0;
  const controller = new AbortController();
  const left = cluster.objects.configMap("ns", "cm", controller.signal);
  const stayed = cluster.value();
  await eventually("the request arrives", () => waiting.length === 1);
  controller.abort(new Error("enough"));
  await assert.rejects(left, /enough/);
  waiting[0]?.json(cluster.object);
  assert.equal(await stayed, "one");
  assert.deepEqual(cluster.asked, ["GET"]);
});

Deno.test("ClusterObjects asks once and watches once for 100 pods", async () => {
  await using cluster = await Cluster.start();
  const pod: Pod = {
    metadata: { namespace: "ns" },
    spec: { containers: [], volumes: [{ name: "v", configMap: { name: "cm" } }] },
  };
  const holds = Array.from({ length: 100 }, () => cluster.objects.holdPod(pod));
  const values = await Promise.all(holds.map(() => cluster.value()));
  assert.deepEqual(new Set(values), new Set(["one"]));
  await cluster.untilWatches(1);
  for (let i = 0; i < 100; i++) await cluster.value();
  assert.deepEqual(cluster.asked, ["LIST", "WATCH"]);

  for (const hold of holds.slice(1)) hold[Symbol.dispose]();
  holds[1]?.[Symbol.dispose](); // a second time: it must not count
  assert.equal(await cluster.value(), "one");
  assert.deepEqual(cluster.asked, ["LIST", "WATCH"]);
  holds[0]?.[Symbol.dispose]();
  await cluster.untilWatches(0);
  await cluster.value();
  assert.deepEqual(cluster.asked, ["LIST", "WATCH", "GET"]);
});

Deno.test("ClusterObjects answers with what the watch said last, and tells of changes", async () => {
  await using cluster = await Cluster.start();
  using _hold = cluster.objects.hold(REF);
  assert.equal(await cluster.value(), "one");
  await cluster.untilWatches(1);
  cluster.set("two");
  await eventually("the change is told", () => cluster.changes.length === 1);
  assert.equal(await cluster.value(), "two");
  cluster.set(undefined);
  await eventually("the end is told", () => cluster.changes.length === 2);
  assert.equal(await cluster.value(), undefined);
  cluster.set("three");
  await eventually("the return is told", () => cluster.changes.length === 3);
  assert.equal(await cluster.value(), "three");
  assert.deepEqual(cluster.changes.map((change) => [change.name, change.object?.data?.["k"]]), [
    ["cm", "two"],
    ["cm", undefined],
    ["cm", "three"],
  ]);
  assert.deepEqual(cluster.asked, ["LIST", "WATCH"]);
});

Deno.test("ClusterObjects asks the server while the watch has trouble", async () => {
  const again = Promise.withResolvers<void>();
  await using cluster = await Cluster.start({
    timings: { random: () => 0, sleep: (_ms, signal) => untilAborted(again.promise, signal) },
  });
  using _hold = cluster.objects.hold(REF);
  assert.equal(await cluster.value(), "one");
  await cluster.untilWatches(1);
  cluster.server.cut();
  await eventually("the trouble is told", () => cluster.errors.length === 1);
  await cluster.untilWatches(0);
  cluster.set("two");
  assert.equal(await cluster.value(), "two");
  assert.deepEqual(cluster.asked, ["LIST", "WATCH", "GET"]);
  again.resolve();
  await cluster.untilWatches(1);
  // The watch is back, but not yet at the version that was read: no step back to "one".
  assert.equal(await cluster.value(), "two");
  cluster.set("three");
  await eventually("the change is told", () => cluster.changes.length === 1);
  assert.equal(await cluster.value(), "three");
});

Deno.test("ClusterObjects does not wait for a watch that is refused", async () => {
  await using cluster = await Cluster.start();
  cluster.intercept = (x): boolean => {
    if (verb(x) === "GET") return false;
    x.refuse(500, "InternalError");
    return true;
  };
  using _hold = cluster.objects.hold(REF);
  assert.equal(await cluster.value(), "one");
});

Deno.test("ClusterObjects keeps an immutable object without a watch", async () => {
  await using cluster = await Cluster.start();
  cluster.set("fixed", { immutable: true });
  using _hold = cluster.objects.hold(REF);
  assert.equal(await cluster.value(), "fixed");
  // Requests that come after it have been answered, so a watch would have been asked for by now.
  for (let i = 0; i < 5; i++) await cluster.objects.secret("ns", "none");
  assert.equal(await cluster.value(), "fixed");
  assert.deepEqual(cluster.asked.filter((what) => what !== "GET"), ["LIST"]);
});

Deno.test("ClusterObjects opens no more watches than the limit", async () => {
  await using cluster = await Cluster.start({ watchesMax: 1 });
  using _other = cluster.objects.hold({ ...REF, name: "other" });
  using _hold = cluster.objects.hold(REF);
  assert.equal(await cluster.value(), "one");
  cluster.set("two");
  assert.equal(await cluster.value(), "two");
  const own = cluster.server.requests.filter((x) => !x.query.toString().includes("other"));
  assert.deepEqual(own.map(verb), ["GET", "GET"]);
});

Deno.test("ClusterObjects asks again when the Node authorizer lags", async () => {
  await using cluster = await Cluster.start();
  let refusals = 2;
  cluster.intercept = (x): boolean => {
    if (refusals-- <= 0) return false;
    x.refuse(403, "Forbidden", "no relationship found between node and this object");
    return true;
  };
  assert.equal(await cluster.value(), "one");
  assert.deepEqual(cluster.asked, ["GET", "GET", "GET"]);
});

Deno.test("ClusterObjects explains a 403 that stays", async () => {
  await using cluster = await Cluster.start();
  cluster.intercept = (x): boolean => {
    x.refuse(403, "Forbidden", "no relationship found between node and this object");
    return true;
  };
  await assert.rejects(cluster.objects.secret("ns", "s"), (error) => {
    assert(isForbidden(error));
    assert.match(error.message, /no relationship found.*the pod is bound to this node/);
    return true;
  });
  assert.equal(cluster.asked.length, 4);
});

Deno.test("ClusterObjects.token() asks for a bound token", async () => {
  await using cluster = await Cluster.start();
  const status = { token: "t", expirationTimestamp: "2030-01-01T00:00:00Z" };
  cluster.intercept = (x): boolean => {
    x.json({ ...JSON.parse(x.body), status }, 201);
    return true;
  };
  const spec = {
    audiences: ["api"],
    expirationSeconds: 3_600,
    boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "p", uid: "1" },
  };
  assert.deepEqual(await cluster.objects.token("ns", "sa", spec), status);
  const [request] = cluster.server.requests;
  assert.equal(request?.path, "/api/v1/namespaces/ns/serviceaccounts/sa/token");
  assert.deepEqual(JSON.parse(request.body).spec, spec);
});

Deno.test("ClusterObjects ends what is under way when it is disposed", async () => {
  await using cluster = await Cluster.start();
  cluster.intercept = (x): boolean => verb(x) === "GET";
  const hold = cluster.objects.hold({ ...REF, name: "held" });
  const read = cluster.objects.configMap("ns", "cm").then(() => "read", () => "ended");
  await eventually("the request arrives", () => cluster.asked.includes("GET"));
  await cluster.objects[Symbol.asyncDispose]();
  assert.equal(await read, "ended");
  await assert.rejects(cluster.objects.configMap("ns", "cm"), /stopping/);
  assert.throws(() => cluster.objects.hold(REF), /stopping/);
  hold[Symbol.dispose]();
});
