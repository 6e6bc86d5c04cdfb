import assert from "node:assert/strict";
import { join } from "node:path";
import { FULL, HOUR_MS, podWith, Room } from "./_collection_room.ts";
import { ImageStore } from "./images.ts";
import { imagesInUse } from "./images_in_use.ts";
import { digestOf, moduleOf, names } from "./oci/_test_registry.ts";
import { ORPHAN_MS_MIN, ORPHAN_URGENT_MS_MIN } from "./store/inventory.ts";
import { StoreLock } from "./store/store_lock.ts";

const { signal } = new AbortController();

Deno.test("Collector removes unused images with all their content, and keeps what is used", async () => {
  await using room = await Room.open();
  const shared = moduleOf(5_000);
  await room.pull("one", shared);
  const two = await room.pull("two", shared);
  await room.pull("three", moduleOf(6_000, 3));
  room.pods = [podWith("other.io/moved:v1", two.imageId)];
  const { removed, freedBytes } = await room.collect().round(signal);
  assert.deepEqual(removed.map((id) => id.split("@")[0]), [
    `${room.registry.host}/one`,
    `${room.registry.host}/three`,
  ]);
  assert.ok(freedBytes > 6_000 && freedBytes < 8_000, `${freedBytes} bytes`);
  assert.deepEqual(await Promise.all(["one", "two", "three"].map((app) => room.present(app))), [
    false,
    true,
    false,
  ]);
  const manifest = two.imageId.split("@sha256:")[1]!;
  assert.deepEqual(room.blobs().sort(), [manifest, digestOf(shared).slice(7)].sort());
});

Deno.test("Collector keeps an image that a pod names and no container has yet", async () => {
  await using room = await Room.open();
  await room.pull("app", moduleOf(5_000));
  room.pods = [podWith(room.name("app"))];
  await room.collect().round(signal);
  assert.equal(await room.present("app"), true);
});

Deno.test("Collector frees no more than it must, the longest unused first", async () => {
  await using room = await Room.open();
  const ids = [];
  for (const [i, app] of ["old", "mid", "new"].entries()) {
    ids.push((await room.pull(app, moduleOf(50_000, i))).imageId);
  }
  await room.useAt({ [ids[0]!]: 1_000, [ids[1]!]: 2_000, [ids[2]!]: 3_000 });
  const disk = () => Promise.resolve({ bytes: 1_000_000, availableBytes: 149_000 });
  const { removed } = await room.collect({ disk }).round(signal);
  assert.deepEqual(removed, ids.slice(0, 2));
  assert.deepEqual(room.troubles, []);
});

Deno.test("Collector leaves everything while the disk has room", async () => {
  await using room = await Room.open();
  await room.pull("app", moduleOf(5_000));
  const disk = () => Promise.resolve({ bytes: 100, availableBytes: 50 });
  assert.deepEqual((await room.collect({ disk }).round(signal)).removed, []);
  assert.equal(await room.present("app"), true);
});

Deno.test("Collector leaves everything while another process uses the store", async () => {
  await using room = await Room.open();
  await room.pull("app", moduleOf(5_000));
  {
    using other = new StoreLock(room.dir.path);
    await other.use();
    assert.deepEqual((await room.collect().round(signal)).removed, []);
  }
  assert.equal((await room.collect().round(signal)).removed.length, 1);
});

Deno.test("Collector keeps an image that is used while it looks", async () => {
  await using room = await Room.open();
  await room.pull("app", moduleOf(5_000));
  const disk = async () => {
    await room.present("app");
    return FULL;
  };
  assert.deepEqual((await room.collect({ disk }, 0).round(signal)).removed, []);
  assert.equal(await room.present("app"), true);
});

Deno.test("Collector sweeps up what belongs to no image, once it is old", async () => {
  await using room = await Room.open();
  await room.pull("app", moduleOf(5_000));
  const before = room.blobs().length;
  const orphan = moduleOf(700, 9);
  const path = join(room.dir.path, "blobs", "sha256", digestOf(orphan).slice(7));
  await Deno.writeFile(path, orphan);
  await Deno.mkdir(join(room.dir.path, "trees", "0".repeat(64), "root"), { recursive: true });
  room.pods = [podWith(room.name("app"))];
  const disk = () => Promise.resolve({ bytes: 100, availableBytes: 50 });
  assert.equal((await room.collect({ disk }, 0).round(signal)).freedBytes, 0);
  const soon = room.collect({ disk }, ORPHAN_URGENT_MS_MIN + 1_000);
  assert.equal((await soon.round(signal)).freedBytes, 0);
  const later = await room.collect({ disk }, ORPHAN_MS_MIN + 1_000).round(signal);
  assert.equal(later.freedBytes, 700);
  assert.equal(room.blobs().length, before);
  assert.deepEqual(names(join(room.dir.path, "trees")), []);
});

