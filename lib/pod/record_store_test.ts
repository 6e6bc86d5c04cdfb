import assert from "node:assert/strict";
import { namesIn } from "../files.ts";
import { newRecord, type PodRecord } from "./record.ts";
import { RecordStore } from "./record_store.ts";

const UID = "u1";

/** A store on a folder of its own. */
interface Room extends AsyncDisposable {
  readonly dir: string;
  readonly store: RecordStore;
  readonly trouble: string[];
  /** Path of the pod's record. */
  readonly file: string;
}

async function open(): Promise<Room> {
  const dir = await Deno.makeTempDir({ prefix: "krustlet-records-" });
  const trouble: string[] = [];
  return {
    dir,
    trouble,
    store: new RecordStore(dir, (message) => trouble.push(message)),
    file: `${dir}/${UID}/pod.json`,
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

function record(containers = 1, uid = UID): PodRecord {
  const names = Array.from({ length: containers }, (_, index) => ({ name: `c${index}` }));
  const metadata = { uid, namespace: "default", name: "web" };
  return newRecord({ metadata, spec: { containers: names } }, "2026-11-21T12:00:00Z");
}

Deno.test("RecordStore finds what it has saved, and nothing where nothing was", async () => {
  await using room = await open();
  assert.equal(await room.store.load(UID), undefined);
  await room.store.save(UID, JSON.stringify(record()));
  assert.deepEqual(await room.store.load(UID), record());
  assert.deepEqual(await namesIn(`${room.dir}/${UID}`), ["pod.json"]);
  assert.deepEqual(await room.store.uids(), [UID]);
  assert.deepEqual(room.trouble, []);
});

Deno.test({
  name: "RecordStore lets nobody else read a record",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using room = await open();
    await room.store.save(UID, JSON.stringify(record()));
    assert.equal((await Deno.stat(room.file)).mode! & 0o777, 0o600);
    assert.equal((await Deno.stat(`${room.dir}/${UID}`)).mode! & 0o777, 0o700);
  },
});

for (
  const [what, text] of [
    ["is torn", JSON.stringify(record()).slice(0, -20)],
    ["is empty", ""],
    ["is no object", "null"],
    ["is another pod's", JSON.stringify(record(1, "u2"))],
    ["is of another version", JSON.stringify({ ...record(), version: 2 })],
  ] as const
) {
  Deno.test(`RecordStore puts a record aside that ${what}, and says so once`, async () => {
    await using room = await open();
    await Deno.mkdir(`${room.dir}/${UID}`);
    await Deno.writeTextFile(room.file, text);
    assert.equal(await room.store.load(UID), undefined);
    assert.equal(await room.store.load(UID), undefined);
    assert.equal(await Deno.readTextFile(`${room.file}.bad`), text);
    assert.equal(room.trouble.length, 1);
    assert.ok(room.trouble[0]?.includes(`pod record "${room.file}"`));
  });
}

Deno.test("RecordStore is never seen with half a record while it writes", async () => {
  await using room = await open();
  const [small, large] = [record(1), record(2_000)];
  await room.store.save(UID, JSON.stringify(small));
  let writing = true;
  const written = (async () => {
    for (let i = 0; i < 20; i++) {
      await room.store.save(UID, JSON.stringify(i % 2 === 0 ? large : small));
    }
    writing = false;
  })();
  const seen = new Set<number>();
  do {
    const found = await room.store.load(UID);
    seen.add(Object.keys(found?.containers ?? {}).length);
  } while (writing);
  await written;
  assert.deepEqual(room.trouble, []);
  for (const count of seen) assert.ok(count === 1 || count === 2_000, `${count} containers`);
});

Deno.test("RecordStore does not mind what a killed agent had begun to write", async () => {
  await using room = await open();
  await room.store.save(UID, JSON.stringify(record()));
  await Deno.writeTextFile(`${room.file}.new`, "{");
  assert.deepEqual(await room.store.load(UID), record());
  await room.store.save(UID, JSON.stringify(record(2)));
  assert.deepEqual(await room.store.load(UID), record(2));
  assert.deepEqual(room.trouble, []);
});

Deno.test("RecordStore tells of a write that fails, and keeps the record before it", async () => {
  await using room = await open();
  await room.store.save(UID, JSON.stringify(record()));
  await Deno.mkdir(`${room.file}.new`);
  await room.store.save(UID, JSON.stringify(record(2)));
  assert.deepEqual(await room.store.load(UID), record());
  assert.equal(room.trouble.length, 1);
  assert.ok(room.trouble[0]?.startsWith(`Cannot write pod record "${room.file}": `));
});

Deno.test("RecordStore knows no pods where there is no folder yet", async () => {
  await using room = await open();
  const store = new RecordStore(`${room.dir}/missing`, assert.fail);
  assert.deepEqual(await store.uids(), []);
  assert.equal(await store.load(UID), undefined);
});
