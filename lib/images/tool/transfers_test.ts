import assert from "node:assert/strict";
import { formatBytes, type ToolScreen, Transfers } from "./transfers.ts";

/** A screen, and what a person would see on it in the end. */
function screenOf(
  { terminal, columns = 80 }: { terminal: boolean; columns?: number },
): ToolScreen & {
  text(): string;
  lines(): string[];
} {
  let text = "";
  return {
    terminal,
    columns: () => columns,
    write: (stream, bytes) => {
      assert.equal(stream, "stderr");
      text += new TextDecoder().decode(bytes);
    },
    text: () => text,
    lines: () => {
      const lines = [""];
      for (const piece of text.replaceAll("\x1b", "␛").split(/(\n|␛\[\d*[AJ]|\r)/)) {
        const up = /^␛\[(\d+)A$/.exec(piece)?.[1];
        if (up !== undefined) lines.splice(lines.length - 1 - Number(up), Number(up));
        else if (piece === "\n") lines.push("");
        else if (!/^(\r|␛\[J)$/.test(piece)) lines[lines.length - 1] += piece;
      }
      return lines.slice(0, -1);
    },
  };
}

Deno.test("Transfers shows a bar for each transfer on a terminal, and what ended above them", () => {
  const screen = screenOf({ terminal: true });
  let nowMs = 0;
  const transfers = new Transfers(screen, { quiet: false, nowMs: () => nowMs += 1_000 });
  const one = transfers.begin("app.wasm", 2048);
  const two = transfers.begin("index.html");
  one.at(1024);
  two.at(7, 10);
  assert.deepEqual(screen.lines(), [
    "app.wasm  [============>           ]  50 %  1.0 KiB of 2.0 KiB",
    "index.html  [================>       ]  70 %  7 B of 10 B",
  ]);
  one.end("sent");
  assert.deepEqual(screen.lines(), [
    "app.wasm  2.0 KiB  sent",
    "index.html  [================>       ]  70 %  7 B of 10 B",
  ]);
  two.end("already there");
  transfers.note("Pushed r/app:v1");
  transfers.close();
  assert.deepEqual(screen.lines(), [
    "app.wasm  2.0 KiB  sent",
    "index.html  10 B  already there",
    "Pushed r/app:v1",
  ]);
});

Deno.test("Transfers takes bars away that did not end, and draws no more often than it should", () => {
  const screen = screenOf({ terminal: true });
  let nowMs = 0;
  const transfers = new Transfers(screen, { quiet: false, nowMs: () => nowMs });
  {
    using transfer = transfers.begin("app.wasm", 1_000_000);
    const drawn = screen.text();
    for (let i = 0; i < 1_000; i++) transfer.at(i);
    assert.equal(screen.text(), drawn);
    nowMs = 1_000;
    transfer.at(500_000);
    assert.match(screen.lines().join(), /50 %/);
  }
  assert.deepEqual(screen.lines(), []);
  transfers.close();
});

Deno.test("Transfers keeps a bar within one line, however narrow the terminal is", () => {
  for (const columns of [10, 40, 60, 200]) {
    const screen = screenOf({ terminal: true, columns });
    const transfers = new Transfers(screen, { quiet: false });
    transfers.begin(`registry.example.com/${"a".repeat(150)}:v1`, 10);
    const [line = ""] = screen.lines();
    assert.ok(line.length < columns, `${line.length} of ${columns}`);
    transfers.close();
  }
});

Deno.test("Transfers prints plain lines elsewhere, and nothing at all when quiet", () => {
  const screen = screenOf({ terminal: false });
  const transfers = new Transfers(screen, { quiet: false });
  const transfer = transfers.begin("app.wasm", 3);
  transfer.at(1);
  transfer.end("sent");
  transfer.end("twice");
  transfers.close();
  assert.equal(screen.text(), "app.wasm  3 B  sent\n");
  const silent = screenOf({ terminal: true });
  const quiet = new Transfers(silent, { quiet: true });
  quiet.begin("app.wasm", 3).end("sent");
  quiet.note("a word");
  quiet.close();
  assert.equal(silent.text(), "");
});

Deno.test("formatBytes() has one decimal above a KiB, and never 1024 of a unit", () => {
  const table: [number, string][] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1024 * 1024 - 1, "1.0 MiB"],
    [11.25 * 1024 * 1024, "11.3 MiB"],
    [5 * 1024 ** 4, "5120.0 GiB"],
  ];
  for (const [bytes, text] of table) assert.equal(formatBytes(bytes), text);
});
