import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { API_SERVER, ask, CLUSTER, FOREIGN, start, STRANGER } from "./_test_node.ts";
import type { NodeAccess, User } from "./auth.ts";
import type { LogAbsence, LogLocation } from "./logs.ts";
import { HEAD_BYTES_MAX } from "./server.ts";

Deno.test("KubeletServer says that it is well", async () => {
  await using node = await start();
  for (const path of ["/healthz", "/healthz/", "/healthz/ping", "/healthz/syncloop"]) {
    const { status, text } = await ask(node.port, path, { client: API_SERVER });
    assert.deepEqual([status, text], [200, "ok"], path);
  }
  assert.equal((await ask(node.port, "/healthz/nothing", { client: API_SERVER })).status, 404);
});

Deno.test("KubeletServer asks the cluster in the name of the certificate", async () => {
  const asked: [User, NodeAccess][] = [];
  await using node = await start({
    authorize: (user, access) => {
      asked.push([user, access]);
      return Promise.resolve(access.subresource === "proxy");
    },
  });
  assert.equal((await ask(node.port, "/pods", { client: API_SERVER })).status, 200);
  const user = { name: "kube-apiserver", groups: ["system:masters", "two"] };
  const access = { verb: "get", resource: "nodes", name: "n" };
  assert.deepEqual(asked, [
    [user, { ...access, subresource: "pods" }],
    [user, { ...access, subresource: "proxy" }],
  ]);
});

Deno.test("KubeletServer is closed to whom the cluster refuses, and when it cannot be asked", async () => {
  {
    await using node = await start({ authorize: () => Promise.resolve(false) });
    const { status, text } = await ask(node.port, "/pods", { client: API_SERVER });
    assert.equal(status, 403);
    assert.equal(
      text,
      "Forbidden (user=kube-apiserver, verb=get, resource=nodes, subresource(s)=[pods proxy])\n",
    );
  }
  await using node = await start({ authorize: () => Promise.reject(new Error("away")) });
  const { status, text } = await ask(node.port, "/pods", { client: API_SERVER });
  assert.equal(status, 500);
  assert.match(text, /^Authorization error \(user=kube-apiserver, /);
});

Deno.test("KubeletServer says what it does not do", async () => {
  await using node = await start();
  const client = API_SERVER;
  assert.equal((await ask(node.port, "/nothing", { client })).status, 404);
  assert.equal((await ask(node.port, "/checkpoint/a/b/c", { client, method: "POST" })).status, 501);
  const refused = await ask(node.port, "/pods", {
    client,
    method: "POST",
    body: "x".repeat(100_000),
  });
  assert.equal(refused.status, 405);
  assert.equal(refused.headers["allow"], "GET, HEAD");
});

Deno.test("KubeletServer lists pods", async () => {
  const pod = { metadata: { name: "a" }, spec: { containers: [] } };
  await using node = await start({ pods: () => [pod] });
  const { text, headers } = await ask(node.port, "/pods", { client: API_SERVER });
  assert.equal(headers["content-type"], "application/json");
  assert.deepEqual(JSON.parse(text).items, [{ ...pod, apiVersion: "v1", kind: "Pod" }]);
  const running = await ask(node.port, "/runningpods/", { client: API_SERVER });
  assert.deepEqual(JSON.parse(running.text).items, []);
});

/** One container's log. */
class Log implements Disposable {
  readonly dir = Deno.makeTempDirSync();
  readonly ended = Promise.withResolvers<void>();
  readonly asked: unknown[] = [];

  write(...texts: string[]): void {
    const records = texts.map((text) => `2024-01-01T00:00:00Z stdout F ${text}\n`).join("");
    Deno.writeTextFileSync(join(this.dir, "3.log"), records, { append: true });
  }

  locate(container: unknown, previous: boolean): LogLocation | LogAbsence {
    this.asked.push([container, previous]);
    return { dir: this.dir, attempt: 3, ended: () => this.ended.promise };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.dir, { recursive: true });
  }
}

Deno.test("KubeletServer serves a container's log", async () => {
  using logs = new Log();
  logs.write("a", "b");
  await using node = await start({ logs });
  const client = API_SERVER;
  const { status, text } = await ask(node.port, "/containerLogs/ns/p/c", { client });
  assert.deepEqual([status, text], [200, "a\nb\n"]);
  const tail = await ask(
    node.port,
    "/containerLogs/ns/p/c?tailLines=1&timestamps=true&previous=true",
    { client },
  );
  assert.equal(tail.text, "2024-01-01T00:00:00Z b\n");
  const container = { namespace: "ns", pod: "p", container: "c" };
  assert.deepEqual(logs.asked, [[container, false], [container, true]]);
});

