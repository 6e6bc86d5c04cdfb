import assert from "node:assert/strict";
import { eventually, type Exchange, TestServer } from "../api/_test_server.ts";
import { ApiClient } from "../api/client.ts";
import type { Node } from "../api/types.ts";
import { OwnNode, type OwnNodeOptions, POD_NETWORK_ANNOTATION } from "./own_node.ts";

const OLD = "2020-01-01T00:00:00Z";

/** A server that has this node, and a watch of it that is open. */
class Cluster implements AsyncDisposable {
  readonly patches: unknown[] = [];
  readonly server: TestServer;
  readonly client: ApiClient;
  node: Node | undefined;
  #watch: Exchange | undefined;

  private constructor(server: TestServer, node: Node | undefined) {
    this.server = server;
    this.client = new ApiClient({ server: server.url });
    this.node = node;
    server.handle((exchange) => this.#answer(exchange));
  }

  static async start(node?: Node): Promise<Cluster> {
    return new Cluster(await TestServer.start(() => {}), node);
  }

  async change(node: Node, type = "MODIFIED"): Promise<void> {
    await eventually("the node is watched", () => this.#watch !== undefined);
    this.node = node;
    this.#watch?.chunk({ type, object: node });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.server[Symbol.asyncDispose]();
  }

  #answer(exchange: Exchange): void {
    if (exchange.method === "PATCH") {
      const patch = JSON.parse(exchange.body);
      this.patches.push(patch);
      const metadata = { ...this.node?.metadata, ...patch.metadata };
      return exchange.json({ ...this.node, metadata });
    }
    assert.equal(exchange.query.get("fieldSelector"), "metadata.name=edge-1");
    if (exchange.query.has("watch")) {
      exchange.open();
      this.#watch = exchange;
    } else {
      const items = this.node === undefined ? [] : [this.node];
      exchange.json({ metadata: { resourceVersion: "1" }, items });
    }
  }
}

function nodeWith(podCIDRs: string[], creationTimestamp = OLD): Node {
  const metadata = { name: "edge-1", resourceVersion: "2", creationTimestamp };
  return { metadata, spec: podCIDRs.length === 0 ? {} : { podCIDRs } };
}

async function watched(
  cluster: Cluster,
  options: Partial<OwnNodeOptions>,
  run: (node: OwnNode, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const end = new AbortController();
  const times = { graceMs: 600_000, waitMs: 600_000 };
  const { client } = cluster;
  const node = new OwnNode({ client, nodeName: "edge-1", demanded: false, ...times, ...options });
  const running = node.run(end.signal);
  try {
    await run(node, end.signal);
  } finally {
    end.abort();
    await running;
  }
}

Deno.test("wait() answers the ranges of a node that has some", async () => {
  await using cluster = await Cluster.start(nodeWith(["10.1.0.0/24", "fd00::/64"]));
  await watched(cluster, {}, async (node, signal) => {
    assert.deepEqual(await node.wait(signal), ["10.1.0.0/24", "fd00::/64"]);
    assert.deepEqual(node.current, ["10.1.0.0/24", "fd00::/64"]);
  });
});

Deno.test("wait() does not wait for a node that is there for long, unless that is demanded", async () => {
  await using cluster = await Cluster.start(nodeWith([]));
  await watched(cluster, {}, async (node, signal) => {
    assert.deepEqual(await node.wait(signal), []);
  });
  await using other = await Cluster.start(nodeWith([]));
  await watched(other, { demanded: true }, async (node, signal) => {
    const waiting = node.wait(signal);
    await other.change(nodeWith(["10.1.0.0/24"]));
    assert.deepEqual(await waiting, ["10.1.0.0/24"]);
  });
});

Deno.test("wait() waits until a node is made, and a new one is given its range", async () => {
  await using cluster = await Cluster.start();
  await watched(cluster, {}, async (node, signal) => {
    const waiting = node.wait(signal);
    const now = new Date().toISOString();
    assert.equal(node.current, undefined);
    await cluster.change(nodeWith([], now), "ADDED");
    await eventually("the node is seen", () => node.current !== undefined);
    const given = nodeWith([], now);
    await cluster.change({ ...given, spec: { podCIDR: "10.1.0.0/24" } });
    assert.deepEqual(await waiting, ["10.1.0.0/24"]);
  });
});

Deno.test("wait() ends by its limits, and by its signal", async () => {
  await using cluster = await Cluster.start();
  await watched(cluster, { waitMs: 1 }, async (node, signal) => {
    assert.deepEqual(await node.wait(signal), []);
    assert.equal(node.current, undefined, "nobody knows");
  });
  cluster.node = nodeWith([], new Date().toISOString());
  await watched(cluster, { graceMs: 1 }, async (node, signal) => {
    assert.deepEqual(await node.wait(signal), []);
  });
  await watched(cluster, {}, async (node) => {
    await assert.rejects(node.wait(AbortSignal.abort(new Error("enough"))), /enough/);
  });
});

Deno.test("annotate() tells the node, and tells it again when it is made anew", async () => {
  await using cluster = await Cluster.start();
  await watched(cluster, {}, async (node, signal) => {
    node.annotate("loopback", signal);
    await cluster.change(nodeWith([]), "ADDED");
    await eventually("it is told", () => cluster.patches.length === 1);
    const annotations = { [POD_NETWORK_ANNOTATION]: "loopback" };
    assert.deepEqual(cluster.patches, [{ metadata: { annotations } }]);
    const told = nodeWith([]);
    await cluster.change({ ...told, metadata: { ...told.metadata, annotations } });
    await cluster.change(nodeWith(["10.1.0.0/24"]), "ADDED");
    await eventually("it is told again", () => cluster.patches.length === 2);
  });
  assert.equal(cluster.patches.length, 2);
});