Deno.test("Collector removes what was not used for too long, and knows that after a restart", async () => {
  await using room = await Room.open();
  const { imageId } = await room.pull("app", moduleOf(5_000));
  await room.store.inventory.list();
  const disk = () => Promise.resolve({ bytes: 100, availableBytes: 50 });
  await using again = new ImageStore({
    dir: room.dir.path,
    registries: { insecure: [] },
    localModules: "refused",
  });
  const [stored] = await again.inventory.list();
  assert.equal(stored?.imageId, imageId);
  assert.ok(Date.now() - stored!.lastMs < 60_000);
  await again.close();
  const policy = { highPercent: 85, lowPercent: 80, minAgeMs: 0, maxAgeMs: 2 * HOUR_MS };
  assert.equal((await room.collect({ disk, policy }).round(signal)).removed.length, 0);
  const collector = room.collect({ disk, policy }, 2 * HOUR_MS + 60_000);
  assert.deepEqual((await collector.round(signal)).removed, [imageId]);
});

Deno.test("Collector tells that it cannot free enough, and the second time that it fails", async () => {
  await using room = await Room.open();
  const collector = room.collect();
  await collector.round(signal);
  const message =
    "Insufficient free disk space on the node's image filesystem (100% of 976.6 KiB " +
    "used). Failed to free sufficient space by deleting unused images (freed 0 bytes). " +
    "Investigate disk usage, as it could be used by active images, logs, volumes, or other data.";
  assert.deepEqual(room.troubles, [{ reason: "FreeDiskSpaceFailed", message }]);
  await collector.round(signal);
  assert.deepEqual(room.troubles.slice(1).map(({ reason }) => reason), [
    "FreeDiskSpaceFailed",
    "ImageGCFailed",
  ]);
});

Deno.test("Collector tells that the disk has no size", async () => {
  await using room = await Room.open();
  const disk = () => Promise.resolve({ bytes: 0, availableBytes: 0 });
  await room.collect({ disk }).round(signal);
  assert.deepEqual(room.troubles, [{
    reason: "InvalidDiskCapacity",
    message: "invalid capacity 0 on image filesystem",
  }]);
});

Deno.test("imagesInUse() names what pods want and what they have", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const pods = [podWith("hello", "r.io/a@x"), podWith(`r.io/b:1@${digest}`), podWith("No Name")];
  const volumes = [{ name: "v", image: { reference: "r.io/data:2" } }];
  const mounting = { spec: { containers: [], volumes } };
  assert.deepEqual([...imagesInUse([mounting], ["r.io/data@y"])], ["r.io/data@y", "r.io/data:2"]);
  assert.deepEqual([...imagesInUse(pods)].sort(), [
    "docker.io/library/hello:latest",
    "r.io/a@x",
    `r.io/b:1@${digest}`,
    `r.io/b@${digest}`,
  ]);
});

Deno.test("Collector keeps what runs, though its tag has moved on to another image", async () => {
  await using room = await Room.open();
  const before = await room.pull("app", moduleOf(300));
  room.registry.artifact("app", "v1", moduleOf(400));
  const request = { image: room.name("app"), secrets: [], policy: "Always" } as const;
  const after = await room.store.ensure(request, { signal });
  assert.notEqual(before.imageId, after.imageId);
  room.pods = [podWith(room.name("app"), before.imageId), podWith(room.name("app"), after.imageId)];
  const disk = () => Promise.resolve({ bytes: 100, availableBytes: 50 });
  await room.collect({ disk }, 10 * HOUR_MS).round(signal);
  const module = before.module?.path ?? "";
  assert.ok((await Deno.stat(module)).isFile);
  room.pods = [];
  await room.collect({ disk }, 10 * HOUR_MS).round(signal);
  await assert.rejects(Deno.stat(module), Deno.errors.NotFound);
});

Deno.test("Collector takes an image that was used in the future for one that is used now", async () => {
  await using room = await Room.open();
  const { imageId } = await room.pull("app", moduleOf(5_000));
  await room.useAt({ [imageId]: Date.now() + 24 * HOUR_MS });
  const [stored] = await room.store.inventory.list();
  assert.ok(stored!.lastMs <= Date.now() && stored!.firstMs <= Date.now());
  const { removed } = await room.collect().round(signal);
  assert.deepEqual(removed, [imageId], "an hour later");
});
