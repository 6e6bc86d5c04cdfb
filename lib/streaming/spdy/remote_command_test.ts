import assert from "node:assert/strict";
import { bytesOf, FakeSocket, textOf, until } from "../_test_sockets.ts";
import { STREAM_BUFFER_BYTES_MAX, STREAMING_TIMES } from "../limits.ts";
import { ClosedError, type CommandStreams, ProtocolError } from "../session.ts";
import { data, dataOf, FLAGS, framesOf, TestClient } from "./_test_client.ts";
import { commandOverSpdy } from "./remote_command.ts";

const ALL: CommandStreams = { stdin: true, stdout: true, stderr: true, tty: false };
const TERMINAL: CommandStreams = { stdin: true, stdout: true, stderr: false, tty: true };
/** Streams as client-go opens them. */
const [ERROR, STDIN, STDOUT, STDERR] = [1, 3, 5, 7];

async function open(
  socket: FakeSocket,
  { client, types }: { client: TestClient; types: readonly string[] },
): Promise<void> {
  for (const [index, streamtype] of types.entries()) {
    socket.come(await client.open(1 + 2 * index, { headers: { streamtype } }));
  }
}

Deno.test("commandOverSpdy() gives the streams that were asked for, and tells the exit code", async () => {
  const socket = new FakeSocket();
  using client = new TestClient();
  const opening = commandOverSpdy(socket, { version: 4, streams: ALL, times: STREAMING_TIMES });
  await open(socket, { client, types: ["error", "stdin", "stdout", "stderr"] });
  const session = await opening;
  socket.come(data(STDIN!, bytesOf("typed"), FLAGS.fin));
  assert.equal(await textOf(session.stdin), "typed");
  await session.stdout!.write(bytesOf("said"));
  await session.stderr!.write(bytesOf("complained"));
  const exited = session.exit({ kind: "exited", code: 3 });
  const ended = (): number[] =>
    framesOf(socket.sent).flatMap((frame) =>
      frame.kind === "data" && frame.fin ? [frame.streamId] : []
    );
  await until(() => ended().length === 3);
  assert.equal(session.closed.aborted, false, "it was closed before the peer has read everything");
  socket.go();
  await exited;
  assert.equal(dataOf(socket.sent, STDOUT!), "said");
  assert.equal(dataOf(socket.sent, STDERR!), "complained");
  const status = JSON.parse(dataOf(socket.sent, ERROR!));
  assert.deepEqual(status.details.causes, [{ reason: "ExitCode", message: "3" }]);
  assert.deepEqual(ended(), [STDOUT, STDERR, ERROR]);
});

Deno.test("commandOverSpdy() takes the rest of the input when the command has ended", async () => {
  const socket = new FakeSocket();
  using client = new TestClient();
  const opening = commandOverSpdy(socket, { version: 4, streams: ALL, times: STREAMING_TIMES });
  await open(socket, { client, types: ["error", "stdin", "stdout", "stderr"] });
  const session = await opening;
  const before = socket.taken;
  const piece = data(STDIN!, new Uint8Array(STREAM_BUFFER_BYTES_MAX));
  socket.come(piece, piece, piece);
  await until(() => socket.taken === before + 1);
  const exited = session.exit({ kind: "exited", code: 0 });
  await until(() => socket.taken === before + 3);
  socket.go();
  await exited;
});

Deno.test("commandOverSpdy() is not held up by input on a stream for output", async () => {
  const socket = new FakeSocket();
  using client = new TestClient();
  const opening = commandOverSpdy(socket, { version: 4, streams: ALL, times: STREAMING_TIMES });
  await open(socket, { client, types: ["error", "stdin", "stdout", "stderr"] });
  const session = await opening;
  socket.come(data(STDOUT!, new Uint8Array(STREAM_BUFFER_BYTES_MAX)));
  socket.come(data(STDIN!, bytesOf("typed"), FLAGS.fin));
  assert.equal(await textOf(session.stdin), "typed");
  socket.go();
});

