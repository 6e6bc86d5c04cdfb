import assert from "node:assert/strict";
import { connect as tlsConnect, type TLSSocket } from "node:tls";
// @ts-types="@types/ws"
import { WebSocket } from "ws";
import type { CommandEnd, RemoteCommandSession } from "../streaming/session.ts";
import { framesOf } from "../streaming/spdy/_test_client.ts";
import { API_SERVER, ask, CLUSTER, start } from "./_test_node.ts";
import type { CommandRequest, FoundCommand, StreamSource } from "./stream_source.ts";

const client = API_SERVER;

/** A source with one command, which tells what it was asked for. */
function sourceOf(run: FoundCommand): StreamSource & { asked: CommandRequest[] } {
  const asked: CommandRequest[] = [];
  return {
    asked,
    command: (request) => {
      asked.push(request);
      return run;
    },
    forward: () => ({ status: 404, message: "pod does not exist" }),
  };
}

/** A WebSocket as the API server opens it, and what comes over it by channel. */
function open(port: number, path: string): {
  readonly socket: WebSocket;
  readonly opened: Promise<unknown>;
  readonly closed: Promise<Map<number, string>>;
} {
  const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, "v5.channel.k8s.io", {
    ca: CLUSTER.certPem,
    cert: client.certPem,
    key: client.keyPem,
  });
  const said = new Map<number, string>();
  socket.on("message", (message) => {
    const [channel = 255, ...bytes] = message as Uint8Array;
    const text = new TextDecoder().decode(new Uint8Array(bytes));
    said.set(channel, (said.get(channel) ?? "") + text);
  });
  socket.on("error", () => {});
  return {
    socket,
    opened: new Promise((resolve) => socket.once("open", resolve)),
    closed: new Promise((resolve) => socket.once("close", () => resolve(said))),
  };
}

