import assert from "node:assert/strict";
import { bytesOf, FakeSocket, textOf, until } from "../_test_sockets.ts";
import { STREAM_BUFFER_BYTES_MAX } from "../limits.ts";
import { ClosedError, type CommandStreams } from "../session.ts";
import { BASE64, BINARY } from "./codec.ts";
import { commandOverChannels } from "./remote_command.ts";

const ALL: CommandStreams = { stdin: true, stdout: true, stderr: true, tty: false };

Deno.test("commandOverChannels() says that it is there, on the first channel that can be written", () => {
  const firsts: readonly [Partial<CommandStreams>, number][] = [
    [{}, 1],
    [{ stdout: false }, 2],
    [{ stdout: false, stderr: false }, 3],
  ];
  for (const [streams, channel] of firsts) {
    const socket = new FakeSocket();
    commandOverChannels(socket, { codec: BINARY, version: 5, streams: { ...ALL, ...streams } });
    assert.deepEqual(socket.sent, [Uint8Array.of(channel)]);
    socket.go();
  }
});

Deno.test("commandOverChannels() carries all streams, and tells the exit code", async () => {
  const socket = new FakeSocket();
  const session = commandOverChannels(socket, { codec: BINARY, version: 5, streams: ALL });
  socket.come(bytesOf("\x00typed "), bytesOf("\x00in"), Uint8Array.of(255, 0), bytesOf("\x00late"));
  assert.equal(await textOf(session.stdin), "typed in");
  await session.stdout!.write(bytesOf("said"));
  await session.stderr!.write(bytesOf("complained"));
  await session.exit({ kind: "exited", code: 3 });
  const [, said, complained, status] = socket.sent as Uint8Array[];
  assert.deepEqual(said, bytesOf("\x01said"));
  assert.deepEqual(complained, bytesOf("\x02complained"));
  assert.equal(status![0], 3);
  const { details } = JSON.parse(new TextDecoder().decode(status!.subarray(1)));
  assert.deepEqual(details.causes, [{ reason: "ExitCode", message: "3" }]);
  assert.equal(socket.closeCode, 1000);
});

Deno.test("commandOverChannels() has Base64 for clients without bytes", async () => {
  const socket = new FakeSocket();
  const session = commandOverChannels(socket, { codec: BASE64, version: 4, streams: ALL });
  socket.come(bytesOf("0dGV4dA=="));
  const reader = session.stdin!.getReader();
  assert.deepEqual((await reader.read()).value, bytesOf("text"));
  await session.stdout!.write(bytesOf("text"));
  await session.exit({ kind: "exited", code: 0 });
  assert.deepEqual(socket.sent.slice(0, 2), ["1", "1dGV4dA=="]);
  assert.equal(socket.sent.length, 3);
  await assert.rejects(reader.closed, ClosedError);
});

Deno.test("commandOverChannels() has no words of a success before the fourth version", async () => {
  const socket = new FakeSocket();
  const session = commandOverChannels(socket, { codec: BINARY, version: 1, streams: ALL });
  await session.exit({ kind: "exited", code: 0 });
  assert.equal(socket.sent.length, 1);
});

Deno.test("commandOverChannels() passes a terminal's sizes on", async () => {
  const socket = new FakeSocket();
  const session = commandOverChannels(socket, { codec: BINARY, version: 5, streams: ALL });
  socket.come(bytesOf('\x04{"Width":80,"Height":24}\n'));
  const sizes = session.resizes[Symbol.asyncIterator]();
  assert.deepEqual((await sizes.next()).value, { width: 80, height: 24 });
  socket.come(Uint8Array.of(255, 4));
  assert.equal((await sizes.next()).done, true);
  socket.go();
});

Deno.test("commandOverChannels() throws away what belongs to no channel", async () => {
  const socket = new FakeSocket();
  const streams = { ...ALL, stdin: false };
  const session = commandOverChannels(socket, { codec: BINARY, version: 4, streams });
  const wrong = ["", "\x00typed", "\x01said", "\x03status", "\x05x"].map((text) => bytesOf(text));
  socket.come(...wrong, Uint8Array.of(255, 0), Uint8Array.of(200));
  await until(() => socket.taken === wrong.length + 2);
  assert.equal(session.closed.aborted, false);
  assert.equal(session.stdin, undefined);
  await session.exit({ kind: "exited", code: 0 });
});

for (const signal of [[255], [255, 5], [255, 0, 0]]) {
  Deno.test(`commandOverChannels() closes for the signal ${signal}`, async () => {
    const socket = new FakeSocket();
    const session = commandOverChannels(socket, { codec: BINARY, version: 5, streams: ALL });
    const read = textOf(session.stdin);
    socket.come(Uint8Array.from(signal));
    await assert.rejects(read, ClosedError);
    await until(() => socket.closed.aborted);
    assert.equal(socket.closeCode, 1002);
  });
}

Deno.test("commandOverChannels() reads nothing more while stdin is not read", async () => {
  const socket = new FakeSocket();
  const session = commandOverChannels(socket, { codec: BINARY, version: 5, streams: ALL });
  const half = new Uint8Array(1 + STREAM_BUFFER_BYTES_MAX / 2);
  socket.come(half, half, bytesOf("\x00more"), Uint8Array.of(255, 0));
  await until(() => socket.taken === 2);
  // Enough turns for whoever would read on.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve));
  assert.equal(socket.taken, 2);
  assert.equal((await textOf(session.stdin)).length, STREAM_BUFFER_BYTES_MAX + 4);
  socket.go();
});

Deno.test("commandOverChannels() fails whoever reads or writes when the peer goes", async () => {
  const socket = new FakeSocket();
  const session = commandOverChannels(socket, { codec: BINARY, version: 5, streams: ALL });
  const read = textOf(session.stdin);
  const sizes = Array.fromAsync(session.resizes);
  socket.go();
  await assert.rejects(read, ClosedError);
  await assert.rejects(session.stdout!.write(bytesOf("x")), ClosedError);
  assert.deepEqual(await sizes, []);
  assert.ok(session.closed.aborted);
  await session.exit({ kind: "exited", code: 0 });
});
