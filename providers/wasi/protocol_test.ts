import assert from "node:assert/strict";
import fc from "fast-check";
import { MESSAGE_CHARS_MAX } from "./limits.ts";
import { encodeLine, parseWord, type SaidInLine } from "./protocol.ts";

Deno.test("parseWord() reads what encodeLine() wrote", () => {
  const words: SaidInLine[] = [
    { word: "ready" },
    { word: "started" },
    { word: "exit", exit: { kind: "exited", code: 42 }, droppedLogBytes: 0 },
    { word: "exit", exit: { kind: "exited", code: 0 }, droppedLogBytes: 0, cpuNanos: 5 },
    { word: "started", id: 3, thread: 7 },
    { word: "exit", exit: { kind: "trapped", message: "unreachable\n  at f" }, droppedLogBytes: 7 },
    { word: "exit", exit: { kind: "out_of_memory", message: "m" }, droppedLogBytes: 0 },
  ];
  for (const word of words) {
    const line = new TextDecoder().decode(encodeLine(word));
    assert.equal(line.indexOf("\n"), line.length - 1);
    assert.deepEqual(parseWord(line), word);
  }
});

Deno.test("parseWord() believes no ending that a guest process cannot know of", () => {
  for (
    const exit of [{ kind: "killed" }, { kind: "lost" }, { kind: "exited", code: "0" }, {
      kind: "trapped",
    }, null]
  ) {
    assert.equal(parseWord(JSON.stringify({ word: "exit", exit, droppedLogBytes: 0 })), undefined);
  }
});

Deno.test("parseWord() bounds what a guest process says of its end", () => {
  const said = { kind: "trapped", message: "x".repeat(50_000) };
  const word = parseWord(JSON.stringify({ word: "exit", exit: said, droppedLogBytes: 0 }));
  const exit = word?.word === "exit" ? word.exit : undefined;
  assert.equal(exit?.kind === "trapped" && exit.message.length, MESSAGE_CHARS_MAX);
  for (const droppedLogBytes of ["-1", "1e999", "0.5"]) {
    const line =
      `{"word":"exit","exit":{"kind":"exited","code":0},"droppedLogBytes":${droppedLogBytes}}`;
    assert.equal(parseWord(line), undefined, line);
  }
});

Deno.test("parseWord() never throws", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
    parseWord(line);
  }));
});
