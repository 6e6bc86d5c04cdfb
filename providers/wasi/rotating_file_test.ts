import assert from "node:assert/strict";
import { RotatingFile } from "./rotating_file.ts";

const encoder = new TextEncoder();

async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
}

Deno.test("RotatingFile.write() appends to what is there", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/0.log`;
  await Deno.writeTextFile(path, "old\n");
  const file = new RotatingFile(path, { note: assert.fail });
  file.write(encoder.encode("new\n"));
  file.close();
  assert.equal(await Deno.readTextFile(path), "old\nnew\n");
});

Deno.test("RotatingFile.write() moves a full file aside and keeps the newest", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/10.log.20000101-000000`, "another run's");
  const path = `${folder.path}/0.log`;
  const file = new RotatingFile(path, { bytesMax: 8, filesMax: 3, note: assert.fail });
  for (let i = 0; i < 40; i++) file.write(encoder.encode(`line ${String(i).padStart(2, "0")}\n`));
  file.close();
  const found = names(folder.path);
  assert.equal(found.length, 4, found.join());
  assert.match(found[1]!, /^0\.log\.\d{8}-\d{6}(\.\d{7})?$/);
  const texts = await Promise.all(
    [found[1], found[2], found[0]].map((name) => Deno.readTextFile(`${folder.path}/${name}`)),
  );
  assert.deepEqual(texts, ["line 37\n", "line 38\n", "line 39\n"]);
});

Deno.test("RotatingFile.write() counts and drops what cannot be written, and says so once", async () => {
  await using folder = await temporaryFolder();
  const notes: string[] = [];
  const file = new RotatingFile(`${folder.path}/gone/0.log`, { note: (text) => notes.push(text) });
  file.write(new Uint8Array(0));
  file.write(encoder.encode("lost\n"));
  file.write(encoder.encode("lost\n"));
  assert.equal(file.droppedBytes, 10);
  assert.equal(notes.length, 1);
  assert.match(notes[0]!, /^Cannot write container log ".*0\.log", so output is dropped: /);
  await Deno.mkdir(`${folder.path}/gone`);
  file.write(encoder.encode("kept\n"));
  file.close();
  assert.equal(file.droppedBytes, 10);
  assert.equal(await Deno.readTextFile(`${folder.path}/gone/0.log`), "kept\n");
});

Deno.test({
  name: "RotatingFile.write() survives a full disk",
  ignore: Deno.build.os !== "linux",
  fn(): void {
    const notes: string[] = [];
    const file = new RotatingFile("/dev/full", { note: (text) => notes.push(text) });
    file.write(encoder.encode("x\n"));
    file.close();
    assert.equal(file.droppedBytes, 2);
    assert.match(notes[0]!, /[Nn]o space left/);
  },
});

Deno.test("RotatingFile.write() keeps the newest also when the clock was set back, and by another process", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/0.log`;
  let nowMs = Date.UTC(2026, 0, 31, 12);
  const options = { bytesMax: 1, filesMax: 4, note: assert.fail, nowMs: () => nowMs };
  let file = new RotatingFile(path, options);
  const write = (text: string): void => file.write(encoder.encode(text));
  write("a");
  write("b");
  nowMs -= 3_600_000;
  write("c");
  file.close();
  file = new RotatingFile(path, options);
  for (const text of ["d", "e", "f"]) write(text);
  nowMs += 7_200_000;
  write("g");
  file.close();
  const rotated = names(folder.path).filter((name) => name !== "0.log");
  assert.deepEqual(rotated, [
    "0.log.20260131-120000.0000003",
    "0.log.20260131-120000.0000004",
    "0.log.20260131-130000",
  ]);
  const texts = await Promise.all(
    [...rotated, "0.log"].map((name) => Deno.readTextFile(`${folder.path}/${name}`)),
  );
  assert.deepEqual(texts, ["d", "e", "f", "g"]);
});
