import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import * as grpc from "@grpc/grpc-js";
import type { Probe } from "../api/types.ts";
import { attempt, type ProbeTarget } from "./attempt.ts";
import type { Outcome } from "./outcome.ts";

const { signal } = new AbortController();
const TARGET: ProbeTarget = {
  container: { name: "app", ports: [] },
  podIP: "127.0.0.1",
  userAgent: "kube-probe/1.36",
  exec: () => Promise.resolve({ exitCode: 0, output: "" }),
};

function ask(
  probe: Probe,
  changes: Partial<ProbeTarget> = {},
  timeoutMs = 30_000,
): Promise<Outcome> {
  return attempt(probe, { ...TARGET, ...changes }, { timeoutMs, signal });
}

/** A server on a port of its own. */
async function serve(
  listener: RequestListener,
): Promise<AsyncDisposable & { port: number; seen: Parameters<RequestListener>[0][] }> {
  const seen: Parameters<RequestListener>[0][] = [];
  const server: Server = createServer((request, response) => {
    seen.push(request);
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    seen,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

Deno.test("attempt() takes 200 to 399 for an answer that is well, and no other", async () => {
  await using server = await serve((request, response) => {
    response.writeHead(Number(request.url!.slice(1)), { connection: "close" }).end("hello");
  });
  const { port } = server;
  for (const [status, result] of [[200, "success"], [204, "success"], [399, "success"]] as const) {
    assert.equal((await ask({ httpGet: { port, path: `/${status}` } })).result, result);
  }
  for (const status of [400, 404, 500, 503]) {
    assert.deepEqual(await ask({ httpGet: { port, path: `${status}` } }), {
      result: "failure",
      message: `HTTP probe failed with statuscode: ${status}`,
    });
  }
});

Deno.test("attempt() sends a kubelet's headers, and what the probe says in their place", async () => {
  await using server = await serve((_, response) => void response.end());
  const { port, seen } = server;
  await ask({ httpGet: { port } });
  await ask({
    httpGet: {
      port,
      httpHeaders: [
        { name: "Host", value: "shop.example" },
        { name: "X-Twice", value: "a" },
        { name: "X-Twice", value: "b" },
        { name: "User-Agent", value: "mine" },
        { name: "Accept", value: "" },
      ],
    },
  });
  const [plain, own] = seen.map(({ headers }) => headers);
  assert.equal(plain?.["user-agent"], "kube-probe/1.36");
  assert.equal(plain?.accept, "*/*");
  assert.equal(plain?.host, `127.0.0.1:${port}`);
  assert.equal(own?.host, "shop.example");
  assert.equal(own?.["x-twice"], "a, b");
  assert.equal(own?.["user-agent"], "mine");
  assert.equal(own?.accept, undefined);
});

Deno.test("attempt() follows redirects on the same host, and no further", async () => {
  await using server = await serve((request, response) => {
    const to =
      { "/": "/next", "/away": "http://elsewhere.example/", "/loop": "/loop" }[request.url!];
    response.writeHead(to === undefined ? 200 : 302, to === undefined ? {} : { location: to });
    response.end(request.url);
  });
  const { port } = server;
  assert.deepEqual(await ask({ httpGet: { port } }), { result: "success", message: "/next" });
  assert.deepEqual(await ask({ httpGet: { port, path: "/away" } }), {
    result: "warning",
    message: "Probe terminated redirects, Response body: /away",
  });
  const loop = await ask({ httpGet: { port, path: "/loop" } });
  assert.deepEqual(loop, { result: "failure", message: "stopped after 10 redirects" });
});

Deno.test("attempt() reads the beginning of a large answer, and waits for a slow one in vain", async () => {
  await using server = await serve((request, response) => {
    if (request.url === "/slow") return;
    response.end(Buffer.alloc(1_000_000, "x"));
  });
  const { port } = server;
  const large = await ask({ httpGet: { port } });
  assert.deepEqual([large.result, large.message.length], ["success", 10 * 1024]);
  const slow = await ask({ httpGet: { port, path: "/slow" } }, {}, 100);
  assert.equal(slow.result, "failure");
  assert.match(slow.message, /\/slow": no answer within timeoutSeconds$/);
});

Deno.test("attempt() ends with an answer that wants another protocol, as a failure", async () => {
  const server = createTcpServer((socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    });
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  assert.deepEqual(await ask({ httpGet: { port } }, {}, 1_000), {
    result: "failure",
    message: "HTTP probe failed with statuscode: 101",
  });
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("attempt() takes any answer where only a message is delivered", async () => {
  await using server = await serve((_, response) => void response.writeHead(500).end("no"));
  const { port } = server;
  const outcome = await ask({ httpGet: { port } }, { anyAnswer: true });
  assert.deepEqual(outcome, { result: "success", message: "no" });
});

Deno.test("attempt() asks again without TLS where that is wanted, and without what proves who asks", async () => {
  await using server = await serve((_, response) => void response.writeHead(500).end("plain"));
  const { port, seen } = server;
  const httpGet = {
    port,
    scheme: "HTTPS" as const,
    httpHeaders: [{ name: "Authorization", value: "secret" }, { name: "X-Own", value: "1" }],
  };
  const probe = await ask({ httpGet });
  assert.equal(probe.result, "failure");
  assert.match(probe.message, /^Get "https:\/\/127\.0\.0\.1:\d+\/": received corrupt message/);
  assert.equal(seen.length, 0);
  const told: string[] = [];
  const hook = { anyAnswer: true, onPlain: (host: string): void => void told.push(host) };
  assert.deepEqual(await ask({ httpGet }, hook), { result: "success", message: "plain" });
  assert.deepEqual(told, [`127.0.0.1:${port}`]);
  assert.deepEqual(seen.map(({ headers }) => [headers.authorization, headers["x-own"]]), [
    [undefined, "1"],
  ]);
});

Deno.test("attempt() asks nobody again who is not there, or speaks no HTTP either", async () => {
  let asked = 0;
  const server = createTcpServer((socket) => {
    asked++;
    socket.once("data", () => socket.end("220 mail ready\r\n"));
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const hook = { anyAnswer: true, onPlain: assert.fail };
  const httpGet = { port, scheme: "HTTPS" as const };
  const mail = await ask({ httpGet }, hook);
  assert.deepEqual([mail.result, asked], ["failure", 2]);
  assert.match(mail.message, /^Get "https:/);
  await new Promise((resolve) => server.close(resolve));
  const gone = await ask({ httpGet }, hook);
  assert.match(gone.message, /^Get "https:.*connection refused$/);
});

Deno.test("attempt() finds a port by its name, and says that there is none", async () => {
  await using server = await serve((_, response) => void response.end());
  const container = { name: "app", ports: [{ name: "web", containerPort: server.port }] };
  assert.equal((await ask({ httpGet: { port: "web" } }, { container })).result, "success");
  assert.equal((await ask({ tcpSocket: { port: "web" } }, { container })).result, "success");
  const unknown = await ask({ httpGet: { port: "api" } }, { container });
  assert.deepEqual([unknown.result, unknown.message.includes('no port named "api"')], [
    "error",
    true,
  ]);
});

Deno.test("attempt() takes a connection for an answer, and a refused one for a failure", async () => {
  const server = createTcpServer((socket) => void socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  assert.equal((await ask({ tcpSocket: { port } })).result, "success");
  await new Promise((resolve) => server.close(resolve));
  const refused = await ask({ tcpSocket: { port } });
  assert.equal(refused.result, "failure");
  assert.match(refused.message, /^dial tcp 127\.0\.0\.1:\d+: .*refused/);
});

Deno.test("attempt() tells what a program has written, how it ended, and that it took too long", async () => {
  const probe = { exec: { command: ["check", "it"] } };
  const ended = (exitCode: number | undefined, output = ""): Partial<ProbeTarget> => ({
    exec: () => Promise.resolve({ exitCode, output }),
  });
  assert.deepEqual(await ask(probe, ended(0, "fine")), { result: "success", message: "fine" });
  assert.deepEqual(await ask(probe, ended(3, "bad")), { result: "failure", message: "bad" });
  assert.deepEqual(await ask(probe, ended(undefined), 2_000), {
    result: "failure",
    message: 'command ["check","it"] timed out after 2s',
  });
  const none = await ask(probe, { exec: () => Promise.reject(new Error("no such program")) });
  assert.deepEqual(none, { result: "error", message: "no such program" });
});

Deno.test({
  name: "attempt() asks by gRPC for a server's health, or for one of its services",
  // The gRPC library keeps timers for a moment after its client and server were closed.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: asksByGrpc,
});

async function asksByGrpc(): Promise<void> {
  const asked: string[] = [];
  const server = new grpc.Server();
  const plain = (bytes: Buffer): Buffer => bytes;
  server.addService({
    check: {
      path: "/grpc.health.v1.Health/Check",
      requestStream: false,
      responseStream: false,
      requestSerialize: plain,
      requestDeserialize: plain,
      responseSerialize: plain,
      responseDeserialize: plain,
    },
  }, {
    check: (call: { request: Buffer }, answer: (error: null, status: Buffer) => void): void => {
      const service = call.request.subarray(2).toString();
      asked.push(service);
      if (service === "silent") return;
      answer(null, Buffer.from(service === "sick" ? [8, 2] : [8, 1]));
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const check = (service: string | undefined, timeoutMs?: number): Promise<Outcome> =>
    ask({ grpc: { port, ...(service === undefined ? {} : { service }) } }, {}, timeoutMs);
  try {
    assert.equal((await check(undefined)).result, "success");
    assert.deepEqual(await check("sick"), {
      result: "failure",
      message: 'service unhealthy (responded with "NOT_SERVING")',
    });
    assert.deepEqual(await check("silent", 300), {
      result: "failure",
      message: "timeout: health rpc did not complete within 0.3s",
    });
    assert.deepEqual(asked, ["", "sick", "silent"]);
  } finally {
    server.forceShutdown();
  }
  assert.match((await check(undefined)).message, /^failed to connect service "127/);
}
