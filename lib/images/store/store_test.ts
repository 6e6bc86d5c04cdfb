import assert from "node:assert/strict";
import { join } from "node:path";
import { PullFailure } from "../oci/failure.ts";
import { DISK_BYTES, PARTIAL_MS_MAX } from "../limits.ts";
import { type Blob, BlobStore, diskFailure } from "./store.ts";
import { digestOf, MODULE, moduleOf, names, TestDir } from "../oci/_test_registry.ts";

const { signal } = new AbortController();

async function put(store: BlobStore, bytes: Uint8Array): Promise<Blob> {
  const expected = {
    digest: digestOf(bytes),
    size: bytes.length,
    bytesMax: bytes.length,
    from: "it",
  };
  return await store.add(expected, (sink) => sink.write(bytes));
}

Deno.test("BlobStore.add() keeps a blob under its digest, for this run and the next", async () => {
  await using dir = new TestDir();
  const bytes = moduleOf(3 * DISK_BYTES + 17);
  const blob = await put(new BlobStore(dir.path), bytes);
  assert.equal(blob.path, join(dir.path, "blobs", "sha256", digestOf(bytes).slice(7)));
  assert.deepEqual(await Deno.readFile(blob.path), bytes);
  assert.deepEqual(names(join(dir.path, "partial")), []);
  const later = new BlobStore(dir.path);
  assert.deepEqual(await later.find(blob.digest, bytes.length, signal), blob);
});

Deno.test("BlobStore.add() begins again after restart()", async () => {
  await using dir = new TestDir();
  const bytes = moduleOf(DISK_BYTES + 5);
  const expected = { digest: digestOf(bytes), size: bytes.length, bytesMax: 1 << 20, from: "it" };
  const blob = await new BlobStore(dir.path).add(expected, async (sink) => {
    await sink.write(moduleOf(DISK_BYTES + 3, 9));
    await sink.restart();
    assert.equal(sink.size, 0);
    await sink.write(bytes);
  });
  assert.deepEqual(await Deno.readFile(blob.path), bytes);
});

Deno.test("BlobStore.add() leaves nothing of content that is wrong", async () => {
  await using dir = new TestDir();
  const store = new BlobStore(dir.path);
  const right = { digest: digestOf(MODULE), size: MODULE.length, bytesMax: 100, from: "it" };
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [moduleOf(8, 2).map((b) => b ^ 1), /digest mismatch: it sent content with digest sha256:/],
    [MODULE.subarray(1), /sent 7 of 8 bytes/],
    [moduleOf(9), /more than the 8 bytes/],
  ];
  for (const [bytes, message] of cases) {
    const failing = store.add(right, (sink) => sink.write(bytes));
    await assert.rejects(
      failing,
      (error) => error instanceof PullFailure && message.test(error.message),
    );
  }
  const unsized = { bytesMax: 4, from: "it" };
  await assert.rejects(
    store.add(unsized, (sink) => sink.write(MODULE)),
    /more than 4 bytes, the limit/,
  );
  assert.deepEqual(names(join(dir.path, "blobs")), []);
  assert.deepEqual(names(join(dir.path, "partial")), []);
});

Deno.test("BlobStore.find() removes a torn blob at once and a changed one after a start", async () => {
  await using dir = new TestDir();
  const bytes = moduleOf(1000);
  const store = new BlobStore(dir.path);
  const { path, digest } = await put(store, bytes);
  await Deno.truncate(path, 999);
  assert.equal(await store.find(digest, 1000, signal), undefined);
  assert.deepEqual(names(join(dir.path, "blobs", "sha256")), []);
  await put(store, bytes);
  await Deno.writeFile(path, moduleOf(1000, 7));
  assert.equal(await new BlobStore(dir.path).find(digest, 1000, signal), undefined);
  assert.deepEqual(names(join(dir.path, "blobs", "sha256")), []);
});

Deno.test("BlobStore.find() keeps a sound blob whose size is told wrongly", async () => {
  await using dir = new TestDir();
  const { digest, path } = await put(new BlobStore(dir.path), moduleOf(1000));
  const store = new BlobStore(dir.path);
  for (const size of [999, 1001, 0]) {
    assert.equal(await store.find(digest, size, signal), undefined);
  }
  assert.equal((await store.find(digest, 1000, signal))?.path, path);
});

Deno.test("BlobStore.add() clears what a killed run left, and nothing that is being written", async () => {
  await using dir = new TestDir();
  const partial = join(dir.path, "partial");
  await Deno.mkdir(partial);
  for (const name of ["old", "new"]) await Deno.writeTextFile(join(partial, name), "half");
  const long = new Date(Date.now() - PARTIAL_MS_MAX - 1000);
  await Deno.utime(join(partial, "old"), long, long);
  await put(new BlobStore(dir.path), MODULE);
  assert.deepEqual(names(partial), ["new"]);
});

Deno.test("BlobStore.add() works on when an operator empties the folder", async () => {
  await using dir = new TestDir();
  const store = new BlobStore(dir.path);
  const { digest } = await put(store, MODULE);
  for (const name of names(dir.path)) await Deno.remove(join(dir.path, name), { recursive: true });
  assert.equal(await store.find(digest, MODULE.length, signal), undefined);
  assert.deepEqual(await Deno.readFile((await put(store, MODULE)).path), MODULE);
});

Deno.test("BlobStore.path() takes digests only", () => {
  assert.throws(() => new BlobStore("x").path("sha256:../../etc/passwd"), RangeError);
});

Deno.test({
  name: "diskFailure() says that the disk is full",
  ignore: Deno.build.os !== "linux", // /dev/full is the kernel's own full disk
  fn(): void {
    try {
      Deno.writeFileSync("/dev/full", MODULE);
      assert.fail("it was written");
    } catch (error) {
      const failure = diskFailure(error, "/data/images");
      assert.ok(failure instanceof PullFailure);
      assert.match(failure.message, /no space is left on the disk of "\/data\/images"/);
    }
    const other = new PullFailure("x");
    assert.equal(diskFailure(other, "/data"), other);
  },
});
