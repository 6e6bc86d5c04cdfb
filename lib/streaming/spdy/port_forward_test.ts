import assert from "node:assert/strict";
import { bytesOf, FakeSocket, textOf, until } from "../_test_sockets.ts";
import { STREAMING_TIMES, STREAMS_MAX } from "../limits.ts";
import { ClosedError, type ForwardedConnection, type PortForwardSession } from "../session.ts";
import { data, dataOf, FLAGS, framesOf, reset, TestClient } from "./_test_client.ts";
import { forwardOverSpdy } from "./port_forward.ts";

class Fixture implements AsyncDisposable {
  readonly socket = new FakeSocket();
  readonly client = new TestClient();
  readonly session: PortForwardSession;
  readonly #iterator: AsyncIterator<ForwardedConnection>;

  constructor(times: Partial<typeof STREAMING_TIMES> = {}) {
    this.session = forwardOverSpdy(this.socket, { times: { ...STREAMING_TIMES, ...times } });
    this.#iterator = this.session[Symbol.asyncIterator]();
  }

  async open(id: number, headers: Readonly<Record<string, string>>): Promise<void> {
    const before = this.socket.sent.length;
    this.socket.come(await this.client.open(id, { headers }));
    await until(() => this.socket.sent.length > before);
  }

  async next(): Promise<ForwardedConnection> {
    const { value, done } = await this.#iterator.next();
    assert.ok(!done);
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close();
    assert.equal((await this.#iterator.next()).done, true);
    this.client[Symbol.dispose]();
  }
}

const PAIR = [
  { streamtype: "error", port: "8080", requestid: "0" },
  { streamtype: "data", port: "8080", requestid: "0" },
] as const;

Deno.test("forwardOverSpdy() gives a client when both its streams are there", async () => {
  await using fixture = new Fixture();
  const { socket } = fixture;
  await fixture.open(1, PAIR[0]);
  await fixture.open(3, { ...PAIR[1], requestid: "1" });
  await fixture.open(5, { ...PAIR[1], port: "9090" });
  const client = await fixture.next();
  assert.equal(client.port, 9090, "the port of the data counts");
  socket.come(data(5, bytesOf("asked"), FLAGS.fin));
  assert.equal(await textOf(client.data.readable), "asked");
  const writer = client.data.writable.getWriter();
  await writer.write(bytesOf("answered"));
  await writer.close();
  await client.end();
  assert.equal(dataOf(socket.sent, 5), "answered");
  assert.ok(client.closed.aborted);
  const ended = framesOf(socket.sent).flatMap((frame) =>
    frame.kind === "data" && frame.fin ? [frame.streamId] : []
  );
  assert.deepEqual(ended, [5, 1]);
});

Deno.test("forwardOverSpdy() takes the port of the data, whichever stream comes first", async () => {
  await using fixture = new Fixture();
  await fixture.open(1, { ...PAIR[1], port: "9090" });
  await fixture.open(3, PAIR[0]);
  assert.equal((await fixture.next()).port, 9090);
});

Deno.test("forwardOverSpdy() pairs the streams of clients that have no request id", async () => {
  await using fixture = new Fixture();
  for (const id of [1, 5]) {
    await fixture.open(id, { streamtype: "error", port: "1" });
    await fixture.open(id + 2, { streamtype: "data", port: "1" });
  }
  const [first, second] = [await fixture.next(), await fixture.next()];
  await Promise.all([first.fail("first"), second.fail("second")]);
  assert.equal(dataOf(fixture.socket.sent, 1), "first");
  assert.equal(dataOf(fixture.socket.sent, 5), "second");
});

Deno.test("forwardOverSpdy() tells what is wrong, and resets the data", async () => {
  await using fixture = new Fixture();
  await fixture.open(1, PAIR[0]);
  await fixture.open(3, PAIR[1]);
  const client = await fixture.next();
  const read = textOf(client.data.readable);
  await client.fail("nobody listens");
  await assert.rejects(read, ClosedError);
  assert.equal(dataOf(fixture.socket.sent, 1), "nobody listens");
  const resets = framesOf(fixture.socket.sent).filter(({ kind }) => kind === "rst_stream");
  assert.deepEqual(resets, [{ kind: "rst_stream", streamId: 3, status: 5 }]);
});

Deno.test("forwardOverSpdy() refuses streams without a port or a type, and second ones", async () => {
  await using fixture = new Fixture();
  const { socket } = fixture;
  const wrong = [
    { streamtype: "data", requestid: "0" },
    { streamtype: "data", port: "0", requestid: "0" },
    { streamtype: "data", port: "65536", requestid: "0" },
    { streamtype: "data", port: "http", requestid: "0" },
    { port: "80", requestid: "0" },
    { streamtype: "stdin", port: "80", requestid: "0" },
  ];
  for (const [index, headers] of wrong.entries()) await fixture.open(1 + 2 * index, headers);
  await fixture.open(21, PAIR[0]);
  await fixture.open(23, PAIR[0]);
  const kinds = framesOf(socket.sent).map(({ kind }) => kind);
  assert.deepEqual(kinds, [...wrong.map(() => "rst_stream"), "syn_reply", "rst_stream"]);
});

Deno.test("forwardOverSpdy() does not wait for the other stream for ever", async () => {
  await using fixture = new Fixture({ creationMs: 1 });
  await fixture.open(1, PAIR[0]);
  await until(() => dataOf(fixture.socket.sent, 1).includes("timed out"));
  await fixture.open(3, { ...PAIR[1], requestid: "1" });
  await until(() => framesOf(fixture.socket.sent).some(({ kind }) => kind === "rst_stream"));
});

Deno.test("forwardOverSpdy() fails its clients when the peer goes", async () => {
  await using fixture = new Fixture();
  await fixture.open(1, PAIR[0]);
  await fixture.open(3, PAIR[1]);
  await fixture.open(5, { ...PAIR[0], requestid: "1" });
  const client = await fixture.next();
  const read = textOf(client.data.readable);
  fixture.socket.go();
  await assert.rejects(read, ClosedError);
  await assert.rejects(client.data.writable.getWriter().closed, ClosedError);
  await client.end();
  await client.fail("too late");
});

Deno.test("ForwardedConnection.end() throws away what the client still sends", async () => {
  await using fixture = new Fixture();
  await fixture.open(1, PAIR[0]);
  await fixture.open(3, PAIR[1]);
  const client = await fixture.next();
  await client.end();
  for (let index = 0; index < 20; index++) fixture.socket.come(data(3, new Uint8Array(64 * 1024)));
  await fixture.open(5, PAIR[0]);
  await until(() =>
    framesOf(fixture.socket.sent).some((frame) =>
      frame.kind === "syn_reply" && frame.streamId === 5
    )
  );
});

Deno.test("forwardOverSpdy() keeps only so many streams that were reset before their other one", async () => {
  await using fixture = new Fixture();
  const { socket } = fixture;
  const open = (id: number): Promise<void> =>
    fixture.open(id, { streamtype: "data", port: "1", requestid: String(id) });
  for (let count = 0; count < STREAMS_MAX; count++) {
    await open(2 * count + 1);
    socket.come(reset(2 * count + 1));
  }
  const refused = (): boolean => framesOf(socket.sent).some(({ kind }) => kind === "rst_stream");
  assert.equal(refused(), false);
  await open(2 * STREAMS_MAX + 1);
  assert.equal(refused(), true);
});
