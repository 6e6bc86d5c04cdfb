import assert from "node:assert/strict";
import { eventually, type Exchange, TestServer } from "../../api/_test_server.ts";
import { ApiClient } from "../../api/client.ts";
import { endpoint, service, slice } from "./_cluster.ts";
import { followServices, type FollowTrouble } from "./follow.ts";
import { ServiceRouter } from "./service_map.ts";
import { ServiceTable } from "./table.ts";

/** An API server with one Service, that may refuse; and a table that follows it. */
class Followed implements AsyncDisposable {
  readonly table = new ServiceTable();
  readonly troubles: FollowTrouble[] = [];
  readonly watches = new Map<string, Exchange>();
  /** Refuses what has this in its path, with this status. */
  refused: { readonly path: string; readonly status: number } | undefined;
  known = 0;
  requests = 0;
  readonly server: TestServer;
  readonly #client: ApiClient;
  readonly #ending = new AbortController();
  readonly #done: Promise<void>;

  private constructor(server: TestServer, refused: Followed["refused"]) {
    this.server = server;
    this.refused = refused;
    server.handle((exchange) => this.#answer(exchange));
    this.#client = new ApiClient({ server: server.url });
    this.#done = followServices({
      client: this.#client,
      table: this.table,
      signal: this.#ending.signal,
      onTrouble: (trouble) => this.troubles.push(trouble),
      onKnown: () => this.known++,
      timings: { random: () => 0, sleep: () => new Promise((resolve) => setTimeout(resolve, 5)) },
    });
  }

  static async start(refused?: Followed["refused"]): Promise<Followed> {
    return new Followed(await TestServer.start(() => {}), refused);
  }

  tell(kind: string, type: string, object: object): void {
    const metadata = { ...(object as { metadata?: object }).metadata, resourceVersion: "2" };
    this.watches.get(kind)?.chunk({ type, object: { ...object, metadata } });
  }

  #answer(exchange: Exchange): void {
    const { path, query } = exchange;
    this.requests++;
    if (this.refused !== undefined && path.includes(this.refused.path)) {
      return exchange.refuse(this.refused.status, "Refused");
    }
    const kind = path.slice(path.lastIndexOf("/") + 1);
    if (query.has("watch")) {
      exchange.open();
      this.watches.set(kind, exchange);
      return;
    }
    const items = kind === "services"
      ? [service("web", { clusterIP: "10.0.0.7" })]
      : [slice("web", [endpoint(1)])];
    exchange.json({ metadata: { resourceVersion: "1" }, items });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#done;
    this.#client.close();
    await this.server[Symbol.asyncDispose]();
  }
}

Deno.test("followServices() keeps the table as the server tells, also while connections are led", async () => {
  await using followed = await Followed.start();
  const { table, watches } = followed;
  const router = new ServiceRouter({ table, node: () => ({ name: "n", ips: [] }) });
  const ask = (): string => {
    const found = router.destination({ ip: "10.0.0.7", port: 80 }, "tcp", { podIP: "10.1.0.9" });
    return typeof found === "object" ? found.ip : String(found);
  };
  await eventually("both are watched", () => watches.size === 2);
  assert.equal(ask(), "10.1.0.1");
  followed.tell("endpointslices", "MODIFIED", slice("web", [endpoint(2)]));
  await eventually("another endpoint is chosen", () => ask() === "10.1.0.2");
  followed.tell("endpointslices", "DELETED", slice("web", []));
  await eventually("nobody serves", () => ask() === "refused");
  followed.tell("services", "DELETED", service("web"));
  await eventually("it is no Service any more", () => ask() === "undefined");
  assert.deepEqual(followed.troubles, []);
});

Deno.test("followServices() tells once that it is not allowed, and finds out when it is", async () => {
  await using followed = await Followed.start({ path: "endpointslices", status: 403 });
  const { table, troubles } = followed;
  await eventually("it has tried several times", () => followed.requests > 8);
  assert.deepEqual(troubles.map(({ part, forbidden }) => [part, forbidden]), [["slices", true]]);
  assert.equal(table.knows("slices"), false);
  assert.equal(table.knows("services"), true);
  followed.refused = undefined;
  await eventually("it is known", () => table.knows("slices"));
  assert.equal(troubles.length, 1);
});

Deno.test("followServices() keeps what it knows while the server is away", async () => {
  await using followed = await Followed.start();
  const { table, watches, troubles } = followed;
  await eventually("both are watched", () => watches.size === 2);
  followed.refused = { path: "", status: 503 };
  followed.server.cut();
  await eventually("both are in trouble", () => troubles.length === 2);
  const known = followed.requests;
  await eventually("it goes on trying", () => followed.requests > known + 8);
  assert.equal(troubles.length, 2, "told once each");
  assert.equal(table.service("shop", "web")?.clusterIPs[0], "10.0.0.7");
  assert.equal(table.sizes.endpoints, 1);
});
