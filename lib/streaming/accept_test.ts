import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { bytesOf, textOf, until } from "./_test_sockets.ts";
import { acceptPortForward, acceptRemoteCommand, refuseUpgrade, type Upgrade } from "./accept.ts";
import { MESSAGE_BYTES_MAX, type StreamingTimes } from "./limits.ts";
import { ClosedError, type CommandStreams, type RemoteCommandSession } from "./session.ts";
import { data, dataOf, FLAGS, framesOf, goaway, TestClient } from "./spdy/_test_client.ts";
import { UpgradeRefusal } from "./upgrade.ts";

const STREAMS: CommandStreams = { stdin: true, stdout: true, stderr: false, tty: false };

/** A server of HTTP whose upgrades are given to `serve`. */
async function listen(
  serve: (upgrade: Upgrade) => Promise<void>,
): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer();
  const serving: Promise<void>[] = [];
  server.on("upgrade", (request, socket: Duplex, head: Uint8Array) => {
    serving.push(serve({ request, socket, head }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(serving);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Command extends AsyncDisposable {
  readonly port: number;
  readonly session: Promise<RemoteCommandSession>;
  readonly stop: AbortController;
}

/** A server that serves one command. */
async function listenForCommand(times: Partial<StreamingTimes> = {}): Promise<Command> {
  const stop = new AbortController();
  const { promise: session, resolve } = Promise.withResolvers<RemoteCommandSession>();
  const server = await listen(async (upgrade) => {
    const options = { streams: STREAMS, signal: stop.signal, times };
    resolve(await acceptRemoteCommand(upgrade, options));
  });
  return {
    session,
    stop,
    port: server.port,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A client that is open, and what it is told. */
async function openWeb(port: number): Promise<{ web: WebSocket; messages: readonly string[] }> {
  const web = new WebSocket(`ws://127.0.0.1:${port}/`, "v5.channel.k8s.io");
  web.binaryType = "arraybuffer";
  const messages: string[] = [];
  web.onmessage = ({ data }) => messages.push(new TextDecoder().decode(data));
  await new Promise((resolve, reject) => {
    web.onopen = resolve;
    web.onerror = (event) => reject(new Error((event as ErrorEvent).message));
  });
  return { web, messages };
}

function closing(web: WebSocket): Promise<CloseEvent> {
  return new Promise((resolve) => web.onclose = resolve);
}

/** A client that sends bytes as they are, and keeps what it gets. */
class RawClient implements Disposable {
  readonly socket: Socket;
  readonly got: Uint8Array[] = [];
  readonly ended: Promise<void>;

  constructor(port: number, first: string | Uint8Array) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.on("error", () => {});
    this.socket.on("data", (bytes: Uint8Array) => this.got.push(bytes));
    this.ended = new Promise((resolve) => {
      this.socket.on("end", resolve);
      this.socket.on("close", resolve);
    });
    this.socket.write(first);
  }

  get text(): string {
    return Buffer.concat(this.got).toString("latin1");
  }

  /** What came after the head of the answer. */
  get body(): Uint8Array {
    const all = Buffer.concat(this.got);
    return new Uint8Array(all.subarray(all.indexOf("\r\n\r\n") + 4));
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

const WEB_REQUEST = "GET / HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\n" +
  "upgrade: websocket\r\nsec-websocket-version: 13\r\n" +
  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

function spdyRequest(protocol: string): string {
  return "POST /exec HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: Upgrade\r\n" +
    `upgrade: SPDY/3.1\r\nx-stream-protocol-version: ${protocol}\r\n\r\n`;
}

Deno.test("acceptRemoteCommand() serves a WebSocket, and closes it in good order", async () => {
  await using server = await listenForCommand();
  const { web, messages } = await openWeb(server.port);
  assert.equal(web.protocol, "v5.channel.k8s.io");
  const session = await server.session;
  web.send(bytesOf("\x00typed"));
  web.send(Uint8Array.of(255, 0));
  assert.equal(await textOf(session.stdin), "typed");
  await session.stdout!.write(bytesOf("said"));
  const closed = closing(web);
  await session.exit({ kind: "exited", code: 0 });
  const { code, wasClean } = await closed;
  assert.deepEqual([code, wasClean], [1000, true]);
  assert.deepEqual(messages, ["\x01", "\x01said", '\x03{"metadata":{},"status":"Success"}']);
});

Deno.test("acceptRemoteCommand() serves SPDY, with what came together with the request", async () => {
  await using server = await listenForCommand();
  using spdy = new TestClient();
  const first = Buffer.concat([
    bytesOf(spdyRequest("v4.channel.k8s.io, v3.channel.k8s.io")),
    await spdy.open(1, { headers: { streamtype: "error" } }),
  ]);
  using client = new RawClient(server.port, first);
  client.socket.write(await spdy.open(3, { headers: { streamtype: "stdin" } }));
  client.socket.write(await spdy.open(5, { headers: { streamtype: "stdout" } }));
  const session = await server.session;
  client.socket.write(data(3, bytesOf("typed"), FLAGS.fin));
  assert.equal(await textOf(session.stdin), "typed");
  await session.stdout!.write(bytesOf("said"));
  const exited = session.exit({ kind: "exited", code: 0 });
  await until(() => dataOf([client.body], 1) === '{"metadata":{},"status":"Success"}');
  client.socket.end(goaway());
  await exited;
  assert.match(client.text, /^HTTP\/1\.1 101 Switching Protocols\r\nconnection: Upgrade\r\n/);
  assert.match(client.text, /\r\nx-stream-protocol-version: v4\.channel\.k8s\.io\r\n/);
  assert.equal(dataOf([client.body], 5), "said");
});

Deno.test("refuseUpgrade() answers with an error, and closes", async () => {
  await using server = await listen(async (upgrade) => {
    const { signal } = new AbortController();
    const refusal = await acceptRemoteCommand(upgrade, { streams: STREAMS, signal }).catch((
      error,
    ) => error);
    assert.ok(refusal instanceof UpgradeRefusal);
    const { status, message, headers } = refusal;
    refuseUpgrade(upgrade.socket, { status, text: message, headers });
  });
  using client = new RawClient(server.port, spdyRequest("v9.channel.k8s.io"));
  await client.ended;
  assert.match(client.text, /^HTTP\/1\.1 403 \r\n/);
  assert.match(client.text, /\r\nx-accepted-stream-protocol-versions: v4\.channel\.k8s\.io, /);
  assert.match(client.text, /\r\n\r\nunable to upgrade, as none of the protocols is known/);
});

Deno.test("refuseUpgrade() closes though its client does not", async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  await using server = await listen(({ socket }) => {
    socket.once("close", () => resolve());
    refuseUpgrade(socket, { status: 403, text: "no", lingerMs: 1 });
    return Promise.resolve();
  });
  using client = new RawClient(server.port, spdyRequest("v4.channel.k8s.io"));
  await closed;
  client.socket.destroy();
});

Deno.test("acceptRemoteCommand() refuses a WebSocket without a key", async () => {
  const refusals: unknown[] = [];
  await using server = await listen(async (upgrade) => {
    const { signal } = new AbortController();
    const opening = acceptRemoteCommand(upgrade, { streams: STREAMS, signal });
    refusals.push(await opening.catch((error) => error));
    refuseUpgrade(upgrade.socket, { status: 400, text: "no" });
  });
  const request = "GET / HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" +
    "sec-websocket-version: 13\r\n\r\n";
  using client = new RawClient(server.port, request);
  await client.ended;
  assert.ok(refusals[0] instanceof UpgradeRefusal);
  assert.match(client.text, /^HTTP\/1\.1 400 /);
});

Deno.test("acceptPortForward() answers a sub-protocol that is no token", async () => {
  await using server = await listen(async (upgrade) => {
    const { signal } = new AbortController();
    const session = await acceptPortForward(upgrade, { signal });
    await session.close();
  });
  const request = "GET / HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" +
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
    "sec-websocket-protocol: SPDY/3.1+portforward.k8s.io\r\n\r\n";
  using client = new RawClient(server.port, request);
  await until(() => client.text.includes("\r\n\r\n"));
  client.socket.destroy();
  assert.match(client.text, /\r\nSec-WebSocket-Protocol: SPDY\/3\.1\+portforward\.k8s\.io\r\n/);
  // The answer to the key is RFC 6455's own example.
  assert.match(
    client.text,
    /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/,
  );
});

Deno.test("sessions end when their signal does", async () => {
  await using server = await listenForCommand();
  const { web } = await openWeb(server.port);
  const closed = closing(web);
  const session = await server.session;
  server.stop.abort();
  assert.equal((await closed).code, 1001);
  await until(() => session.closed.aborted);
});

Deno.test("a connection of SPDY ends with its signal before its streams are there", async () => {
  const stop = new AbortController();
  await using server = await listen(async (upgrade) => {
    const opening = acceptRemoteCommand(upgrade, { streams: STREAMS, signal: stop.signal });
    await assert.rejects(opening, ClosedError);
  });
  using client = new RawClient(server.port, spdyRequest("v4.channel.k8s.io"));
  await until(() => client.text.includes("\r\n\r\n"));
  stop.abort();
  await client.ended;
  client.socket.destroy();
});

Deno.test("a message that is too long closes a WebSocket", async () => {
  await using server = await listenForCommand();
  const { web } = await openWeb(server.port);
  const closed = closing(web);
  const session = await server.session;
  const read = textOf(session.stdin);
  web.send(new Uint8Array(MESSAGE_BYTES_MAX + 1));
  await assert.rejects(read, ClosedError);
  assert.equal((await closed).code, 1009);
});

/** What the system's own buffers can take is not known; what this process keeps must be far less. */
const UNREAD_BYTES_MAX = 64 * 1024 * 1024;

/** What is not taken in this time, with its reader in the same process, finds no room. */
const FULL_MS = 500;

/** Writes until there is no more room. */
async function fill(session: RemoteCommandSession): Promise<void> {
  const piece = new Uint8Array(64 * 1024);
  for (let written = 0;; written += piece.length) {
    assert.ok(written < UNREAD_BYTES_MAX, "there is always room for more");
    let settled = false;
    void session.stdout!.write(piece).then(() => settled = true, () => {});
    const fromMs = performance.now();
    while (!settled && performance.now() - fromMs < FULL_MS) {
      await new Promise((next) => setTimeout(next));
    }
    if (!settled) return;
  }
}

Deno.test("Output.write() waits for a client that does not read, and rejects when it goes", async () => {
  await using server = await listenForCommand({ lingerMs: 1 });
  using spdy = new TestClient();
  using client = new RawClient(server.port, spdyRequest("v4.channel.k8s.io"));
  for (const [index, streamtype] of ["error", "stdin", "stdout"].entries()) {
    client.socket.write(await spdy.open(1 + 2 * index, { headers: { streamtype } }));
  }
  const session = await server.session;
  await until(() => client.text.includes("\r\n\r\n") && framesOf([client.body]).length === 3);
  client.socket.pause();
  await fill(session);
  const waiting = session.stdout!.write(bytesOf("more"));
  client.socket.destroy();
  await assert.rejects(waiting, ClosedError);
  await session.exit({ kind: "exited", code: 0 });
});

Deno.test("a session ends soon though its client neither reads nor closes", async () => {
  for (const transport of ["spdy", "websocket"]) {
    await using server = await listenForCommand({ lingerMs: 10 });
    using spdy = new TestClient();
    const request = transport === "spdy" ? spdyRequest("v4.channel.k8s.io") : WEB_REQUEST;
    using client = new RawClient(server.port, request);
    for (const [index, streamtype] of ["error", "stdin", "stdout"].entries()) {
      const frame = await spdy.open(1 + 2 * index, { headers: { streamtype } });
      if (transport === "spdy") client.socket.write(frame);
    }
    const session = await server.session;
    client.socket.pause();
    await fill(session);
    const fromMs = performance.now();
    await session.exit({ kind: "exited", code: 0 });
    // The library itself would wait for 30 s.
    assert.ok(performance.now() - fromMs < 20_000);
    assert.ok(session.closed.aborted);
  }
});

Deno.test("a WebSocket whose input is not read is not closed as a silent one", async () => {
  await using server = await listenForCommand({ pingMs: 20, idleMs: 800, lingerMs: 1 });
  using client = new RawClient(server.port, WEB_REQUEST);
  const session = await server.session;
  const piece = bytesOf("\x00" + "x".repeat(124)); // no more bytes than a short frame has
  client.socket.write(Buffer.concat(Array(10_000).fill(webFrame(2, piece))));
  const fromMs = performance.now();
  const pings = (): number => client.text.split("\x89\x00").length - 1;
  await until(() => pings() >= 60 && performance.now() - fromMs > 1_200);
  assert.equal(session.closed.aborted, false);
  let taken = 0;
  for await (const bytes of session.stdin!) if ((taken += bytes.length) === 10_000 * 124) break;
  await until(() => session.closed.aborted); // from now on it is silent
});

/** A client's frame of RFC 6455, with a mask of zeros. */
function webFrame(opcode: number, payload: Uint8Array): Uint8Array {
  return Uint8Array.of(0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0, ...payload);
}

const PING = 9;

Deno.test("pings are answered, and those of a client that does not read are not kept", async () => {
  await using server = await listenForCommand({ lingerMs: 1 });
  using client = new RawClient(server.port, WEB_REQUEST);
  const session = await server.session;
  client.socket.write(webFrame(PING, bytesOf("first")));
  await until(() => client.text.includes("\x8a\x05first"));
  client.socket.pause();
  await fill(session);
  client.socket.write(Buffer.concat(Array(1_000).fill(webFrame(PING, bytesOf("many")))));
  client.socket.write(webFrame(PING, bytesOf("newest")));
  client.socket.write(webFrame(2, bytesOf("\x00typed")));
  const reader = session.stdin!.getReader();
  assert.deepEqual(new Uint8Array((await reader.read()).value!), bytesOf("typed"));
  client.socket.resume();
  await until(() => client.text.includes("\x8a\x06newest"));
  assert.ok(client.text.split("many").length < 100, "too many answers were kept");
  client.socket.destroy();
  await assert.rejects(reader.read(), ClosedError);
});
