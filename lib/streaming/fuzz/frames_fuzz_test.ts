import assert from "node:assert/strict";
import fc from "fast-check";
import { CONTROL_FRAME_BYTES_MAX, HEADER_BLOCK_BYTES_MAX } from "../limits.ts";
import { ProtocolError } from "../session.ts";
import { control, data, headerBlock, TestClient } from "../spdy/_test_client.ts";
import { type Frame, FrameReader } from "../spdy/frames.ts";
import { HeaderInflater, parseHeaders } from "../spdy/headers.ts";
import { changed, changes, cut, MemoryWatch, settings } from "./settings.ts";

const id = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 0x7fffffff }));
const places = fc.array(fc.nat(1_000), { maxLength: 4 });

/** A frame as the specification draws it. */
const frame = fc.oneof(
  fc.record({ id, bytes: fc.uint8Array({ maxLength: 40 }), fin: fc.nat(1) })
    .map(({ id, bytes, fin }) => data(id, bytes, fin)),
  fc.record({
    type: fc.constantFrom(1, 2, 3, 4, 6, 7, 8, 9, 10, 700),
    id,
    flags: fc.nat(3),
    rest: fc.uint8Array({ minLength: 6, maxLength: 40 }),
  }).map(({ type, id, flags, rest }) =>
    control(type, { flags, payload: [id >>> 24, id >>> 16, id >>> 8, id, ...rest] })
  ),
);

function tryRead(chunks: readonly Uint8Array[]): { frames: Frame[]; error?: ProtocolError } {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  try {
    for (const chunk of chunks) for (const read of reader.read(chunk)) frames.push(read);
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error));
    return { frames, error };
  }
  return { frames };
}

/** What was read, with the pieces of a stream's data put together. */
function withoutCuts(frames: readonly Frame[]): string {
  const texts: string[] = [];
  let open: { streamId: number; hex: string } | undefined;
  for (const read of frames) {
    if (read.kind === "data") {
      if (open?.streamId !== read.streamId) open = { streamId: read.streamId, hex: "" };
      open.hex += read.bytes.toHex();
      if (read.fin) open.hex += "|";
      const begun = texts.at(-1)?.startsWith(`data ${read.streamId} `);
      if (begun) texts.pop();
      texts.push(`data ${read.streamId} ${open.hex}`);
    } else {
      open = undefined;
      texts.push(JSON.stringify(read));
    }
  }
  return texts.join("\n");
}

const FRAMES = settings(2_000);
Deno.test(`FrameReader reads the same wherever it is cut, and holds no more than it may, ${FRAMES.numRuns} times`, () => {
  const memory = new MemoryWatch(FRAMES);
  const cases = fc.record({
    frames: fc.array(frame, { maxLength: 6, size: "max" }),
    changes: changes(fc),
    places,
  });
  let right = 0;
  fc.assert(
    fc.property(cases, ({ frames, changes, places }) => {
      memory.case();
      const bytes = changed(new Uint8Array(Buffer.concat(frames)), changes);
      const whole = tryRead([bytes]);
      const parts = tryRead(cut(bytes, places));
      assert.equal(withoutCuts(parts.frames), withoutCuts(whole.frames));
      assert.equal(parts.error?.message, whole.error?.message);
      if (changes.length === 0) {
        assert.equal(whole.error, undefined);
        assert.equal(whole.frames.length, frames.length);
        right++;
      }
      for (const read of whole.frames) {
        if ("block" in read) assert.ok(read.block.length <= CONTROL_FRAME_BYTES_MAX);
      }
    }),
    FRAMES,
  );
  assert.ok(right > FRAMES.numRuns / 20, "few cases were right");
  memory.finish("frames");
});

const text = fc.string({ maxLength: 12, unit: fc.constantFrom(..."abcz-09 \0") });
const headers = fc.dictionary(text.filter((name) => name !== ""), text, { maxKeys: 5 });

const BLOCKS = settings(2_000);
Deno.test(`parseHeaders() reads a block whole or not at all, ${BLOCKS.numRuns} times`, () => {
  const memory = new MemoryWatch(BLOCKS);
  let read = 0;
  fc.assert(
    fc.property(headers, changes(fc), (headers, changes) => {
      memory.case();
      const bytes = changed(headerBlock(headers), changes);
      let parsed: ReadonlyMap<string, string>;
      try {
        parsed = parseHeaders(bytes);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
        assert.notEqual(changes.length, 0);
        return;
      }
      read++;
      if (bytes.every((byte) => byte < 0x80)) assert.deepEqual(blockOf(parsed), bytes);
    }),
    BLOCKS,
  );
  assert.ok(read > BLOCKS.numRuns / 20, "few blocks were read");
  memory.finish("header blocks");
});

/** Like {@linkcode headerBlock}, but in the order of the map: objects put numbers first. */
function blockOf(headers: ReadonlyMap<string, string>): Uint8Array {
  const [empty] = [headerBlock({})];
  const entries = [...headers].map((entry) => headerBlock(Object.fromEntries([entry])).subarray(4));
  empty![3] = headers.size;
  return new Uint8Array(Buffer.concat([empty!, ...entries]));
}

const INFLATED = settings(300, 10);
Deno.test(`HeaderInflater ends with bytes or an error, whatever it is given, ${INFLATED.numRuns} times`, async () => {
  const memory = new MemoryWatch(INFLATED);
  let whole = 0;
  const cases = fc.record({
    blocks: fc.array(fc.record({ headers, changes: changes(fc) }), { maxLength: 3 }),
    long: fc.nat(50),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ blocks, long }) => {
      memory.case();
      using client = new TestClient();
      const inflater = new HeaderInflater();
      try {
        for (const { headers, changes } of blocks) {
          const more = long === 0 ? { long: "x".repeat(2 * HEADER_BLOCK_BYTES_MAX) } : {};
          const block = changed(await client.block({ ...headers, ...more }), changes);
          const bytes = await inflater.inflate(block);
          assert.ok(bytes.length <= HEADER_BLOCK_BYTES_MAX);
          whole++;
        }
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      } finally {
        inflater.close();
      }
    }),
    INFLATED,
  );
  assert.ok(whole > INFLATED.numRuns / 20, "few blocks were inflated");
  memory.finish("inflated blocks");
});
