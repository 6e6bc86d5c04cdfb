import assert from "node:assert/strict";
import { bytesOf, FakeSocket, textOf, until } from "../_test_sockets.ts";
import {
  CONNECTION_BUFFER_BYTES_MAX,
  STREAM_BUFFER_BYTES_MAX,
  STREAMING_TIMES,
  STREAMS_MAX,
} from "../limits.ts";
import { ClosedError } from "../session.ts";
import {
  control,
  data,
  dataOf,
  FLAGS,
  framesOf,
  goaway,
  ping,
  reset,
  TestClient,
} from "./_test_client.ts";
import { SpdyConnection } from "./connection.ts";
import type { SpdyStream } from "./stream.ts";

/** A connection whose streams are all taken, unless they are `refused`. */
class Fixture implements AsyncDisposable {
  readonly socket = new FakeSocket();
  readonly client = new TestClient();
  readonly streams: SpdyStream[] = [];
  readonly connection: SpdyConnection;
  readonly running: Promise<void>;

  constructor(times: Partial<typeof STREAMING_TIMES> = {}) {
    this.connection = new SpdyConnection(this.socket, {
      times: { ...STREAMING_TIMES, ...times },
      onStream: (stream) => {
        this.streams.push(stream);
        return stream.headers.get("refused") === undefined;
      },
    });
    this.running = this.connection.run();
  }

  async open(id: number, options: { refused?: boolean; flags?: number } = {}): Promise<void> {
    const { refused = false, flags = FLAGS.none } = options;
    const headers: Record<string, string> = refused ? { refused: "yes" } : { name: `${id}` };
    const before = this.socket.sent.length;
    this.socket.come(await this.client.open(id, { headers, flags }));
    await until(() => this.socket.sent.length > before);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
    await this.running;
    this.client[Symbol.dispose]();
  }
}

Deno.test("SpdyConnection replies to streams and passes data on, each to its own", async () => {
  await using fixture = new Fixture();
  const { socket, streams } = fixture;
  await fixture.open(1);
  await fixture.open(3);
  assert.deepEqual(
    framesOf(socket.sent).map(({ kind }) => kind),
    ["syn_reply", "syn_reply"],
  );
  socket.come(data(1, bytesOf("to ")), data(3, bytesOf("to three")), data(1, bytesOf("one"), 1));
  assert.equal(await textOf(streams[0]!.readable), "to one");
  await streams[1]!.write(bytesOf("from three"));
  await streams[1]!.end();
  assert.equal(dataOf(socket.sent, 3), "from three");
  assert.equal(streams[0]!.headers.get("name"), "1");
});

Deno.test("SpdyConnection reads many frames of one chunk, and one frame of many", async () => {
  await using fixture = new Fixture();
  const { socket, client, streams } = fixture;
  const all = Buffer.concat([
    await client.open(1, { headers: { a: "b" } }),
    await client.more(1, { more: "headers" }),
    await client.open(3, { headers: { a: "c" } }),
    data(3, bytesOf("text"), FLAGS.fin),
  ]);
  for (const byte of all) socket.come(Uint8Array.of(byte));
  await until(() => streams.length === 2);
  assert.equal(streams[1]!.headers.get("a"), "c");
  assert.equal(await textOf(streams[1]!.readable), "text");
});

Deno.test("SpdyConnection refuses a stream that nobody wants", async () => {
  await using fixture = new Fixture();
  await fixture.open(1, { refused: true });
  assert.deepEqual(framesOf(fixture.socket.sent), [
    { kind: "rst_stream", streamId: 1, status: 3 },
  ]);
  await fixture.open(3);
  assert.equal(framesOf(fixture.socket.sent)[1]!.kind, "syn_reply");
});

Deno.test("SpdyConnection refuses ids that are even, or do not grow", async () => {
  await using fixture = new Fixture();
  await fixture.open(5);
  await fixture.open(6);
  await fixture.open(5);
  await fixture.open(3);
  assert.deepEqual(framesOf(fixture.socket.sent).slice(1), [
    { kind: "rst_stream", streamId: 6, status: 1 },
    { kind: "rst_stream", streamId: 5, status: 1 },
    { kind: "rst_stream", streamId: 3, status: 1 },
  ]);
  assert.equal(fixture.streams.length, 1);
});

