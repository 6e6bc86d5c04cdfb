import assert from "node:assert/strict";
import fc from "fast-check";
import { readText, splitLines } from "./body.ts";

function stream(chunks: readonly Uint8Array<ArrayBuffer>[]): ReadableStream<
  Uint8Array<ArrayBuffer>
> {
  return ReadableStream.from(chunks);
}

function cut(bytes: Uint8Array<ArrayBuffer>, at: readonly number[]): Uint8Array<ArrayBuffer>[] {
  const places = [0, ...at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.slice(places[i], end));
}

Deno.test("splitLines() finds the same lines wherever the bytes are cut", async () => {
  const line = fc.string({ unit: "binary", maxLength: 20 }).filter((s) => !s.includes("\n"));
  await fc.assert(fc.asyncProperty(
    fc.array(line),
    fc.array(fc.nat()),
    async (lines, at) => {
      const bytes = new TextEncoder().encode(lines.join("\n"));
      // What the encoder and decoder make of one line alone is what we want of it.
      const wanted = lines.map((s) => new TextDecoder().decode(new TextEncoder().encode(s)))
        .filter((s) => s !== "");
      assert.deepEqual(await Array.fromAsync(splitLines(stream(cut(bytes, at)), 1_000)), wanted);
    },
  ));
});

Deno.test("splitLines() refuses a line over the limit, and only that", async () => {
  const bytes = new TextEncoder().encode("aaaa\nbbbb\nccccc\n");
  const lines = splitLines(stream(cut(bytes, [2, 12])), 4);
  assert.equal((await lines.next()).value, "aaaa");
  assert.equal((await lines.next()).value, "bbbb");
  await assert.rejects(lines.next(), /a line is longer than 4 bytes/);
});

Deno.test("readText() joins chunks and refuses more than the limit", async () => {
  const bytes = new TextEncoder().encode("grün");
  assert.equal(await readText(stream(cut(bytes, [3])), 5), "grün");
  await assert.rejects(readText(stream(cut(bytes, [3])), 4), /longer than 4 bytes/);
  assert.equal(await readText(null, 0), "");
});
