import assert from "node:assert/strict";
import fc from "fast-check";
import { OUTPUT_BYTES_MAX, WORD_BYTES_MAX } from "./limits.ts";
import { encodeLine, encodeOutputHead, type Word } from "./protocol.ts";
import { WordReader } from "./word_reader.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All words, outputs of one stream that follow each other joined. */
function read(chunks: Iterable<Uint8Array>): unknown[] {
  const reader = new WordReader();
  const words: unknown[] = [];
  let text = "";
  const flush = (): void => {
    if (text !== "") words.push(text);
    text = "";
  };
  for (const chunk of chunks) {
    for (const word of reader.feed(chunk)) {
      if (word.word === "output") text += new TextDecoder().decode(word.bytes);
      else {
        flush();
        words.push(word);
      }
    }
  }
  flush();
  return words;
}

const STARTED: Word = { word: "started" };
const SAID = [
  encodeLine(STARTED),
  encodeOutputHead("stdout", 8),
  encode("a\n{}\nb\nc"),
  encodeOutputHead("stderr", 0),
  encode("no word\n"),
  encodeLine(STARTED),
];

Deno.test("WordReader.feed() reads the same words, however the bytes come", () => {
  const all = Uint8Array.from(SAID.flatMap((piece) => [...piece]));
  const expected = [STARTED, "a\n{}\nb\nc", STARTED];
  assert.deepEqual(read([all]), expected);
  fc.assert(fc.property(fc.array(fc.nat(all.length)), (cuts) => {
    const places = [0, ...cuts.toSorted((a, b) => a - b), all.length];
    assert.deepEqual(read(places.slice(1).map((to, i) => all.subarray(places[i], to))), expected);
  }));
});

Deno.test("WordReader.feed() passes over lines that are too long, and outputs that would be", () => {
  const long = encode(`{"word":"started","pad":"${"x".repeat(WORD_BYTES_MAX)}"}\n`);
  const huge = encodeOutputHead("stdout", OUTPUT_BYTES_MAX + 1);
  assert.deepEqual(read([long, huge, encodeLine(STARTED)]), [STARTED]);
});