Deno.test("KubeletServer follows a log until the container ends", async () => {
  using logs = new Log();
  await using node = await start({ logs });
  logs.write("a");
  const seen = Promise.withResolvers<void>();
  const answer = ask(node.port, "/containerLogs/ns/p/c?follow=true", {
    client: API_SERVER,
    onText: () => seen.resolve(),
  });
  await seen.promise;
  logs.write("b");
  logs.ended.resolve();
  assert.equal((await answer).text, "a\nb\n");
});

Deno.test("KubeletServer stops to read a log whose reader has left", async () => {
  using logs = new Log();
  await using node = await start({ logs, limits: { logStreamsMax: 1 } });
  logs.write("a");
  const leave = new AbortController();
  const path = "/containerLogs/ns/p/c?follow=true";
  const client = API_SERVER;
  const left = ask(node.port, path, { client, signal: leave.signal, onText: () => leave.abort() });
  await assert.rejects(left);
  // The one place is free again as soon as the server has noticed.
  let status = 429;
  while (status === 429) ({ status } = await ask(node.port, "/containerLogs/ns/p/c", { client }));
  assert.equal(status, 200);
});

Deno.test("KubeletServer bounds the logs that are read at once", async () => {
  using logs = new Log();
  await using node = await start({ logs, limits: { logStreamsMax: 1 } });
  logs.write("a");
  const seen = Promise.withResolvers<void>();
  const client = API_SERVER;
  const first = ask(node.port, "/containerLogs/ns/p/c?follow=true", {
    client,
    onText: () => seen.resolve(),
  });
  await seen.promise;
  const second = await ask(node.port, "/containerLogs/ns/p/c", { client });
  assert.equal(second.status, 429);
  assert.match(second.text, /^Too many logs are read from this node at once: 1;/);
  logs.ended.resolve();
  await first;
});

Deno.test("KubeletServer sends a long log whole to a slow reader", async () => {
  using logs = new Log();
  const line = "x".repeat(1_000);
  logs.write(...Array.from({ length: 20_000 }, () => line));
  await using node = await start({ logs });
  const { text } = await ask(node.port, "/containerLogs/ns/p/c", { client: API_SERVER });
  assert.equal(text.length, 20_000 * 1_001);
});

Deno.test("KubeletServer cuts off a log that it cannot read to the end", async () => {
  using logs = new Log();
  logs.write("a");
  const path = "/containerLogs/ns/p/c?follow=true";
  await using node = await start({ logs });
  const seen = Promise.withResolvers<void>();
  const answer = ask(node.port, path, { client: API_SERVER, onText: () => seen.resolve() });
  await seen.promise;
  // The next look for a newer file fails: a name in the path is no folder any more.
  await Deno.rename(logs.dir, `${logs.dir}.away`);
  await Deno.writeTextFile(logs.dir, "");
  await assert.rejects(answer);
  await Deno.remove(logs.dir);
  await Deno.rename(`${logs.dir}.away`, logs.dir);
});

Deno.test("KubeletServer says why there is no log", async () => {
  const cases: [LogAbsence, number][] = [
    [{ error: "pod", message: 'pod "p" does not exist' }, 404],
    [{ error: "container", message: 'container "c" not found in pod "p"' }, 404],
    [{ error: "previous", message: "previous terminated container not found" }, 400],
    [{ error: "waiting", message: "container is waiting to start" }, 400],
  ];
  for (const [absence, expected] of cases) {
    await using node = await start({ logs: { locate: () => absence } });
    const { status, text } = await ask(node.port, "/containerLogs/a/p/c", { client: API_SERVER });
    assert.deepEqual([status, text], [expected, `${absence.message}\n`]);
  }
  await using node = await start();
  const client = API_SERVER;
  const { status, text } = await ask(node.port, "/containerLogs/a/p/c?tailLines=x", { client });
  assert.equal(status, 400);
  assert.match(text, /allowed is a whole number, 0 or more/);
});

Deno.test("KubeletServer answers on after somebody asked for a log's head alone", async () => {
  using logs = new Log();
  logs.write("a");
  let open = 0;
  await using node = await start({
    logs,
    onRequest: () => {
      open++;
      return () => void open--;
    },
  });
  const { certPem: cert, keyPem: key } = API_SERVER;
  const socket = tlsConnect({ host: "127.0.0.1", port: node.port, ca: CLUSTER.certPem, cert, key });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const answered = Promise.withResolvers<void>();
  let text = "";
  socket.on("error", () => {});
  socket.on("data", (bytes: Uint8Array) => {
    text += new TextDecoder().decode(bytes);
    if (text.split("HTTP/1.1 200 ").length === 3) answered.resolve();
  });
  socket.write("HEAD /containerLogs/ns/p/c HTTP/1.1\r\nhost: n\r\n\r\n");
  socket.write("GET /healthz HTTP/1.1\r\nhost: n\r\n\r\n");
  await answered.promise;
  socket.destroy();
  await closed;
  while (open > 0) await new Promise((resolve) => setTimeout(resolve, 10));
});

