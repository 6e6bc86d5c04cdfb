import assert from "node:assert/strict";
import fc from "fast-check";
import { CriLines } from "./cri_lines.ts";
import { LOG_BATCH_BYTES_MAX, LOG_LINE_BYTES_MAX } from "./limits.ts";

const TIME = "2026-01-31T23:59:59.000000001Z";

interface Line {
  readonly tag: string;
  readonly bytes: Uint8Array;
}

/** Writes the chunks, ends, and reads back what reached the sink. */
function format(chunks: readonly Uint8Array[]): { text: string; lines: Line[]; writes: number } {
  const written: Uint8Array[] = [];
  const sink = (bytes: Uint8Array) => void written.push(bytes.slice());
  const log = new CriLines({ stream: "stdout", sink, now: () => TIME });
  for (const chunk of chunks) log.write(chunk);
  log.end();
  const all = Uint8Array.from(written.flatMap((bytes) => [...bytes]));
  const headBytes = TIME.length + " stdout F ".length;
  const lines: Line[] = [];
  for (let at = 0; at < all.length;) {
    const end = all.indexOf(10, at);
    assert.notEqual(end, -1, "every line has its end");
    const tag = String.fromCharCode(all[at + headBytes - 2]!);
    lines.push({ tag, bytes: all.slice(at + headBytes, end) });
    at = end + 1;
  }
  return { text: new TextDecoder().decode(all), lines, writes: written.length };
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What a log reader prints: a part has no newline. */
function read(lines: readonly Line[]): number[] {
  return lines.flatMap(({ tag, bytes }) => tag === "F" ? [...bytes, 10] : [...bytes]);
}

Deno.test("CriLines writes one line of the CRI format per line of the guest", () => {
  const { text, writes } = format([bytesOf("one\n\ntwo\n")]);
  assert.equal(text, `${TIME} stdout F one\n${TIME} stdout F \n${TIME} stdout F two\n`);
  assert.equal(writes, 1);
});

Deno.test("CriLines holds an unfinished line until its end comes", () => {
  const { text } = format([bytesOf("a"), bytesOf("b"), bytesOf("c\nd\n")]);
  assert.equal(text, `${TIME} stdout F abc\n${TIME} stdout F d\n`);
});

Deno.test("CriLines writes an unfinished last line as a part when the guest ends", () => {
  assert.equal(format([bytesOf("bye")]).text, `${TIME} stdout P bye\n`);
});

Deno.test("CriLines splits a line only when it is longer than the maximum", () => {
  const exact = new Uint8Array(LOG_LINE_BYTES_MAX).fill(97);
  const newline = bytesOf("\n");
  assert.deepEqual(format([exact, newline]).lines.map(({ tag }) => tag), ["F"]);
  const over = format([exact, bytesOf("b\n")]).lines;
  assert.deepEqual(over.map(({ tag, bytes }) => [tag, bytes.length]), [
    ["P", LOG_LINE_BYTES_MAX],
    ["F", 1],
  ]);
});

Deno.test("CriLines hands over huge writes in batches of bounded size", () => {
  const sizes: number[] = [];
  const sink = (bytes: Uint8Array) => void sizes.push(bytes.length);
  const log = new CriLines({ stream: "stderr", sink, now: () => TIME });
  log.write(new Uint8Array(100_000).fill(10));
  assert.ok(sizes.length > 1);
  assert.ok(Math.max(...sizes) <= LOG_BATCH_BYTES_MAX);
});

Deno.test("CriLines loses and adds no byte, however the guest cuts its output", () => {
  const chunk = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(bytesOf("\n"), bytesOf("x\n"), Uint8Array.of(0xff, 0, 13, 10)),
    fc.integer({ min: LOG_LINE_BYTES_MAX - 2, max: 2 * LOG_LINE_BYTES_MAX + 2 })
      .map((size) => new Uint8Array(size).fill(97)),
  );
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 12 }), (chunks) => {
      const { lines } = format(chunks);
      assert.deepEqual(read(lines), chunks.flatMap((bytes) => [...bytes]));
      assert.ok(lines.every(({ bytes }) => bytes.length <= LOG_LINE_BYTES_MAX));
    }),
    { numRuns: 60 },
  );
});
