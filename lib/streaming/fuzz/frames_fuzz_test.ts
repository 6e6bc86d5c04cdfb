/** Frames of SPDY and their header blocks, as bytes. */
import assert from "node:assert/strict";
import type { Random } from "../../fuzz/random.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";
import { CONTROL_FRAME_BYTES_MAX } from "../limits.ts";
import { ProtocolError } from "../session.ts";
import { control, data, headerBlock } from "../spdy/_test_client.ts";
import { type Frame, FrameReader } from "../spdy/frames.ts";
import { parseHeaders } from "../spdy/headers.ts";
import { change, cut, joined, makeBytes } from "./changes.ts";
import { makeHeaders } from "./header_cases.ts";

const CASES = casesOf(5_000);

interface Made {
  readonly bytes: Uint8Array;
  readonly means: Frame;
}

/** A frame as the specification draws it. */
function makeFrame(random: Random): Made {
  const id = random.once(2) ? 1 + random.below(9) : 1 + random.below(0x7fffffff);
  const flags = random.below(4);
  const fin = (flags & 1) !== 0;
  if (random.once(2)) {
    const bytes = makeBytes(random, 40);
    return { bytes: data(id, bytes, flags), means: { kind: "data", streamId: id, bytes, fin } };
  }
  const type = random.of([1, 2, 3, 4, 6, 7, 8, 9, 10, 700]);
  const rest = makeBytes(random, 40, 6);
  // The highest bit of an id means nothing.
  const first = random.once(4) ? id | 0x80000000 : id;
  const payload = [first >>> 24, first >>> 16, first >>> 8, first, ...rest];
  const bytes = control(type, { flags, payload });
  return { bytes, means: meaningOf({ type, id, flags, rest, word: first >>> 0 }) };
}

/** SPDY/3, sections 2.6.1 to 2.6.7. */
function meaningOf(
  { type, id, flags, rest, word }: {
    type: number;
    id: number;
    flags: number;
    rest: Uint8Array;
    word: number;
  },
): Frame {
  const fin = (flags & 1) !== 0;
  const status = ((rest[0]! * 256 + rest[1]!) * 256 + rest[2]!) * 256 + rest[3]!;
  switch (type) {
    case 1: {
      const unidirectional = (flags & 2) !== 0;
      return { kind: "syn_stream", streamId: id, fin, unidirectional, block: rest.slice(6) };
    }
    case 2:
    case 8:
      return { kind: type === 2 ? "syn_reply" : "headers", streamId: id, fin, block: rest };
    case 3:
      return { kind: "rst_stream", streamId: id, status };
    case 6:
      return { kind: "ping", id: word };
    case 7:
      return { kind: "goaway", lastStreamId: id, status };
    default:
      return { kind: "ignored", type };
  }
}

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

Deno.test(`FrameReader reads the same wherever it is cut, and holds no more than it may, ${CASES} times`, async () => {
  const tally = await runCases("frames", CASES, (random) => {
    const frames = random.list(0, 6, () => makeFrame(random));
    const { bytes, count } = change(
      random,
      joined(...frames.map(({ bytes }) => bytes)),
    );
    const whole = tryRead([bytes]);
    const parts = tryRead(cut(random, bytes));
    assert.equal(withoutCuts(parts.frames), withoutCuts(whole.frames));
    assert.equal(parts.error?.message, whole.error?.message);
    for (const read of whole.frames) {
      if ("block" in read) assert.ok(read.block.length <= CONTROL_FRAME_BYTES_MAX);
    }
    if (count === 0) {
      assert.equal(whole.error, undefined);
      assert.equal(withoutCuts(whole.frames), withoutCuts(frames.map(({ means }) => means)));
      return "right";
    }
    return whole.error === undefined ? "taken" : "refused";
  });
  assertAllSaid(tally, ["right", "taken", "refused"]);
});

Deno.test(`parseHeaders() reads a block whole or not at all, ${CASES} times`, async () => {
  const tally = await runCases("header blocks", CASES, (random) => {
    const headers = makeHeaders(random);
    const [again] = Object.entries(headers);
    if (again !== undefined && random.once(8)) {
      const twice = blockOf(new Map(Object.entries(headers)), [again]);
      assert.throws(() => parseHeaders(twice), ProtocolError);
      return "refused";
    }
    const { bytes, count } = change(random, headerBlock(headers));
    let parsed: ReadonlyMap<string, string>;
    try {
      parsed = parseHeaders(bytes);
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
      assert.notEqual(count, 0);
      return "refused";
    }
    if (count === 0) assert.deepEqual(Object.fromEntries(parsed), headers);
    if (bytes.every((byte) => byte < 0x80)) assert.deepEqual(blockOf(parsed), bytes);
    return "read";
  });
  assertAllSaid(tally, ["read", "refused"]);
});

/** Like {@linkcode headerBlock}, but in the order of the map: objects put numbers first. */
function blockOf(
  headers: ReadonlyMap<string, string>,
  more: readonly (readonly [string, string])[] = [],
): Uint8Array {
  const [empty] = [headerBlock({})];
  const all = [...headers, ...more];
  const entries = all.map((entry) => headerBlock(Object.fromEntries([entry])).subarray(4));
  empty![3] = all.length;
  return joined(empty!, ...entries);
}
