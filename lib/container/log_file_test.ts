import assert from "node:assert/strict";
import { join } from "node:path";
import { sleep } from "../time.ts";
import { type LogOptions, readLog } from "./log_file.ts";

/** A folder of log files that is gone after the test. */
class LogFolder implements Disposable {
  readonly dir = Deno.makeTempDirSync();
  #seconds = 0;

  /** Appends one record per text to a file. */
  write(file: string, ...texts: string[]): void {
    const records = texts.map((text) => `${this.#time()} stdout F ${text}\n`).join("");
    Deno.writeTextFileSync(join(this.dir, file), records, { append: true });
  }

  rotate(file: string, suffix: string): void {
    Deno.renameSync(join(this.dir, file), join(this.dir, `${file}.${suffix}`));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.dir, { recursive: true });
  }

  #time(): string {
    return new Date(Date.UTC(2024, 0, 1) + this.#seconds++ * 1_000).toISOString();
  }
}

async function read(options: Omit<LogOptions, "attempt">): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of readLog({ attempt: 0, ...options })) pieces.push(piece);
  return await new Blob(pieces as Uint8Array<ArrayBuffer>[]).text();
}

/** Follows a log; `until` waits for a text in what came so far. */
function follow(options: Omit<LogOptions, "attempt">): {
  until(text: string): Promise<void>;
  all: Promise<string>;
} {
  let shown = "";
  let wake: () => void = () => {};
  const run = async (): Promise<string> => {
    for await (const piece of readLog({ attempt: 0, follow: true, ...options })) {
      shown += new TextDecoder().decode(piece);
      wake();
    }
    return shown;
  };
  return {
    all: run(),
    async until(text): Promise<void> {
      while (!shown.includes(text)) await new Promise<void>((resolve) => wake = resolve);
    },
  };
}

Deno.test("readLog() reads a log through its rotated files, oldest first", async () => {
  using logs = new LogFolder();
  logs.write("0.log.20240101-000000", "a");
  logs.write("0.log.20240102-000000", "b");
  logs.write("0.log", "c", "d");
  logs.write("1.log", "another run");
  logs.write("0.log.20230101-000000.gz", "packed");
  assert.equal(await read({ dir: logs.dir }), "a\nb\nc\nd\n");
});

Deno.test("readLog() has nothing to say where nothing was written", async () => {
  using logs = new LogFolder();
  assert.equal(await read({ dir: logs.dir }), "");
  assert.equal(await read({ dir: join(logs.dir, "none") }), "");
  assert.equal(await read({ dir: join(logs.dir, "none"), tailLines: 3 }), "");
});

Deno.test("readLog() tails whole lines, across files", async () => {
  using logs = new LogFolder();
  logs.write("0.log.1", "a", "b");
  logs.write("0.log", "c", "d");
  const lines = ["a", "b", "c", "d"];
  for (let tailLines = 0; tailLines <= 5; tailLines++) {
    const expected = lines.slice(Math.max(0, 4 - tailLines)).map((line) => `${line}\n`).join("");
    assert.equal(await read({ dir: logs.dir, tailLines }), expected, `${tailLines} lines`);
  }
  logs.rotate("0.log", "2");
  await Deno.writeTextFile(join(logs.dir, "0.log"), "");
  assert.equal(await read({ dir: logs.dir, tailLines: 1 }), "d\n");
});

Deno.test("readLog() counts a line of partial records once, and an open one too", async () => {
  using logs = new LogFolder();
  const time = "2024-01-01T00:00:00Z";
  await Deno.writeTextFile(
    join(logs.dir, "0.log"),
    `${time} stdout F a\n${time} stdout P b\n${time} stdout P b\n${time} stdout F b\n` +
      `${time} stdout P c\n`,
  );
  assert.equal(await read({ dir: logs.dir, tailLines: 1 }), "c");
  assert.equal(await read({ dir: logs.dir, tailLines: 2 }), "bbb\nc");
  assert.equal(await read({ dir: logs.dir, tailLines: 3 }), "a\nbbb\nc");
});

Deno.test("readLog() tails across the edges of its blocks", async () => {
  using logs = new LogFolder();
  const lines = Array.from({ length: 4_000 }, (_, index) => `${index} ${"x".repeat(index % 97)}`);
  logs.write("0.log", ...lines);
  for (const tailLines of [1, 500, 1_999, 2_000, 3_999, 4_000, 4_001]) {
    const expected = lines.slice(-tailLines).map((line) => `${line}\n`).join("");
    assert.equal(await read({ dir: logs.dir, tailLines }), expected, `${tailLines} lines`);
  }
});