Deno.test("KubeletServer.listen() names what is in use and the flag that helps", async () => {
  await using node = await start();
  const second = start({ port: node.port });
  await assert.rejects(second, {
    code: "invalid",
    message: `Cannot listen on "127.0.0.1" port ${node.port}: the port is in use; stop the other ` +
      "program, or give another --port",
  });
});

Deno.test("KubeletServer.replaceCertificate() is used for new connections", async () => {
  await using node = await start();
  node.server.replaceCertificate({ ...STRANGER.server(), clientCaPem: STRANGER.certPem });
  const ca = STRANGER.certPem;
  assert.equal((await ask(node.port, "/pods", { ca, client: FOREIGN })).status, 200);
  assert.equal((await ask(node.port, "/pods", { ca, client: API_SERVER })).status, 401);
});

Deno.test("KubeletServer.replaceCertificate() lets a log that is followed go on", async () => {
  using logs = new Log();
  await using node = await start({ logs });
  logs.write("a");
  const came = Promise.withResolvers<void>();
  const answer = ask(node.port, "/containerLogs/ns/p/c?follow=true", {
    client: API_SERVER,
    onText: () => came.resolve(),
  });
  await came.promise;
  const next = CLUSTER.server();
  node.server.replaceCertificate({ ...next, clientCaPem: CLUSTER.certPem });
  const socket = tlsConnect({ host: "127.0.0.1", port: node.port, ca: CLUSTER.certPem });
  await new Promise<void>((resolve) => socket.once("secureConnect", () => resolve()));
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  assert.equal(fingerprint256, new X509Certificate(next.certPem).fingerprint256);
  logs.write("b");
  logs.ended.resolve();
  assert.equal((await answer).text, "a\nb\n");
});

Deno.test("KubeletServer closes connections over which nothing comes", async () => {
  await using node = await start({ limits: { headMs: 1 } });
  const socket = connect(node.port, "127.0.0.1");
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
});

Deno.test("KubeletServer closes connections that are slow to ask", async () => {
  await using node = await start({ limits: { headMs: 200 } });
  const socket = tlsConnect({ host: "127.0.0.1", port: node.port, ca: CLUSTER.certPem });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  socket.once("secureConnect", () => socket.write("GET /healthz HTTP/1.1\r\nHost: n\r\n"));
  await closed;
});

Deno.test("KubeletServer closes connections that are not used again", async () => {
  await using node = await start({ limits: { idleMs: 1 } });
  const { certPem: cert, keyPem: key } = API_SERVER;
  const ca = CLUSTER.certPem;
  const socket = tlsConnect({ host: "127.0.0.1", port: node.port, ca, cert, key });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  let text = "";
  socket.on("error", () => {});
  socket.on("data", (bytes: Uint8Array) => text += new TextDecoder().decode(bytes));
  socket.once("secureConnect", () => socket.write("GET /healthz HTTP/1.1\r\nHost: n\r\n\r\n"));
  await closed;
  assert.match(text, /^HTTP\/1.1 200 /);
});

Deno.test("KubeletServer answers 431 to a head that is too long, and closes its connection", async () => {
  await using node = await start();
  const path = (more: number): string => `/healthz?${"x".repeat(HEAD_BYTES_MAX + more)}`;
  for (const more of [0, 40 * 1024]) {
    const { status, headers, text } = await ask(node.port, path(more), { client: API_SERVER });
    assert.deepEqual(
      [status, headers["connection"], text],
      [431, "close", "431 Request Header Fields Too Large"],
    );
  }
  // Other headers have room in this.
  assert.equal((await ask(node.port, path(-1_024), { client: API_SERVER })).status, 200);
});

Deno.test("KubeletServer takes only so many connections", async () => {
  await using node = await start({ limits: { connectionsMax: 1 } });
  const first = connect(node.port, "127.0.0.1");
  await new Promise<void>((resolve) => first.once("connect", () => resolve()));
  const second = connect(node.port, "127.0.0.1");
  await new Promise<void>((resolve) => second.once("close", () => resolve()));
  const closed = new Promise<void>((resolve) => first.once("close", () => resolve()));
  first.destroy();
  await closed;
});

Deno.test("KubeletServer takes only so many connections from one address", async () => {
  await using node = await start({ limits: { connectionsPerPeerMax: 1 } });
  const opened = async (): Promise<Socket> => {
    const socket = connect(node.port, "127.0.0.1");
    await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
    return socket;
  };
  const closed = (socket: Socket): Promise<void> =>
    new Promise((resolve) => socket.once("close", () => resolve()));
  const first = await opened();
  await closed(await opened());
  const gone = closed(first);
  first.destroy();
  await gone;
});

