/** Compressed header blocks: a stream of up to three, one leaning on the other. */
import assert from "node:assert/strict";
import { Random } from "../../fuzz/random.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf, SEED } from "../../fuzz/settings.ts";
import { HEADER_BLOCK_BYTES_MAX } from "../limits.ts";
import { ProtocolError } from "../session.ts";
import { headerBlock, TestClient } from "../spdy/_test_client.ts";
import { HeaderInflater } from "../spdy/headers.ts";
import { change } from "./changes.ts";
import { makeHeaders } from "./header_cases.ts";

const CASES = casesOf(1_000);
/** A compressor costs more than a case: so many streams are written before, and all cases share them. */
const STREAMS = 200;

interface Block {
  readonly written: Uint8Array;
  readonly means: Uint8Array;
}

/** Few are too long; some have blocks of which zlib makes two pieces. */
function lengthOf(index: number): number {
  if (index % 50 === 0) return 2 * HEADER_BLOCK_BYTES_MAX;
  return index % 10 === 0 ? Math.floor(0.75 * HEADER_BLOCK_BYTES_MAX) : 0;
}

async function writeStreams(): Promise<Block[][]> {
  const random = new Random(SEED);
  const streams: Block[][] = [];
  for (let index = 0; index < STREAMS; index++) {
    using client = new TestClient();
    const long = lengthOf(index) === 0 ? {} : { long: "x".repeat(lengthOf(index)) };
    const blocks: Block[] = [];
    for (let left = 1 + random.below(3); left > 0; left--) {
      const headers = { ...makeHeaders(random), ...long };
      blocks.push({ written: await client.block(headers), means: headerBlock(headers) });
    }
    streams.push(blocks);
  }
  return streams;
}

Deno.test(`HeaderInflater ends with the right bytes or an error, ${CASES} times`, async () => {
  const streams = await writeStreams();
  const tally = await runCases("inflated blocks", CASES, async (random) => {
    const inflater = new HeaderInflater();
    let changes = 0;
    try {
      for (const { written, means } of random.of(streams)) {
        const { bytes: block, count } = change(random, written);
        changes += count;
        const bytes = await inflater.inflate(block);
        assert.ok(bytes.length <= HEADER_BLOCK_BYTES_MAX);
        if (changes === 0) assert.deepEqual(bytes, means);
      }
      return changes === 0 ? "right" : "inflated";
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
      if (changes === 0) assert.match(error.message, /longer than/);
      return changes === 0 ? "too long" : "refused";
    } finally {
      inflater.close();
    }
  });
  assertAllSaid(tally, ["right", "inflated", "refused"]);
});