Deno.test("readLog() keeps to time and size, and shows times", async () => {
  using logs = new LogFolder();
  logs.write("0.log", "a", "b", "c");
  const { dir } = logs;
  assert.equal(await read({ dir, sinceMs: Date.UTC(2024, 0, 1) + 1_000 }), "b\nc\n");
  assert.equal(await read({ dir, limitBytes: 3 }), "a\nb");
  assert.equal(await read({ dir, limitBytes: 100 }), "a\nb\nc\n");
  assert.equal(
    await read({ dir, timestamps: true, tailLines: 1 }),
    "2024-01-01T00:00:02.000Z c\n",
  );
});

Deno.test("readLog() shows a torn last line as far as it goes", async () => {
  using logs = new LogFolder();
  logs.write("0.log", "whole");
  const torn = "2024-01-01T00:00:00Z stdout F to";
  await Deno.writeTextFile(join(logs.dir, "0.log"), torn, { append: true });
  assert.equal(await read({ dir: logs.dir }), "whole\nto");
  assert.equal(await read({ dir: logs.dir, tailLines: 1 }), "to");
});

Deno.test("readLog() follows until the container has ended, and loses nothing at the end", async () => {
  using logs = new LogFolder();
  const ended = Promise.withResolvers<void>();
  const followed = follow({ dir: logs.dir, ended: ended.promise });
  logs.write("0.log", "first");
  await followed.until("first\n");
  logs.write("0.log", "second");
  await followed.until("second\n");
  logs.write("0.log", "last");
  ended.resolve();
  assert.equal(await followed.all, "first\nsecond\nlast\n");
});

Deno.test("readLog() follows through rotations, also several at once", async () => {
  using logs = new LogFolder();
  const ended = Promise.withResolvers<void>();
  logs.write("0.log", "a");
  const followed = follow({ dir: logs.dir, ended: ended.promise });
  await followed.until("a\n");
  logs.write("0.log", "b");
  logs.rotate("0.log", "1");
  logs.write("0.log", "c");
  logs.rotate("0.log", "2");
  logs.write("0.log", "d");
  await followed.until("d\n");
  logs.rotate("0.log", "3");
  await Deno.remove(join(logs.dir, "0.log.1"));
  logs.write("0.log", "e");
  ended.resolve();
  assert.equal(await followed.all, "a\nb\nc\nd\ne\n");
});

Deno.test("readLog() follows from the end when no old line is wanted", async () => {
  using logs = new LogFolder();
  const ended = Promise.withResolvers<void>();
  logs.write("0.log", "old");
  const followed = follow({ dir: logs.dir, tailLines: 0, ended: ended.promise });
  // When the follower has opened the file cannot be seen from outside: write until it sees one.
  const writing = setInterval(() => logs.write("0.log", "new"), 5);
  await followed.until("new\n");
  clearInterval(writing);
  ended.resolve();
  assert.match(await followed.all, /^(new\n)+$/);
});

Deno.test("readLog() ends at its signal", async () => {
  using logs = new LogFolder();
  const stop = new AbortController();
  logs.write("0.log", "a");
  const followed = follow({ dir: logs.dir, signal: stop.signal });
  await followed.until("a\n");
  stop.abort();
  assert.equal(await followed.all, "a\n");
});

Deno.test("readLog() loses and doubles no line while a writer rotates", async () => {
  using logs = new LogFolder();
  const ended = Promise.withResolvers<void>();
  const followed = follow({ dir: logs.dir, ended: ended.promise });
  const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index}`);
  for (let at = 0; at < lines.length; at += 50) {
    logs.write("0.log", ...lines.slice(at, at + 50));
    if (at % 500 === 0) logs.rotate("0.log", String(100_000 + at));
    // Lets the follower work in between.
    await new Promise<void>((resolve) => setTimeout(resolve));
  }
  ended.resolve();
  assert.equal(await followed.all, lines.map((line) => `${line}\n`).join(""));
});

Deno.test("readLog() takes hold of files before they are removed, when it is slower than the writer", async () => {
  using logs = new LogFolder();
  const long = "x".repeat(1_000);
  const lines = (from: number): string[] =>
    Array.from({ length: 200 }, (_, i) => `${from + i} ${long}`);
  logs.write("0.log", ...lines(0));
  const reader = readLog({ attempt: 0, dir: logs.dir, follow: true });
  let text = "";
  const take = async (): Promise<void> => {
    text += new TextDecoder().decode((await reader.next()).value ?? new Uint8Array());
  };
  await take();
  for (let file = 1; file <= 5; file++) {
    logs.rotate("0.log", `2024010${file}-000000`);
    logs.write("0.log", ...lines(file * 200));
    await sleep(25); // so that it is due to look
    await take(); // one of the four pieces of the first file, and then of the second
    // Only one rotated file is kept.
    if (file > 1) await Deno.remove(join(logs.dir, `0.log.2024010${file - 1}-000000`));
  }
  while (!text.includes(`\n1199 ${long}\n`)) await take();
  await reader.return(undefined);
  const numbers = text.trimEnd().split("\n").map((line) => Number(line.split(" ")[0]));
  assert.deepEqual(numbers, Array.from({ length: 1_200 }, (_, i) => i));
});