Deno.test("SpdyConnection takes STREAMS_MAX streams at once, and others when some have ended", async () => {
  await using fixture = new Fixture();
  const { socket, streams } = fixture;
  let id = 1;
  for (; id < 2 * STREAMS_MAX; id += 2) {
    socket.come(await fixture.client.open(id, { headers: { name: "" } }));
  }
  await until(() => streams.length === STREAMS_MAX);
  await fixture.open(id);
  assert.deepEqual(framesOf(socket.sent).at(-1), {
    ...{ kind: "rst_stream", streamId: id, status: 3 },
  });
  socket.come(reset(1), data(3, bytesOf(""), FLAGS.fin));
  await until(() => streams[0]!.closed.aborted);
  await streams[1]!.end();
  for (const more of [2, 4]) {
    await fixture.open(id + more);
    assert.equal(framesOf([socket.sent.at(-1)!])[0]!.kind, "syn_reply");
  }
});

Deno.test("SpdyConnection reads nothing more while a stream is full", async () => {
  await using fixture = new Fixture();
  const { socket, streams } = fixture;
  await fixture.open(1);
  await fixture.open(3);
  const taken = socket.taken;
  const piece = data(1, new Uint8Array(STREAM_BUFFER_BYTES_MAX / 2));
  socket.come(piece, piece, data(3, bytesOf("behind"), FLAGS.fin));
  await until(() => socket.taken === taken + 2);
  const reader = streams[0]!.readable.getReader();
  const behind = textOf(streams[1]!.readable);
  assert.equal(socket.taken, taken + 2, "it was read on");
  await reader.read();
  assert.equal(await behind, "behind");
  await reader.cancel();
});

Deno.test("SpdyConnection reads nothing more while its streams are full together", async () => {
  await using fixture = new Fixture();
  const { socket } = fixture;
  const bytes = STREAM_BUFFER_BYTES_MAX / 2;
  const count = CONNECTION_BUFFER_BYTES_MAX / bytes;
  for (let index = 0; index < count; index++) await fixture.open(1 + 2 * index);
  const taken = socket.taken;
  for (let index = 0; index < count; index++) {
    socket.come(data(1 + 2 * index, new Uint8Array(bytes)));
  }
  socket.come(ping(7));
  await until(() => socket.taken === taken + count);
  assert.notEqual(framesOf([socket.sent.at(-1)!])[0]!.kind, "ping");
  await fixture.streams[0]!.readable.cancel();
  await until(() => framesOf([socket.sent.at(-1)!])[0]!.kind === "ping");
});

Deno.test("SpdyConnection fails the streams when the peer goes", async () => {
  await using fixture = new Fixture();
  await fixture.open(1);
  const [stream] = fixture.streams;
  const read = textOf(stream!.readable);
  fixture.socket.go();
  await assert.rejects(read, ClosedError);
  await assert.rejects(stream!.write(bytesOf("x")), ClosedError);
  assert.ok(stream!.closed.aborted);
  await fixture.running;
});

Deno.test("SpdyConnection ends a stream that the peer resets", async () => {
  await using fixture = new Fixture();
  await fixture.open(1);
  const [stream] = fixture.streams;
  fixture.socket.come(reset(1), data(1, bytesOf("late")), reset(99));
  await assert.rejects(textOf(stream!.readable), /reset/);
  await assert.rejects(stream!.write(bytesOf("x")), ClosedError);
  await fixture.open(3);
});

Deno.test("SpdyConnection answers a peer's pings, and not the answers to its own", async () => {
  await using fixture = new Fixture();
  fixture.socket.come(ping(2), ping(1), ping(3));
  await until(() => fixture.socket.sent.length === 2);
  assert.deepEqual(framesOf(fixture.socket.sent), [{ kind: "ping", id: 1 }, {
    kind: "ping",
    id: 3,
  }]);
});

Deno.test("SpdyConnection pings its peer, and closes when that is silent", async () => {
  await using fixture = new Fixture({ pingMs: 5, idleMs: 50 });
  await fixture.running;
  const frames = framesOf(fixture.socket.sent);
  assert.deepEqual(frames[0], { kind: "ping", id: 2 });
  assert.deepEqual(frames.at(-1), { kind: "goaway", lastStreamId: 0, status: 0 });
});

