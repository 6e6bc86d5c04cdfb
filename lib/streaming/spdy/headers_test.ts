import assert from "node:assert/strict";
import { constants, createInflate, deflateSync } from "node:zlib";
import { bytesOf } from "../_test_sockets.ts";
import { HEADER_BLOCK_BYTES_MAX, HEADERS_MAX } from "../limits.ts";
import { ProtocolError } from "../session.ts";
import { headerBlock, TestClient } from "./_test_client.ts";
import { HEADER_DICTIONARY, HEADER_DICTIONARY_ID } from "./dictionary.ts";
import { EmptyHeaderBlocks, HeaderInflater, parseHeaders } from "./headers.ts";

/** The first two blocks of a connection of client-go, as they came over the network. */
const CLIENT_GO = [
  "78f9e3c6a7c2 6260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff",
  "c22e555c92929907000000ffff",
];

/** RFC 1950, section 8. */
function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) [a, b] = [(a + byte) % 65_521, (b + a + byte) % 65_521];
  return b * 0x10000 + a;
}

async function inflateAll(blocks: readonly Uint8Array[]): Promise<Map<string, string>[]> {
  const inflater = new HeaderInflater();
  const headers: Map<string, string>[] = [];
  try {
    for (const block of blocks) headers.push(new Map(parseHeaders(await inflater.inflate(block))));
  } finally {
    inflater.close();
  }
  return headers;
}

Deno.test("HEADER_DICTIONARY is the one of SPDY/3", () => {
  assert.equal(HEADER_DICTIONARY.length, 1_423);
  assert.equal(adler32(HEADER_DICTIONARY), HEADER_DICTIONARY_ID);
});

Deno.test("HeaderInflater reads what client-go sends, one block after the other", async () => {
  const blocks = CLIENT_GO.map((block) => bytesOf(block, "hex"));
  assert.deepEqual(await inflateAll(blocks), [
    new Map([["streamtype", "error"]]),
    new Map([["streamtype", "stdin"]]),
  ]);
});

Deno.test("HeaderInflater stops at a block that is too long", async () => {
  using client = new TestClient();
  const inflater = new HeaderInflater();
  const bomb = await client.block({ a: "x".repeat(100 * HEADER_BLOCK_BYTES_MAX) });
  assert.ok(bomb.length < 10_000, "the bomb is too large for a frame");
  await assert.rejects(inflater.inflate(bomb), (error: Error) => {
    assert.ok(error instanceof ProtocolError);
    assert.match(error.message, /longer than 16384 bytes/);
    return true;
  });
  await assert.rejects(inflater.inflate(await client.block({})), /an earlier block was broken/);
});

Deno.test("HeaderInflater refuses what is not compressed, and another dictionary", async () => {
  await assert.rejects(inflateAll([bytesOf("no zlib")]), ProtocolError);
  const other = deflateSync(bytesOf("text"), { dictionary: bytesOf("another dictionary") });
  await assert.rejects(inflateAll([new Uint8Array(other)]), ProtocolError);
});

Deno.test("HeaderInflater refuses what comes behind the end of the stream", async () => {
  const whole = deflateSync(headerBlock({ a: "1" }), { dictionary: HEADER_DICTIONARY });
  await assert.rejects(inflateAll([new Uint8Array(whole), bytesOf("more")]), ProtocolError);
});

Deno.test("HeaderInflater.close() fails the block that is being inflated", async () => {
  const inflater = new HeaderInflater();
  const inflating = inflater.inflate(bytesOf(CLIENT_GO[0]!, "hex"));
  inflater.close();
  await assert.rejects(inflating, /the connection is closed/);
  inflater.close();
});

Deno.test("EmptyHeaderBlocks makes blocks of a zlib stream, each with no header", async () => {
  const inflate = createInflate({ dictionary: HEADER_DICTIONARY, flush: constants.Z_SYNC_FLUSH });
  const pieces: Uint8Array[] = [];
  inflate.on("data", (piece: Uint8Array) => pieces.push(piece));
  const blocks = new EmptyHeaderBlocks();
  for (let index = 0; index < 3; index++) {
    await new Promise<void>((resolve) => inflate.write(blocks.next(), () => resolve()));
    assert.deepEqual(Buffer.concat(pieces.splice(0)), Buffer.of(0, 0, 0, 0));
  }
  inflate.close();
});

Deno.test("parseHeaders() reads names and values", () => {
  const headers = { streamtype: "data", port: "8080", requestid: "", empty: "" };
  assert.deepEqual([...parseHeaders(headerBlock(headers))], Object.entries(headers));
});

/** What is wrong with a block, and how it is told. */
const WRONG: readonly [string, Uint8Array, RegExp][] = [
  ["nothing at all", bytesOf(""), /too short/],
  ["a missing value", bytesOf("00000001 00000001 61", "hex"), /too short/],
  ["a length beyond the block", bytesOf("00000001 ffffffff 61", "hex"), /too short/],
  ["something behind", Uint8Array.of(...headerBlock({ a: "1" }), 0), /too long/],
  ["a name in upper case", headerBlock({ Port: "1" }), /"Port": names are in lower case/],
  ["no name", headerBlock({ "": "1" }), /"": names/],
  [
    "a name that comes twice",
    bytesOf("00000002 00000001 61 00000000 00000001 61 00000000", "hex"),
    /"a": names .* come once/,
  ],
  [
    "too many",
    headerBlock(
      Object.fromEntries(Array.from({ length: HEADERS_MAX + 1 }, (_, at) => [`a${at}`, ""])),
    ),
    /65 are more than 64/,
  ],
];

for (const [name, block, message] of WRONG) {
  Deno.test(`parseHeaders() refuses ${name}`, () => {
    assert.throws(() => parseHeaders(block), message);
  });
}
