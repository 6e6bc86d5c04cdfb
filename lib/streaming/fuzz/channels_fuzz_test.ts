import assert from "node:assert/strict";
import fc from "fast-check";
import { bytesOf, FakeSocket } from "../_test_sockets.ts";
import { BASE64, BINARY } from "../channels/codec.ts";
import { forwardOverChannels } from "../channels/port_forward.ts";
import { CHANNEL, CLOSE_SIGNAL, commandOverChannels } from "../channels/remote_command.ts";
import { ClosedError } from "../session.ts";
import { changed, changes, MemoryWatch, settings } from "./settings.ts";

const channel = fc.oneof(fc.nat(5), fc.nat(255));
const message = fc.record({ channel, bytes: fc.uint8Array({ maxLength: 20 }) });

const CODED = settings(2_000);
Deno.test(`codecs read what they write, and anything else without harm, ${CODED.numRuns} times`, () => {
  const memory = new MemoryWatch(CODED);
  fc.assert(
    fc.property(message, changes(fc), fc.boolean(), (message, changes, base64) => {
      memory.case();
      const codec = base64 ? BASE64 : BINARY;
      const sent = { ...message, channel: base64 ? message.channel % 64 : message.channel };
      const written = codec.encode(sent);
      const bytes = typeof written === "string" ? bytesOf(written) : written;
      const read = codec.decode(changed(bytes, changes));
      if (changes.length === 0) assert.deepEqual(read, sent);
      else if (read !== undefined) assert.ok(read.channel >= 0 && read.channel <= 255);
    }),
    CODED,
  );
  memory.finish("codecs");
});

/** Mostly messages that mean something. */
const said = fc.oneof(
  { weight: 6, arbitrary: message.map((sent) => BINARY.encode(sent) as Uint8Array) },
  {
    weight: 2,
    arbitrary: fc.record({
      channel: fc.oneof(fc.constant(CHANNEL.stdin), fc.nat(4), channel),
      more: fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 1 })),
    })
      .map(({ channel, more }) => Uint8Array.of(CLOSE_SIGNAL, channel, ...more)),
  },
  {
    weight: 1,
    arbitrary: fc.record({ width: fc.integer(), height: fc.nat(100) })
      .map((size) => bytesOf(`\x04${JSON.stringify(size)}`)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 10 }) },
);

/** What a command must be able to read of messages, and whether the WebSocket must be closed. */
function expected(
  messages: readonly Uint8Array[],
  version: number,
): { stdin: string; ended: boolean; broken: boolean } {
  let [stdin, ended] = ["", false];
  for (const bytes of messages) {
    if (version >= 5 && bytes[0] === CLOSE_SIGNAL) {
      if (bytes.length !== 2 || bytes[1]! > CHANNEL.resize) return { stdin, ended, broken: true };
      ended ||= bytes[1] === CHANNEL.stdin;
    } else if (bytes[0] === CHANNEL.stdin && !ended) stdin += bytes.subarray(1).toHex();
  }
  return { stdin, ended, broken: false };
}

const COMMANDS = settings(1_000);
Deno.test(`a command over channels gets what was sent for it, ${COMMANDS.numRuns} times`, async () => {
  const memory = new MemoryWatch(COMMANDS);
  let ends = 0;
  const cases = fc.record({
    messages: fc.array(said, { maxLength: 8, size: "max" }),
    version: fc.constantFrom(1, 4, 5),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ messages, version }) => {
      memory.case();
      const socket = new FakeSocket();
      const streams = { stdin: true, stdout: true, stderr: true, tty: true };
      const session = commandOverChannels(socket, { codec: BINARY, version, streams });
      const sizes = Array.fromAsync(session.resizes);
      socket.come(...messages);
      const wanted = expected(messages, version);
      let stdin = "";
      const read = (async (): Promise<string> => {
        for await (const bytes of session.stdin!) stdin += bytes.toHex();
        return "ended";
      })().catch((error) => {
        assert.ok(error instanceof ClosedError, String(error));
        return "failed";
      });
      socket.end();
      const how = await read;
      // What was not read yet is gone when a connection breaks: as much as one message.
      if (wanted.ended && !wanted.broken) {
        assert.equal(how, "ended");
        assert.equal(stdin, wanted.stdin);
        ends++;
      } else assert.ok(wanted.stdin.startsWith(stdin), `${stdin} is not of ${wanted.stdin}`);
      for (const { width, height } of await sizes) assert.ok(width <= 0xffff && height <= 0xffff);
      if (!socket.closed.aborted) {
        await new Promise((resolve) => socket.closed.addEventListener("abort", resolve));
      }
      assert.equal(socket.closeCode, wanted.broken ? 1002 : 1000);
      await session.exit({ kind: "exited", code: 0 });
    }),
    COMMANDS,
  );
  assert.ok(ends > COMMANDS.numRuns / 50, "few inputs ended");
  memory.finish("commands over channels");
});

const FORWARDS = settings(500, 10);
Deno.test(`ports over channels get what was sent for them, ${FORWARDS.numRuns} times`, async () => {
  const memory = new MemoryWatch(FORWARDS);
  await fc.assert(
    fc.asyncProperty(fc.array(said, { maxLength: 8, size: "max" }), async (messages) => {
      memory.case();
      const socket = new FakeSocket();
      const session = forwardOverChannels(socket, { codec: BINARY, ports: [80, 81] });
      socket.come(...messages);
      socket.end();
      let index = 0;
      for await (const client of session) {
        const channel = 2 * index++;
        const mine = messages.filter((bytes) => bytes[0] === channel && bytes.length > 0);
        const wanted = mine.map((bytes) => bytes.subarray(1).toHex()).join("");
        let read = "";
        try {
          for await (const bytes of client.data.readable) read += bytes.toHex();
          throw new Error("it has ended");
        } catch (error) {
          assert.ok(error instanceof ClosedError, String(error));
        }
        assert.ok(wanted.startsWith(read), `${read} is not of ${wanted}`);
        await client.end();
      }
      assert.equal(index, 2);
      assert.ok(socket.closed.aborted);
    }),
    FORWARDS,
  );
  memory.finish("ports over channels");
});