Deno.test("SpdyConnection closes when a peer that leaves has no stream any more", async () => {
  await using fixture = new Fixture();
  await fixture.open(1);
  fixture.socket.come(goaway(), data(1, bytesOf("last"), FLAGS.fin));
  assert.equal(await textOf(fixture.streams[0]!.readable), "last");
  await fixture.streams[0]!.end();
  fixture.socket.come(ping(1));
  await fixture.running;
});

/** What a peer may say, and nothing comes of it. */
const IGNORED: readonly [string, Uint8Array][] = [
  ["SETTINGS", control(4, { payload: [0, 0, 0, 0] })],
  ["WINDOW_UPDATE", control(9, { payload: [0, 0, 0, 1, 0, 0, 1, 0] })],
  ["an unknown frame", control(77, { payload: [1, 2, 3] })],
  ["data of no stream", data(99, bytesOf("x"))],
];

for (const [name, frame] of IGNORED) {
  Deno.test(`SpdyConnection goes on after ${name}`, async () => {
    await using fixture = new Fixture();
    fixture.socket.come(frame);
    await fixture.open(1);
    assert.deepEqual(framesOf(fixture.socket.sent).map(({ kind }) => kind), ["syn_reply"]);
  });
}

/** What ends a connection. */
const WRONG: readonly [string, Uint8Array][] = [
  ["another version", Uint8Array.of(0x80, 2, 0, 1, 0, 0, 0, 0)],
  ["headers that are not compressed", control(1, { payload: [0, 0, 0, 1, ...Array(20).fill(9)] })],
  ["headers that are missing", control(1, { payload: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0] })],
];

for (const [name, frame] of WRONG) {
  Deno.test(`SpdyConnection closes for ${name}`, async () => {
    await using fixture = new Fixture();
    fixture.socket.come(frame);
    await fixture.running;
    const last = framesOf(fixture.socket.sent).at(-1);
    assert.deepEqual(last, { kind: "goaway", lastStreamId: 0, status: 1 });
  });
}

Deno.test("SpdyStream.writable fails when the stream is reset, and ends it when it is closed", async () => {
  await using fixture = new Fixture();
  await fixture.open(1);
  await fixture.open(3);
  const [first, second] = fixture.streams;
  const writer = first!.writable.getWriter();
  await writer.write(bytesOf("text"));
  fixture.socket.come(reset(1));
  await assert.rejects(writer.closed, ClosedError);
  const other = second!.writable.getWriter();
  await other.write(bytesOf("text"));
  await other.close();
  assert.deepEqual(framesOf(fixture.socket.sent).at(-1), {
    ...{ kind: "data", streamId: 3, bytes: bytesOf(""), fin: true },
  });
  await assert.rejects(second!.write(bytesOf("late")), ClosedError);
});

Deno.test("SpdyConnection sends nothing on a stream that a peer opens for itself", async () => {
  await using fixture = new Fixture();
  await fixture.open(1, { flags: FLAGS.unidirectional });
  await assert.rejects(fixture.streams[0]!.write(bytesOf("x")), ClosedError);
  fixture.socket.come(data(1, bytesOf("text"), FLAGS.fin));
  assert.equal(await textOf(fixture.streams[0]!.readable), "text");
  assert.ok(fixture.streams[0]!.closed.aborted);
});

Deno.test("SpdyConnection counts no silence while a stream that is not read holds it up", async () => {
  await using fixture = new Fixture({ pingMs: 20, idleMs: 800 });
  const { socket, streams } = fixture;
  await fixture.open(1);
  socket.come(data(1, new Uint8Array(STREAM_BUFFER_BYTES_MAX)), ping(1));
  const pings = (): number => framesOf(socket.sent).filter(({ kind }) => kind === "ping").length;
  await until(() => pings() >= 60); // 1.2 s at least
  assert.equal(socket.closed.aborted, false);
  socket.come(data(1, bytesOf("last"), FLAGS.fin));
  assert.equal((await textOf(streams[0]!.readable)).length, STREAM_BUFFER_BYTES_MAX + 4);
  await fixture.running; // nobody holds it up any more, and the peer is silent
});
