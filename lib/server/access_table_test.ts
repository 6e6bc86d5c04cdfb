import assert from "node:assert/strict";
import { API_SERVER, ask, EXPIRED, FOREIGN, start } from "./_test_node.ts";
import type { User } from "./auth.ts";

/** Every path that a kubelet of Kubernetes 1.36 has, and what its caller must be allowed. */
const ROUTES: readonly (readonly [method: string, path: string, subresources: string])[] = [
  ["GET", "/pods", "pods proxy"],
  ["GET", "/runningpods/", "pods proxy"],
  ["GET", "/containerLogs/ns/pod/c", "proxy"],
  ["GET", "/metrics", "metrics"],
  ["GET", "/metrics/cadvisor", "metrics"],
  ["GET", "/metrics/probes", "metrics"],
  ["GET", "/metrics/resource", "metrics"],
  ["GET", "/stats/summary", "stats"],
  ["GET", "/logs/", "log"],
  ["GET", "/configz", "configz proxy"],
  ["GET", "/healthz", "healthz proxy"],
  ["GET", "/healthz/ping", "healthz proxy"],
  ["GET", "/exec/ns/pod/c?command=ls", "proxy"],
  ["POST", "/exec/ns/pod/c?command=ls", "proxy"],
  ["GET", "/attach/ns/pod/c", "proxy"],
  ["POST", "/attach/ns/pod/c", "proxy"],
  ["GET", "/portForward/ns/pod", "proxy"],
  ["POST", "/portForward/ns/pod", "proxy"],
  ["POST", "/run/ns/pod/c?cmd=ls", "proxy"],
  ["POST", "/checkpoint/ns/pod/c", "checkpoint"],
  ["GET", "/debug/pprof/", "proxy"],
  ["GET", "/statusz", "statusz"],
  ["GET", "/flagz", "configz"],
  ["GET", "/nothing", "proxy"],
];

/** Those that lead to a connection of their own; the answer to a stranger must be the same. */
const UPGRADES = ["SPDY/3.1", "websocket"] as const;

const ADA: User = { name: "ada", groups: ["g", "system:authenticated"], uid: "u" };

Deno.test("KubeletServer opens no path to a stranger", async () => {
  await using node = await start({
    authenticateToken: (token) => Promise.resolve(token === "ada" ? ADA : undefined),
  });
  const strangers = [{}, { client: FOREIGN }, { client: EXPIRED }, { token: "nobody" }];
  for (const [method, path] of ROUTES) {
    for (const stranger of strangers) {
      const { status, text } = await ask(node.port, path, { method, ...stranger });
      assert.deepEqual([status, text], [401, "Unauthorized\n"], `${method} ${path}`);
    }
  }
});

Deno.test("KubeletServer gives no stream to a stranger, nor to whom the cluster refuses", async () => {
  await using node = await start({
    authenticateToken: (token) => Promise.resolve(token === "ada" ? ADA : undefined),
    authorize: () => Promise.resolve(false),
    streams: {
      command: () => assert.fail("a stranger has come this far"),
      forward: () => assert.fail("a stranger has come this far"),
    },
  });
  for (const upgrade of UPGRADES) {
    for (const [method, path] of ROUTES) {
      for (const stranger of [{}, { client: FOREIGN }, { client: EXPIRED }, { token: "nobody" }]) {
        const { status } = await ask(node.port, path, { method, upgrade, ...stranger });
        assert.equal(status, 401, `${upgrade} ${method} ${path}`);
      }
      for (const refused of [{ client: API_SERVER }, { token: "ada" }]) {
        const { status } = await ask(node.port, path, { method, upgrade, ...refused });
        assert.equal(status, 403, `${upgrade} ${method} ${path}`);
      }
    }
  }
});

Deno.test("KubeletServer opens no path to whom the cluster refuses", async () => {
  const users = [["kube-apiserver", { client: API_SERVER }], ["ada", { token: "ada" }]] as const;
  await using node = await start({
    authenticateToken: () => Promise.resolve(ADA),
    authorize: () => Promise.resolve(false),
  });
  for (const [method, path, subresources] of ROUTES) {
    for (const [user, credentials] of users) {
      const { status, text } = await ask(node.port, path, { method, ...credentials });
      const verb = method === "POST" ? "create" : "get";
      const asked = `user=${user}, verb=${verb}, resource=nodes, subresource(s)=[${subresources}]`;
      assert.deepEqual([status, text], [403, `Forbidden (${asked})\n`], `${method} ${path}`);
    }
  }
});

Deno.test("KubeletServer opens every path to whom the cluster allows one of its sub-resources", async () => {
  for (const credentials of [{ client: API_SERVER }, { token: "ada" }]) {
    for (const [method, path, subresources] of ROUTES) {
      await using node = await start({
        authenticateToken: () => Promise.resolve(ADA),
        authorize: (_user, { subresource }) =>
          Promise.resolve(subresource === subresources.split(" ").at(-1)),
      });
      const { status } = await ask(node.port, path, { method, ...credentials });
      assert.ok(status !== 401 && status !== 403, `${method} ${path}: ${status}`);
    }
  }
});

Deno.test("KubeletServer is closed when the cluster cannot be asked", async () => {
  const away = () => Promise.reject(new Error("away"));
  await using node = await start({ authenticateToken: away, authorize: away });
  for (const [method, path] of ROUTES) {
    const byToken = await ask(node.port, path, { method, token: "ada" });
    assert.deepEqual([byToken.status, byToken.text], [401, "Unauthorized\n"], path);
    const byCertificate = await ask(node.port, path, { method, client: API_SERVER });
    assert.equal(byCertificate.status, 500, path);
    assert.match(byCertificate.text, /^Authorization error \(user=kube-apiserver, /);
  }
});

Deno.test("KubeletServer asks the cluster in the name of who is behind a token, once", async () => {
  const asked: unknown[] = [];
  await using node = await start({
    authenticateToken: (token) => {
      asked.push(token);
      return Promise.resolve(ADA);
    },
    authorize: (user) => {
      asked.push(user);
      return Promise.resolve(true);
    },
  });
  for (let i = 0; i < 3; i++) {
    assert.equal((await ask(node.port, "/pods", { token: "ada" })).status, 200);
  }
  assert.deepEqual(asked, ["ada", ADA]);
});
