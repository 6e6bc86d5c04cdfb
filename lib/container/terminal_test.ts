import assert from "node:assert/strict";
import { LINE_BYTES_MAX, Terminal, toTerminal } from "./terminal.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (some: Uint8Array): string => new TextDecoder().decode(some);

/** What is typed, what the program reads of it, what is seen, and what it asks for. */
const TYPED: readonly (readonly [typed: string, input: string, echo: string, asks?: string])[] = [
  ["ls\r", "ls\n", "ls\r\n"],
  ["ls\n", "ls\n", "ls\r\n"],
  ["ls", "", "ls"],
  ["lx\x7fs\r", "ls\n", "lx\b \bs\r\n"],
  ["\x7f\x08a\r", "a\n", "a\r\n"],
  ["é名\x7f\x7fx\r", "x\n", "é名\b \b\b \bx\r\n"],
  ["abc\x15d\r", "d\n", "abc\b \b\b \b\b \bd\r\n"],
  ["ab cd \x17e\r", "ab e\n", "ab cd \b \b\b \b\b \be\r\n"],
  ["a\tb\r", "a\tb\n", "a\tb\r\n"],
  ["a\x1b[A\x1b[1;5Cb\x1bOPc\r", "abc\n", "abc\r\n"],
  ["a\x01\x02b\r", "ab\n", "ab\r\n"],
  ["\x04never", "", "", "end"],
  ["a\x04b\r", "ab\n", "ab\r\n"],
  ["\x03never", "", "^C\r\n", "interrupt"],
  ["rm -rf\x03ls\r", "\nls\n", "rm -rf^C\r\nls\r\n"],
];

Deno.test("Terminal.type() makes lines of what is typed, shows it, and takes it back", () => {
  for (const [typed, input, echo, asks] of TYPED) {
    const seen = new Terminal().type(bytes(typed));
    assert.deepEqual([text(seen.input), text(seen.echo), seen.asks], [input, echo, asks], typed);
  }
});

Deno.test("Terminal.type() does the same whatever pieces it comes in", () => {
  for (const [typed, input, echo] of TYPED) {
    const terminal = new Terminal();
    let [read, shown] = ["", [] as number[]];
    for (const byte of bytes(typed)) {
      const seen = terminal.type(Uint8Array.of(byte));
      read += text(seen.input);
      shown = [...shown, ...seen.echo];
      if (seen.asks !== undefined) break;
    }
    assert.deepEqual([read, text(Uint8Array.from(shown))], [input, echo], typed);
  }
});

Deno.test("Terminal.type() holds no more than a line may have", () => {
  const terminal = new Terminal();
  for (let n = 0; n < 10; n++) terminal.type(bytes("x".repeat(1_000)));
  assert.equal(terminal.type(bytes("\r")).input.length, LINE_BYTES_MAX + 1);
});

Deno.test("toTerminal() takes the cursor back at each line's end", () => {
  assert.equal(text(toTerminal(bytes("a\nb\n\n"))), "a\r\nb\r\n\r\n");
  assert.equal(text(toTerminal(bytes("plain"))), "plain");
});