Deno.test("commandOverSpdy() closes by itself when the peer does not", async () => {
  const socket = new FakeSocket();
  using client = new TestClient();
  const times = { ...STREAMING_TIMES, lingerMs: 1 };
  const streams = { ...ALL, stdin: false, stderr: false };
  const opening = commandOverSpdy(socket, { version: 2, streams, times });
  await open(socket, { client, types: ["error", "stdout"] });
  const session = await opening;
  assert.equal(session.stdin, undefined);
  assert.equal(session.stderr, undefined);
  await session.exit({ kind: "failed", message: "no such program" });
  assert.equal(dataOf(socket.sent, 1), "Internal error occurred: no such program");
  assert.ok(session.closed.aborted);
});

Deno.test("commandOverSpdy() refuses streams that were not asked for, and second ones", async () => {
  const socket = new FakeSocket();
  using client = new TestClient();
  const streams = { ...ALL, stdin: false };
  const times = { ...STREAMING_TIMES, lingerMs: 1 };
  const opening = commandOverSpdy(socket, { version: 4, streams, times });
  await open(socket, {
    client,
    types: ["stdin", "error", "error", "resize", "", "stdout", "stderr"],
  });
  const session = await opening;
  assert.deepEqual(
    framesOf(socket.sent).map((frame) => frame.kind),
    ["rst_stream", "syn_reply", "rst_stream", "rst_stream", "rst_stream", "syn_reply", "syn_reply"],
  );
  await session.exit({ kind: "exited", code: 0 });
});

Deno.test("commandOverSpdy() waits for a terminal's sizes from the third version on", async () => {
  for (const version of [2, 3, 4]) {
    const socket = new FakeSocket();
    using client = new TestClient();
    const times = { ...STREAMING_TIMES, lingerMs: 1 };
    const opening = commandOverSpdy(socket, { version, streams: TERMINAL, times });
    const types = ["error", "stdin", "stdout", ...(version >= 3 ? ["resize"] : [])];
    await open(socket, { client, types });
    const session = await opening;
    socket.come(data(7, bytesOf('{"Width":80,"Height":24}\n'), FLAGS.fin));
    const sizes = Array.fromAsync(session.resizes);
    const wanted = version >= 3 ? [{ width: 80, height: 24 }] : [];
    await session.exit({ kind: "exited", code: 0 });
    assert.deepEqual(await sizes, wanted);
  }
});

Deno.test("commandOverSpdy() does not wait for streams for ever", async () => {
  const socket = new FakeSocket();
  const times = { ...STREAMING_TIMES, creationMs: 1 };
  const opening = commandOverSpdy(socket, { version: 4, streams: ALL, times });
  await assert.rejects(opening, ProtocolError);
  assert.ok(socket.closed.aborted);
});

Deno.test("commandOverSpdy() rejects if the peer goes before its streams are there", async () => {
  const socket = new FakeSocket();
  const opening = commandOverSpdy(socket, { version: 4, streams: ALL, times: STREAMING_TIMES });
  socket.go();
  await assert.rejects(opening, ClosedError);
});

Deno.test("commandOverSpdy() fails whoever reads or writes when the peer goes", async () => {
  const socket = new FakeSocket();
  using client = new TestClient();
  const opening = commandOverSpdy(socket, {
    version: 4,
    streams: TERMINAL,
    times: STREAMING_TIMES,
  });
  await open(socket, { client, types: ["error", "stdin", "stdout", "resize"] });
  const session = await opening;
  const read = textOf(session.stdin);
  const sizes = Array.fromAsync(session.resizes);
  socket.go();
  await assert.rejects(read, ClosedError);
  await assert.rejects(session.stdout!.write(bytesOf("x")), ClosedError);
  assert.deepEqual(await sizes, []);
  await session.exit({ kind: "exited", code: 0 });
});
