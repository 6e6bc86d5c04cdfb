import assert from "node:assert/strict";
import { eventually, TestServer } from "./_test_server.ts";
import {
  ApiClient,
  ApiConnectionError,
  ApiError,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isNotFound,
  isUnauthorized,
  THROTTLED_RETRIES_MAX,
} from "./client.ts";

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => assert.fail(`resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
}

Deno.test("ApiClient sends each verb with its method, body and content type", async () => {
  await using server = await TestServer.start((x) => x.json({ path: x.path }));
  using client = new ApiClient({ server: `${server.url}/` }, { userAgent: "krustlet/test" });
  assert.deepEqual(await client.get("/a", { query: { q: "x y&z" } }), { path: "/a" });
  await client.create("/a", { n: 1 });
  await client.update("/a", { n: 2 });
  for (const type of ["merge", "strategic", "json", "apply"] as const) {
    await client.patch("/a", { n: 3 }, { type });
  }
  await client.delete("/a", { body: { gracePeriodSeconds: 0 } });
  await client.delete("/a");
  const sent = server.requests.map((x) => [x.method, x.headers.get("content-type"), x.body]);
  assert.deepEqual(sent, [
    ["GET", null, ""],
    ["POST", "application/json", '{"n":1}'],
    ["PUT", "application/json", '{"n":2}'],
    ["PATCH", "application/merge-patch+json", '{"n":3}'],
    ["PATCH", "application/strategic-merge-patch+json", '{"n":3}'],
    ["PATCH", "application/json-patch+json", '{"n":3}'],
    ["PATCH", "application/apply-patch+yaml", '{"n":3}'],
    ["DELETE", "application/json", '{"gracePeriodSeconds":0}'],
    ["DELETE", null, ""],
  ]);
  assert.equal(server.requests[0]?.query.get("q"), "x y&z");
  assert.equal(server.requests[0]?.headers.get("user-agent"), "krustlet/test");
});

Deno.test("ApiClient keeps the prefix of the server's path and its connections", async () => {
  await using server = await TestServer.start((x) => x.json({ path: x.path }));
  using client = new ApiClient({ server: `${server.url}/k8s/clusters/c-1/` });
  for (let i = 0; i < 10; i++) {
    assert.deepEqual(await client.get("/api"), { path: "/k8s/clusters/c-1/api" });
  }
  assert.equal(server.connections, 1);
});

Deno.test("ApiClient asks for the token before every request", async () => {
  await using server = await TestServer.start((x) => x.json({}));
  let n = 0;
  const token = (): Promise<string> => Promise.resolve(`t${++n}`);
  using client = new ApiClient({ server: server.url, token });
  await client.get("/a");
  await client.get("/a");
  assert.deepEqual(server.requests.map((x) => x.headers.get("authorization")), [
    "Bearer t1",
    "Bearer t2",
  ]);
});

Deno.test("ApiClient says that the token, not the server, is missing", async () => {
  await using server = await TestServer.start((x) => x.json({}));
  const token = (): Promise<string> => Promise.reject(new Error("no such file"));
  using client = new ApiClient({ server: server.url, token });
  const error = await rejection(client.get("/a"));
  assert(error instanceof ApiConnectionError);
  assert.equal(error.kind, "credentials");
  assert.match(error.message, /there is no token .*: no such file/);
  assert.equal(server.requests.length, 0);
});

Deno.test("ApiError holds method, path, status and the server's own words", async () => {
  await using server = await TestServer.start((x) =>
    x.refuse(404, "NotFound", 'pods "a" not found', { "retry-after": "7" })
  );
  using client = new ApiClient({ server: server.url });
  const error = await rejection(client.get("/api/v1/pods/a", { query: { x: "1" } }));
  assert(isNotFound(error));
  assert.equal(
    error.message,
    'Cannot GET "/api/v1/pods/a?x=1": the API server answered 404 NotFound: pods "a" not found',
  );
  assert.equal(error.retryAfterMs, 7_000);
  assert(isNotFound(error.withHint("Look again.")));
  assert.match(error.withHint("Look again.").message, /not found\. Look again\.$/);
});

Deno.test("isConflict() and its sisters tell refusals apart", () => {
  const make = (status: number, reason: string): ApiError =>
    new ApiError({
      method: "GET",
      path: "/",
      status,
      body: JSON.stringify({ kind: "Status", reason }),
    });
  const table: [ApiError, (error: unknown) => boolean][] = [
    [make(404, "NotFound"), isNotFound],
    [make(409, "AlreadyExists"), isAlreadyExists],
    [make(409, "Conflict"), isConflict],
    [make(410, "Expired"), isGone],
    [make(403, "Forbidden"), isForbidden],
    [make(401, "Unauthorized"), isUnauthorized],
  ];
  for (const [error, own] of table) {
    for (const [, ask] of table) assert.equal(ask(error), ask === own, error.message);
    assert.equal(own(new Error("other")), false);
  }
});

Deno.test("ApiError quotes the beginning of a page that is no Status", async () => {
  const page = `<html>\n<h1>502 Bad Gateway</h1>${"x".repeat(5_000)}</html>`;
  await using server = await TestServer.start((x) => x.text(page, 502));
  using client = new ApiClient({ server: server.url });
  const error = await rejection(client.get("/a"));
  assert(error instanceof ApiError);
  assert.match(error.message, /answered 502: <html> <h1>502 Bad Gateway/);
  assert(error.message.length < 400);
});

Deno.test("ApiClient does not take a page for an object", async () => {
  await using server = await TestServer.start((x) => x.text("<html>Please log in</html>"));
  using client = new ApiClient({ server: server.url });
  const error = await rejection(client.get("/a"));
  assert(error instanceof ApiConnectionError);
  assert.match(error.message, /something else than JSON: <html>Please log in/);
});

Deno.test("ApiClient follows no redirect, which would carry its token away", async () => {
  await using elsewhere = await TestServer.start((x) => x.json({}));
  await using server = await TestServer.start((x) =>
    x.text("", 307, { location: `${elsewhere.url}/` })
  );
  const token = (): Promise<string> => Promise.resolve("secret");
  using client = new ApiClient({ server: server.url, token });
  const error = await rejection(client.get("/a"));
  assert(error instanceof ApiError);
  assert.equal(error.status, 307);
  assert.equal(elsewhere.requests.length, 0);
});

Deno.test("ApiClient asks again after 429 with Retry-After", async () => {
  let n = 0;
  await using server = await TestServer.start((x) =>
    ++n <= 2 ? x.refuse(429, "TooManyRequests", "slow", { "retry-after": "0" }) : x.json({ n })
  );
  using client = new ApiClient({ server: server.url });
  assert.deepEqual(await client.create("/a", { body: 1 }), { n: 3 });
  assert.deepEqual(server.requests.map((x) => x.body), Array(3).fill('{"body":1}'));
});

Deno.test("ApiClient gives up on 429 after a bounded number of times", async () => {
  await using server = await TestServer.start((x) =>
    x.refuse(429, "TooManyRequests", "slow", { "retry-after": "0" })
  );
  using client = new ApiClient({ server: server.url });
  const error = await rejection(client.get("/a"));
  assert(error instanceof ApiError);
  assert.equal(error.status, 429);
  assert.equal(server.requests.length, 1 + THROTTLED_RETRIES_MAX);
});

Deno.test("ApiClient reports the 429, not a silent server, when time is up in between", async () => {
  await using server = await TestServer.start((x) =>
    x.refuse(429, "TooManyRequests", "slow", { "retry-after": "9" })
  );
  using client = new ApiClient({ server: server.url }, { timeoutMs: 1_500 });
  const error = await rejection(client.get("/a"));
  assert(error instanceof ApiError);
  assert.equal(error.status, 429);
});

Deno.test("ApiClient hands a 429 without Retry-After (an eviction) to its caller at once", async () => {
  await using server = await TestServer.start((x) => x.refuse(429, "TooManyRequests", "budget"));
  using client = new ApiClient({ server: server.url });
  await assert.rejects(client.create("/a", {}), /429/);
  assert.equal(server.requests.length, 1);
});

Deno.test("ApiClient ends a request that gets no answer, or only half of one", async () => {
  await using server = await TestServer.start((x) => {
    if (x.path === "/half") x.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{");
  });
  using client = new ApiClient({ server: server.url }, { timeoutMs: 50 });
  for (const path of ["/silent", "/half"]) {
    const error = await rejection(client.get(path));
    assert(error instanceof ApiConnectionError, String(error));
    assert.equal(error.kind, "timeout");
    assert.match(error.message, /no answer .*"http:\/\/127\.0\.0\.1:\d+": No answer within 50 ms/);
  }
});

Deno.test("ApiClient leaves dead kept connections behind after one time-out", async () => {
  await using server = await TestServer.start((x) => x.path === "/dead" || x.json({}));
  using client = new ApiClient({ server: server.url }, { timeoutMs: 1_500 });
  await Promise.all([1, 2, 3].map(() => client.get("/a")));
  const before = server.connections;
  await assert.rejects(client.get("/dead"), /No answer/);
  await client.get("/a");
  // None of the kept connections was used: they may be as dead as the first.
  assert.equal(server.connections, before + 1);
});

Deno.test("ApiClient rejects with the caller's own reason", async () => {
  await using server = await TestServer.start(() => {});
  using client = new ApiClient({ server: server.url });
  const controller = new AbortController();
  const promise = rejection(client.get("/a", { signal: controller.signal }));
  await eventually("the request arrives", () => server.requests.length === 1);
  const reason = new Error("enough");
  controller.abort(reason);
  assert.equal(await promise, reason);
  assert.equal(await rejection(client.get("/a", { signal: controller.signal })), reason);
});

Deno.test("ApiClient names the server when nobody listens", async () => {
  const url = await (async (): Promise<string> => {
    await using server = await TestServer.start(() => {});
    return server.url;
  })();
  using client = new ApiClient({ server: url });
  const error = await rejection(client.get("/a"));
  assert(error instanceof ApiConnectionError);
  assert.equal(error.kind, "network");
  assert(error.message.includes(`"${url}"`), error.message);
  assert.match(error.message, /is the API server up/);
});

Deno.test("ApiClient reports a reset", async () => {
  await using server = await TestServer.start((x) => x.reset());
  using client = new ApiClient({ server: server.url });
  const error = await rejection(client.create("/a", {}));
  assert(error instanceof ApiConnectionError, String(error));
  assert.match(error.message, /^Cannot POST "\/a": no answer .*: .*reset/);
});

Deno.test("ApiClient.lines() gives each line as soon as it is complete", async () => {
  const pieces = ["one\ntw", "o\n\nth", "r", "ee ü\nrest"];
  await using server = await TestServer.start((x) => {
    x.open();
    for (const piece of pieces) x.chunk(piece);
    x.end();
  });
  using client = new ApiClient({ server: server.url });
  const seen: string[] = [];
  for await (const line of client.lines("/a")) seen.push(line);
  assert.deepEqual(seen, ["one", "two", "three ü", "rest"]);
});

Deno.test("ApiClient.lines() rejects with ApiError when refused", async () => {
  await using server = await TestServer.start((x) => x.refuse(410, "Expired"));
  using client = new ApiClient({ server: server.url });
  assert(isGone(await rejection(client.lines("/a").next())));
});

Deno.test("ApiClient.lines() closes the connection when its reader leaves", async () => {
  await using server = await TestServer.start((x) => {
    x.open();
    x.chunk("one\n");
  });
  using client = new ApiClient({ server: server.url });
  for await (const line of client.lines("/a")) {
    assert.equal(line, "one");
    break;
  }
  await server.requests[0]?.untilGone();
});

Deno.test("ApiClient.lines() has no time limit once the answer has begun", async () => {
  await using server = await TestServer.start((x) => x.open());
  using client = new ApiClient({ server: server.url }, { timeoutMs: 1_000 });
  const lines = client.lines("/a", { onOpen: () => setTimeout(later, 1_500) });
  const later = (): void => server.requests[0]?.chunk("late\n");
  assert.deepEqual(await lines.next(), { value: "late", done: false });
  await lines.return();
});

Deno.test("ApiClient.replaceAccess() gives new requests the new identity and ends streams", async () => {
  await using server = await TestServer.start((x) => {
    if (x.path === "/slow") return;
    if (x.path === "/watch") return x.open();
    x.json({ token: x.headers.get("authorization") });
  });
  const access = (token: string): { server: string; token: () => Promise<string> } => ({
    server: server.url,
    token: () => Promise.resolve(token),
  });
  using client = new ApiClient(access("old"));
  const slow = client.get("/slow");
  const opened = Promise.withResolvers<void>();
  const end = client.lines("/watch", { onOpen: () => opened.resolve() }).next();
  await opened.promise;
  await eventually("the slow request arrives", () => server.requests.length === 2);

  client.replaceAccess(access("new"));
  assert.deepEqual(await end, { value: undefined, done: true });
  assert.deepEqual(await client.get("/a"), { token: "Bearer new" });
  assert.throws(
    () => client.replaceAccess({ server: "nonsense" }),
    /Cannot use the server address/,
  );
  assert.deepEqual(await client.get("/a"), { token: "Bearer new" });
  server.requests.find((x) => x.path === "/slow")?.json({ late: true });
  assert.deepEqual(await slow, { late: true });
});

Deno.test("ApiClient.close() refuses new requests", async () => {
  await using server = await TestServer.start((x) => x.json({}));
  const client = new ApiClient({ server: server.url });
  await client.get("/a");
  client.close();
  client.close();
  await assert.rejects(client.get("/a"), /the client is closed/);
});