/** A connection on which SPDY was agreed on, and all that came over it. */
async function openSpdy(port: number, path: string): Promise<{
  readonly socket: TLSSocket;
  readonly got: readonly Uint8Array[];
  readonly ended: Promise<void>;
}> {
  const { certPem: cert, keyPem: key } = client;
  const ca = CLUSTER.certPem;
  const socket = tlsConnect({ host: "127.0.0.1", port, ca, cert, key });
  const got: Uint8Array[] = [];
  const begun = Promise.withResolvers<void>();
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  socket.on("data", (bytes: Uint8Array) => {
    got.push(bytes);
    begun.resolve();
  });
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: n\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n` +
      "x-stream-protocol-version: v4.channel.k8s.io\r\n\r\n",
  );
  await begun.promise;
  return { socket, got, ended };
}

async function echo({ stdin, stdout }: RemoteCommandSession): Promise<CommandEnd> {
  for await (const bytes of stdin!) await stdout!.write(bytes);
  return { kind: "exited", code: 3 };
}

Deno.test("KubeletServer runs a command over a WebSocket, to its exit code", async () => {
  const streams = sourceOf(echo);
  await using node = await start({ streams });
  const path = "/exec/ns/pod/u-1/main?command=cat&command=-&input=1&output=1&error=1";
  const { socket, opened, closed } = open(node.port, path);
  await opened;
  socket.send(new Uint8Array([0, 104, 105]));
  socket.send(new Uint8Array([255, 0]));
  const said = await closed;
  assert.equal(said.get(1), "hi");
  const { status, reason, details } = JSON.parse(said.get(3) ?? "{}");
  assert.deepEqual([status, reason], ["Failure", "NonZeroExitCode"]);
  assert.deepEqual(details.causes, [{ reason: "ExitCode", message: "3" }]);
  assert.deepEqual(streams.asked, [{
    kind: "exec",
    namespace: "ns",
    pod: "pod",
    uid: "u-1",
    container: "main",
    command: ["cat", "-"],
    streams: { stdin: true, stdout: true, stderr: true, tty: false },
  }]);
});

Deno.test("KubeletServer refuses a stream before its upgrade", async () => {
  await using node = await start();
  const cases: [path: string, status: number, text: RegExp][] = [
    ["/exec/ns/pod/main?command=ls&output=1", 404, /^pod does not exist$/m],
    [
      "/exec/ns/pod/main?command=ls",
      400,
      /^you must specify at least 1 of stdin, stdout, stderr$/m,
    ],
    ["/portForward/ns/pod", 404, /^pod does not exist$/m],
    ["/exec/ns/pod", 404, /not found/],
  ];
  for (const [path, status, text] of cases) {
    const answer = await ask(node.port, path, { client, method: "POST", upgrade: "SPDY/3.1" });
    assert.equal(answer.status, status, path);
    assert.match(answer.text, text, path);
  }
  const plain = await ask(node.port, "/exec/ns/pod/main?command=ls&output=1", { client });
  assert.deepEqual([plain.status, plain.text], [400, "Upgrade request required\n"]);
});

Deno.test("KubeletServer answers where there is no other protocol as if none was asked for", async () => {
  await using node = await start();
  for (
    const [path, method] of [["/pods", "GET"], ["/pods", "POST"], ["/nowhere", "GET"]] as const
  ) {
    const plain = await ask(node.port, path, { client, method });
    const upgrade = await ask(node.port, path, { client, method, upgrade: "h2c" });
    assert.deepEqual([upgrade.status, upgrade.text], [plain.status, plain.text], path);
  }
  assert.equal((await ask(node.port, "/pods", { upgrade: "h2c" })).status, 401);
});

Deno.test("KubeletServer answers /run with what the command writes", async () => {
  const streams = sourceOf(async ({ stdout, stderr }) => {
    await stdout!.write(new TextEncoder().encode("out "));
    await stderr!.write(new TextEncoder().encode("err"));
    return { kind: "exited", code: 0 };
  });
  await using node = await start({ streams });
  const answer = await ask(node.port, "/run/ns/pod/main?cmd=ls%20-l", { client, method: "POST" });
  assert.deepEqual([answer.status, answer.text], [200, "out err"]);
  assert.deepEqual(streams.asked[0]?.command, ["ls", "-l"]);
});

Deno.test("KubeletServer tells how a command of /run failed", async () => {
  const ends: CommandEnd[] = [
    { kind: "exited", code: 2 },
    { kind: "failed", message: "there is no such program" },
  ];
  const words = [/^command "x": exited with 2$/m, /^command "x": there is no such program$/m];
  for (const [i, end] of ends.entries()) {
    await using node = await start({ streams: sourceOf(() => Promise.resolve(end)) });
    const answer = await ask(node.port, "/run/ns/pod/main?cmd=x", { client, method: "POST" });
    assert.equal(answer.status, 500);
    assert.match(answer.text, words[i]!);
  }
});

Deno.test("KubeletServer bounds the sessions, and ends them when it closes", async () => {
  const node = await start({ streams: sourceOf(echo), limits: { streamsMax: 1 } });
  const path = "/exec/ns/pod/main?command=cat&input=1&output=1";
  const { opened, closed } = open(node.port, path);
  await opened;
  const second = await ask(node.port, path, { client, upgrade: "SPDY/3.1" });
  assert.equal(second.status, 429);
  assert.match(second.text, /Too many sessions/);
  await node[Symbol.asyncDispose]();
  await closed;
});

Deno.test("KubeletServer.close() tells the peers of sessions that it goes", async () => {
  const node = await start({ streams: sourceOf(echo) });
  const path = "/exec/ns/pod/main?command=cat&input=1&output=1";
  const { socket, opened } = open(node.port, path);
  const code = new Promise((resolve) => socket.once("close", resolve));
  await opened;
  const { got, ended } = await openSpdy(node.port, path);
  await node.server.close();
  assert.equal(await code, 1001);
  await ended;
  const body = Buffer.concat(got).subarray(Buffer.concat(got).indexOf("\r\n\r\n") + 4);
  assert.equal(framesOf([body]).at(-1)?.kind, "goaway");
});

Deno.test("KubeletServer.close() cuts off peers that do not hear", async () => {
  const node = await start({ streams: sourceOf(echo) });
  const { socket, ended } = await openSpdy(node.port, "/exec/ns/pod/main?command=cat&output=1");
  socket.pause();
  await node.server.close();
  socket.resume();
  await ended;
});

Deno.test("KubeletServer tells a peer what is wrong with its command", async () => {
  await using node = await start({ streams: sourceOf(() => Promise.reject(new Error("no such"))) });
  const { closed } = open(node.port, "/exec/ns/pod/main?command=x&output=1");
  const { status, message } = JSON.parse((await closed).get(3) ?? "{}");
  assert.equal(status, "Failure");
  assert.match(message, /no such/);
});
