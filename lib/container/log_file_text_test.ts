import assert from "node:assert/strict";
import fc from "fast-check";
import { endsLine, LogText, type LogTextOptions } from "./log_file_text.ts";

const T1 = "2024-05-01T10:00:00.000000001Z";
const T2 = "2024-05-01T10:00:01Z";

function show(records: string, options?: LogTextOptions): string {
  return decode(new LogText(options).feed(encode(records)));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("LogText.feed() shows the text of both streams and joins partial records", () => {
  const records = `${T1} stdout F one\n${T1} stderr P tw\n${T2} stderr F o\n${T2} stdout F \n`;
  assert.equal(show(records), "one\ntwo\n\n");
  assert.equal(show(records, { timestamps: true }), `${T1} one\n${T1} two\n${T2} \n`);
});

Deno.test("LogText.feed() takes an empty text without its space, and further tags", () => {
  assert.equal(show(`${T1} stdout F\n${T1} stdout F:x a b \n`), "\na b \n");
  assert.equal(show(`${T1} stdout F\n`, { timestamps: true }), `${T1} \n`);
});

Deno.test("LogText.feed() leaves out lines from before, as whole lines", () => {
  const records = `${T1} stdout P a\n${T2} stdout F b\n${T2} stdout F c\n`;
  assert.equal(show(records, { sinceMs: Date.parse(T2) }), "c\n");
  assert.equal(show(records, { sinceMs: Date.parse(T1) }), "ab\nc\n");
});

Deno.test("LogText.feed() leaves out the other stream", () => {
  const records = `${T1} stdout P a\n${T1} stderr F x\n${T2} stdout F b\n${T2} stderr F y\n`;
  assert.equal(show(records, { stream: "stdout" }), "ab\n");
  assert.equal(show(records, { stream: "stderr", timestamps: true }), `${T1} x\n${T2} y\n`);
});

Deno.test("LogText.feed() leaves out what is no record", () => {
  const garbage = `\n \nx\n${"y".repeat(1_000)}\nnot-a-time stdout F a\n${T1} stdin F b\n`;
  assert.equal(show(`${garbage}${T1} stdout F ok\n${T1} std`), "ok\n");
});

Deno.test("LogText.nextFile() gives up the torn record", () => {
  const text = new LogText();
  assert.equal(decode(text.feed(encode(`${T1} stdout F half a li`))), "half a li");
  text.nextFile();
  assert.equal(decode(text.feed(encode(`${T1} stdout F new\n`))), "new\n");
  text.feed(encode(`${T1} std`));
  text.nextFile();
  assert.equal(decode(text.feed(encode(`${T1} stdout F newer\n`))), "newer\n");
});

Deno.test("LogText.feed() shows the same whatever the pieces, and any bytes", () => {
  const record = fc.record({
    stream: fc.constantFrom("stdout", "stderr"),
    tag: fc.constantFrom("F", "P"),
    text: fc.uint8Array({ maxLength: 300 }).map((bytes) => bytes.filter((byte) => byte !== 10)),
  });
  fc.assert(fc.property(
    fc.array(record, { maxLength: 8 }),
    fc.integer({ min: 1, max: 50 }),
    (records, size) => {
      const written = records.flatMap(({ stream, tag, text }) => [
        ...encode(`${T1} ${stream} ${tag} `),
        ...text,
        10,
      ]);
      const expected = records.flatMap(({ tag, text }) => [...text, ...(tag === "F" ? [10] : [])]);
      const text = new LogText();
      const shown: number[] = [];
      for (let at = 0; at < written.length; at += size) {
        shown.push(...text.feed(Uint8Array.from(written.slice(at, at + size))));
      }
      assert.deepEqual(shown, expected);
    },
  ));
});

Deno.test("endsLine() knows partial records", () => {
  assert.equal(endsLine(encode(`${T1} stdout F a`)), true);
  assert.equal(endsLine(encode(`${T1} stdout P a`)), false);
  assert.equal(endsLine(encode("torn")), true);
});
