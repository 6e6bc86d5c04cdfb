import assert from "node:assert/strict";
import { bytesOf } from "../_test_sockets.ts";
import { CONTROL_FRAME_BYTES_MAX } from "../limits.ts";
import { ProtocolError } from "../session.ts";
import {
  dataFrame,
  type Frame,
  FrameReader,
  goawayFrame,
  pingFrame,
  rstStreamFrame,
  synReplyFrame,
} from "./frames.ts";

function read(...chunks: readonly Uint8Array[]): Frame[] {
  const reader = new FrameReader();
  return chunks.flatMap((chunk) => [...reader.read(chunk)]);
}

const hex = (text: string): Uint8Array => bytesOf(text, "hex");

/** Frames as the specification draws them. */
const FRAMES: readonly [string, string, Frame][] = [
  ["SYN_STREAM", "80030001 0000000c 00000003 00000000 e000 aabb", {
    ...{ kind: "syn_stream", streamId: 3, fin: false, unidirectional: false, block: hex("aabb") },
  }],
  ["SYN_STREAM with both flags", "80030001 0300000a 00000001 00000000 0000", {
    ...{ kind: "syn_stream", streamId: 1, fin: true, unidirectional: true, block: hex("") },
  }],
  ["SYN_REPLY", "80030002 00000005 00000001 aa", {
    ...{ kind: "syn_reply", streamId: 1, fin: false, block: hex("aa") },
  }],
  ["RST_STREAM", "80030003 00000008 00000007 00000005", {
    ...{ kind: "rst_stream", streamId: 7, status: 5 },
  }],
  ["SETTINGS", "80030004 0000000c 00000001 00000004 00000064", { kind: "ignored", type: 4 }],
  ["PING", "80030006 00000004 80000001", { kind: "ping", id: 0x80000001 }],
  ["GOAWAY", "80030007 00000008 80000009 00000001", {
    ...{ kind: "goaway", lastStreamId: 9, status: 1 },
  }],
  ["HEADERS", "80030008 01000005 00000001 aa", {
    ...{ kind: "headers", streamId: 1, fin: true, block: hex("aa") },
  }],
  ["WINDOW_UPDATE", "80030009 00000008 00000001 00010000", { kind: "ignored", type: 9 }],
  ["an unknown type, empty", "8003ffff 00000000", { kind: "ignored", type: 0xffff }],
  ["DATA", "00000005 00000002 6869", {
    ...{ kind: "data", streamId: 5, bytes: hex("6869"), fin: false },
  }],
  ["DATA that end a stream", "7fffffff 01000000", {
    ...{ kind: "data", streamId: 0x7fffffff, bytes: hex(""), fin: true },
  }],
];

for (const [name, bytes, wanted] of FRAMES) {
  Deno.test(`FrameReader reads ${name}`, () => {
    assert.deepEqual(read(hex(bytes)), [wanted]);
  });
}

Deno.test("FrameReader reads the same wherever the chunks are cut", () => {
  const all = hex(FRAMES.map(([, bytes]) => bytes).join(""));
  const wanted = FRAMES.map(([, , frame]) => frame);
  for (let at = 0; at <= all.length; at++) {
    assert.deepEqual(joined(read(all.subarray(0, at), all.subarray(at))), wanted);
  }
  assert.deepEqual(joined(read(...Array.from(all, (byte) => Uint8Array.of(byte)))), wanted);
});

/** Puts the pieces of data frames together. */
function joined(frames: readonly Frame[]): Frame[] {
  const all: Frame[] = [];
  for (const frame of frames) {
    const last = all.at(-1);
    if (frame.kind === "data" && last?.kind === "data" && last.streamId === frame.streamId) {
      const bytes = Uint8Array.from([...last.bytes, ...frame.bytes]);
      all[all.length - 1] = { ...frame, bytes };
    } else all.push(frame.kind === "data" ? { ...frame, bytes: frame.bytes.slice() } : frame);
  }
  return all;
}

Deno.test("FrameReader passes a data frame of 16 MiB on as it comes", () => {
  const reader = new FrameReader();
  assert.deepEqual([...reader.read(hex("00000001 01ffffff"))], []);
  const piece = new Uint8Array(0x10000);
  const frames = Array.from({ length: 0x100 }, (_, index) => {
    return [...reader.read(index < 0xff ? piece : piece.subarray(1))];
  }).flat() as (Frame & { kind: "data" })[];
  assert.equal(frames.length, 0x100);
  assert.equal(frames[0]!.bytes.buffer, piece.buffer, "the bytes were copied");
  assert.deepEqual(frames.map(({ fin }) => fin), frames.map((_, index) => index === 0xff));
});

/** What a peer may not say. */
const WRONG: readonly [string, string, RegExp][] = [
  ["another version", "80020001 0000000a", /version 2 is not SPDY\/3/],
  ["data of stream 0", "00000000 00000001", /its stream is 0/],
  ["a stream 0", "80030001 0000000a 00000000 00000000 0000", /its stream is 0/],
  ["a short SYN_STREAM", "80030001 00000009 00000001 00000000 00", /type 1: it is too short/],
  ["a short RST_STREAM", "80030003 00000004 00000001", /type 3: it is too short/],
  ["an empty PING", "80030006 00000000", /type 6: it is too short/],
  ["a short GOAWAY", "80030007 00000004 00000001", /type 7: it is too short/],
  ["a long control frame", "80030001 00008001", /32769 bytes are more than 32768/],
];

for (const [name, bytes, message] of WRONG) {
  Deno.test(`FrameReader refuses ${name}`, () => {
    assert.throws(() => read(hex(bytes)), (error: Error) => {
      assert.ok(error instanceof ProtocolError);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("FrameReader takes the longest control frame", () => {
  const frame = new Uint8Array(8 + CONTROL_FRAME_BYTES_MAX);
  frame.set(hex("80030001 00008000 00000001"));
  const [read1] = read(frame) as (Frame & { kind: "syn_stream" })[];
  assert.equal(read1!.block.length, CONTROL_FRAME_BYTES_MAX - 10);
});

Deno.test("frames are written as the specification draws them", () => {
  assert.deepEqual(dataFrame(5, hex("6869")), hex("00000005 00000002 6869"));
  assert.deepEqual(dataFrame(5, hex(""), true), hex("00000005 01000000"));
  assert.deepEqual(synReplyFrame(1, hex("aa")), hex("80030002 00000005 00000001 aa"));
  assert.deepEqual(rstStreamFrame(7, 3), hex("80030003 00000008 00000007 00000003"));
  assert.deepEqual(pingFrame(2), hex("80030006 00000004 00000002"));
  assert.deepEqual(goawayFrame(9, 1), hex("80030007 00000008 00000009 00000001"));
});