Deno.test("KubeletServer holds no connection to strangers after its answer", async () => {
  await using node = await start({
    authorize: (_user, { subresource }) => Promise.resolve(subresource === "pods"),
  });
  const { certPem: cert, keyPem: key } = API_SERVER;
  const rows = [["/healthz", 401, {}], ["/pods", 401, {}], ["/logs", 403, { cert, key }]] as const;
  for (const [path, status, client] of rows) {
    const socket = tlsConnect({
      host: "127.0.0.1",
      port: node.port,
      ca: CLUSTER.certPem,
      ...client,
    });
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (bytes: Uint8Array) => text += new TextDecoder().decode(bytes));
    socket.once("secureConnect", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: n\r\n\r\n`));
    await closed;
    assert.ok(text.startsWith(`HTTP/1.1 ${status} `), text);
    assert.match(text, /^connection: close\r$/im);
  }
});

Deno.test("KubeletServer.close() ends followers", async () => {
  using logs = new Log();
  const node = await start({ logs });
  logs.write("a");
  const seen = Promise.withResolvers<void>();
  const answer = ask(node.port, "/containerLogs/ns/p/c?follow=true", {
    client: API_SERVER,
    onText: () => seen.resolve(),
  }).catch(() => undefined);
  await seen.promise;
  await node.server.close();
  await answer;
});

Deno.test("KubeletServer begins no answer for somebody who left while it asked the cluster", async () => {
  using logs = new Log();
  logs.write("a");
  const asked = Promise.withResolvers<void>();
  const decided = Promise.withResolvers<boolean>();
  const over = Promise.withResolvers<void>();
  await using node = await start({
    logs,
    limits: { logStreamsMax: 1 },
    onRequest: () => over.resolve,
    authorize: () => {
      asked.resolve();
      return decided.promise;
    },
  });
  const path = "/containerLogs/ns/p/c?follow=true";
  const leave = new AbortController();
  const left = ask(node.port, path, { client: API_SERVER, signal: leave.signal });
  await asked.promise;
  leave.abort();
  await assert.rejects(left);
  await over.promise;
  decided.resolve(true);
  const { status } = await ask(node.port, path.split("?")[0]!, { client: API_SERVER });
  assert.equal(status, 200);
  assert.equal(logs.asked.length, 1);
});

Deno.test("KubeletServer tells once that a request is over whose asker has left", async () => {
  const ends = new Map<string, number>();
  const asked = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const never = new Promise<boolean>(() => {});
  await using node = await start({
    onRequest: (_method, path) => () => {
      ends.set(path, (ends.get(path) ?? 0) + 1);
      over.resolve();
    },
    authenticateToken: () => Promise.resolve({ name: "waits", groups: [] }),
    authorize: ({ name }) => {
      if (name !== "waits") return Promise.resolve(true);
      asked.resolve();
      return never;
    },
  });
  const leave = new AbortController();
  const left = ask(node.port, "/pods", { token: "t", signal: leave.signal });
  await asked.promise;
  leave.abort();
  await assert.rejects(left);
  await over.promise;
  // Whatever is told of the one that has left was told before another one is answered.
  assert.equal((await ask(node.port, "/healthz", { client: API_SERVER })).status, 200);
  assert.equal(ends.get("/pods"), 1);
});

Deno.test("KubeletServer ends answers that wait behind another one when their connection ends", async () => {
  using logs = new Log();
  const begun = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  let open = 0;
  let all = 0;
  await using node = await start({
    logs,
    onRequest: () => {
      open++;
      if (++all === 3) begun.resolve();
      return () => {
        if (--open === 0) over.resolve();
      };
    },
  });
  const { certPem: cert, keyPem: key } = API_SERVER;
  const socket = tlsConnect({ host: "127.0.0.1", port: node.port, ca: CLUSTER.certPem, cert, key });
  socket.on("error", () => {});
  socket.write("GET /containerLogs/ns/p/c?follow=true HTTP/1.1\r\nhost: n\r\n\r\n".repeat(3));
  await begun.promise;
  socket.destroy();
  await over.promise;
});

Deno.test("KubeletServer cuts off whoever takes nothing of a page", async () => {
  const over = Promise.withResolvers<void>();
  await using node = await start({
    pages: { metrics: () => ({ contentType: "text/plain", body: "x".repeat(64 << 20) }) },
    limits: { pageStalledMs: 500 },
    onRequest: () => () => over.resolve(),
  });
  // A paused socket of node:tls goes on to read; this one does not.
  const { certPem: cert, keyPem: key } = API_SERVER;
  const caCerts = [CLUSTER.certPem];
  using client = await Deno.connectTls({
    port: node.port,
    hostname: "127.0.0.1",
    caCerts,
    cert,
    key,
  });
  await client.write(new TextEncoder().encode("GET /metrics HTTP/1.1\r\nhost: n\r\n\r\n"));
  await over.promise;
});
