import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { listen, serveHealth } from "./health_server.ts";

const address = "127.0.0.1";

Deno.test("serveHealth() says ok to everybody, and nothing else", async () => {
  const end = new AbortController();
  const listening = Promise.withResolvers<number>();
  const over = serveHealth({
    address,
    port: 0,
    onListening: listening.resolve,
    onTrouble: assert.fail,
    signal: end.signal,
  });
  const url = `http://${address}:${await listening.promise}`;
  const ask = async (path: string, method = "GET"): Promise<[number, string]> => {
    const response = await fetch(url + path, { method });
    return [response.status, await response.text()];
  };
  assert.deepEqual(await ask("/healthz"), [200, "ok"]);
  assert.deepEqual(await ask("/healthz/ping?verbose"), [200, "ok"]);
  assert.equal((await ask("/healthz/other"))[0], 404);
  assert.equal((await ask("/metrics"))[0], 404);
  assert.equal((await ask("/healthz", "POST"))[0], 405);
  end.abort();
  await over;
  await assert.rejects(fetch(`${url}/healthz`));
});

Deno.test("serveHealth() waits for a port that is in use, and says once what to do", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, address, () => resolve()));
  const { port } = other.address() as AddressInfo;
  const end = new AbortController();
  const told: string[] = [];
  const trouble = Promise.withResolvers<void>();
  const listening = Promise.withResolvers<number>();
  const over = serveHealth({
    address,
    port,
    retryMs: 5,
    onListening: listening.resolve,
    onTrouble: (message) => {
      told.push(message);
      trouble.resolve();
    },
    signal: end.signal,
  });
  await trouble.promise;
  await new Promise<void>((resolve) => other.close(() => resolve()));
  assert.equal(await listening.promise, port);
  end.abort();
  await over;
  assert.equal(told.length, 1);
  assert.match(told[0]!, /the port is in use.*give each a --healthz-port of its own, or 0/);
});

Deno.test("listen() survives a connection that could not be accepted", async () => {
  const server = createHttpServer();
  await listen(server, { address, port: 0 });
  assert.doesNotThrow(() => server.emit("error", new Error("too many open files")));
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
