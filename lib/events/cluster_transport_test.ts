import assert from "node:assert/strict";
import { type Exchange, TestServer } from "../api/_test_server.ts";
import { ApiClient } from "../api/client.ts";
import type { Event } from "../api/types.ts";
import { ClusterEventTransport } from "./cluster_transport.ts";

const EVENT: Event = {
  metadata: { name: "web.1", namespace: "shop" },
  involvedObject: { kind: "Pod", namespace: "shop", name: "web" },
  reason: "BackOff",
  message: "again",
  count: 3,
  firstTimestamp: "2026-11-21T12:00:00Z",
  lastTimestamp: "2026-11-21T12:05:00Z",
};
const EVENTS = "/api/v1/namespaces/shop/events";

/** A transport, and the requests that it makes. */
async function open(answer: (exchange: Exchange) => void): Promise<
  AsyncDisposable & { transport: ClusterEventTransport; sent(): string[]; bodies(): unknown[] }
> {
  const server = await TestServer.start(answer);
  const client = new ApiClient({ server: server.url });
  return {
    transport: new ClusterEventTransport(client),
    sent: () => server.requests.map(({ method, path }) => `${method} ${path}`),
    bodies: () => server.requests.map(({ body }) => JSON.parse(body)),
    async [Symbol.asyncDispose](): Promise<void> {
      client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const soon = (): AbortSignal => AbortSignal.timeout(30_000);

Deno.test("ClusterEventTransport creates an event in its own namespace", async () => {
  await using room = await open((exchange) => exchange.json({}));
  await room.transport.create(EVENT, soon());
  await room.transport.create({ ...EVENT, metadata: { name: "node.1" } }, soon());
  assert.deepEqual(room.sent(), [`POST ${EVENTS}`, "POST /api/v1/namespaces/default/events"]);
  assert.deepEqual(room.bodies()[0], EVENT);
});

Deno.test("ClusterEventTransport counts a known event up, and changes nothing else of it", async () => {
  await using room = await open((exchange) => exchange.json({}));
  await room.transport.repeat(EVENT, soon());
  assert.deepEqual(room.sent(), [`PATCH ${EVENTS}/web.1`]);
  assert.deepEqual(room.bodies(), [{ count: 3, lastTimestamp: EVENT.lastTimestamp }]);
});

Deno.test("ClusterEventTransport creates an event again that the cluster has forgotten", async () => {
  await using room = await open((exchange) => {
    if (exchange.method === "PATCH") exchange.refuse(404, "NotFound");
    else exchange.json({});
  });
  await room.transport.repeat(EVENT, soon());
  assert.deepEqual(room.sent(), [`PATCH ${EVENTS}/web.1`, `POST ${EVENTS}`]);
  assert.deepEqual(room.bodies()[1], EVENT);
});

for (const code of [403, 404, 409, 413, 422]) {
  Deno.test(`ClusterEventTransport takes ${code} for an answer`, async () => {
    await using room = await open((exchange) => exchange.refuse(code, "No"));
    await room.transport.create(EVENT, soon());
    await room.transport.repeat(EVENT, soon());
    const again = code === 404 ? [`POST ${EVENTS}`] : [];
    assert.deepEqual(room.sent(), [`POST ${EVENTS}`, `PATCH ${EVENTS}/web.1`, ...again]);
  });
}

for (const code of [401, 429, 500, 503]) {
  Deno.test(`ClusterEventTransport throws at ${code}, so that it is tried again`, async () => {
    await using room = await open((exchange) => exchange.refuse(code, "Later"));
    await assert.rejects(room.transport.create(EVENT, soon()), { status: code });
    await assert.rejects(room.transport.repeat(EVENT, soon()), { status: code });
  });
}
