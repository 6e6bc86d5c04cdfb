import assert from "node:assert/strict";
import { join } from "node:path";
import { isKubeletError } from "../errors.ts";
import { FULL, HALF_FULL, HOUR_MS, podWith, Room } from "./_collection_room.ts";
import { ImageStore } from "./images.ts";
import { TestLayout } from "./layout/_test_layout.ts";
import { entry, layerOf } from "./layout/_test_tar.ts";
import { digestOf, moduleOf, TestDir } from "./oci/_test_registry.ts";
import { OCI_MANIFEST } from "./oci/media_types.ts";
import { ORPHAN_MS_MIN, ORPHAN_URGENT_MS_MIN } from "./store/inventory.ts";

const { signal } = new AbortController();
const encode = (body: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(body));

Deno.test("Collector in a hurry removes all that nobody uses, whatever the disk has", async () => {
  await using room = await Room.open();
  const old = await room.pull("old", moduleOf(5_000));
  await room.pull("used", moduleOf(6_000));
  const fresh = await room.pull("fresh", moduleOf(7_000));
  await room.useAt({ [old.imageId]: Date.now() - HOUR_MS });
  room.pods = [podWith(room.name("used"))];
  const collector = room.collect({ disk: () => Promise.resolve(HALF_FULL) }, 1_000);
  assert.deepEqual((await collector.round(signal)).removed, []);
  assert.deepEqual((await collector.round(signal, { urgent: true })).removed, [old.imageId]);
  const later = room.collect({ disk: () => Promise.resolve(FULL) });
  assert.deepEqual((await later.round(signal, { urgent: true })).removed, [fresh.imageId]);
  assert.equal(await room.present("used"), true);
  assert.deepEqual(room.troubles, []);
});

Deno.test("Collector.run() does a round at once, and another one when it is hurried", async () => {
  await using room = await Room.open();
  await room.pull("app", moduleOf(5_000));
  const looks: PromiseWithResolvers<void>[] = [];
  const next = (): Promise<void> => {
    looks.push(Promise.withResolvers<void>());
    return looks.at(-1)!.promise;
  };
  const collector = room.collect({
    disk: () => {
      looks.at(-1)!.resolve();
      return Promise.resolve(HALF_FULL);
    },
  });
  const stop = new AbortController();
  const first = next();
  const running = collector.run(stop.signal);
  await first;
  assert.equal(await room.present("app"), true);
  for (const _ of ["that removes it", "that begins when the removal is over"]) {
    const another = next();
    collector.hurry();
    await another;
  }
  assert.equal(await room.present("app"), false);
  stop.abort();
  await running;
  assert.equal(looks.length, 3);
});

Deno.test({
  name: "Collector makes room on a disk that is too full for another index",
  ignore: Deno.build.os !== "linux", // /dev/full is the kernel's own full disk
  async fn(): Promise<void> {
    await using room = await Room.open();
    const { imageId } = await room.pull("app", moduleOf(5_000));
    await room.store.inventory.list();
    await room.fillDisk();
    const collector = room.collect();
    const { removed, freedBytes } = await collector.round(signal, { urgent: true });
    assert.deepEqual(removed, [imageId]);
    assert.ok(freedBytes > 5_000);
    assert.deepEqual(room.blobs(), []);
    assert.deepEqual(await room.store.inventory.list(), []);
    assert.deepEqual(room.troubles, []);
  },
});

Deno.test({
  name: "Collector knows who uses what though a full disk does not take it down",
  ignore: Deno.build.os !== "linux",
  async fn(): Promise<void> {
    await using room = await Room.open();
    const { imageId } = await room.pull("app", moduleOf(5_000));
    await room.useAt({ [imageId]: 1_000 });
    assert.equal(await room.present("app"), true);
    await room.fillDisk();
    const { inventory } = room.store;
    const [told] = await inventory.list();
    assert.ok(told!.lastMs > 1_000);
    assert.equal(await inventory.remove(imageId, told!.lastMs), undefined);
    const [kept] = await inventory.list();
    assert.equal(kept!.lastMs, told!.lastMs, "it has reached the disk now");
  },
});

Deno.test({
  name: "ImageStore.ensure() has room made when the disk is full, and says so",
  ignore: Deno.build.os !== "linux",
  async fn(): Promise<void> {
    await using room = await Room.open();
    await room.fillDisk();
    await assert.rejects(room.pull("app", moduleOf(5_000)), (error) => {
      assert.ok(isKubeletError(error, "image_pull"));
      assert.match(error.message, /no space is left on the disk of .*; free some/);
      assert.match(
        error.message,
        /\. Images that nobody uses are removed now, before the next try$/,
      );
      return true;
    });
    assert.equal(room.alarms, 1);
    await room.pull("app", moduleOf(5_000));
    await assert.rejects(room.store.ensure({ image: "No Name", secrets: [] }, { signal }));
    assert.equal(room.alarms, 1);
  },
});

Deno.test("Collector leaves the files of an image of this machine, which has no record", async () => {
  await using dir = new TestDir();
  const layout = new TestLayout();
  const { bytes, diffId } = layerOf(entry.file("app.wasm", moduleOf(500)));
  const config = {
    ...{ os: "wasip1", architecture: "wasm", config: { Entrypoint: ["/app.wasm"] } },
    rootfs: { type: "layers", diff_ids: [diffId] },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: layout.blob(encode(config), "application/vnd.oci.image.config.v1+json"),
    layers: [layout.blob(bytes, "application/vnd.oci.image.layer.v1.tar+gzip")],
  };
  layout.index(layout.blob(encode(manifest), OCI_MANIFEST));
  await layout.writeFolder(join(dir.path, "layout"));
  const store = join(dir.path, "store");
  await using images = new ImageStore({
    dir: store,
    registries: { insecure: [] },
    localModules: { baseDir: dir.path },
  });
  await using room = await Room.open();
  const { tree } = await images.ensure({ image: "oci:./layout", secrets: [] }, { signal });
  const collector = room.collect({ inventory: images.inventory, dir: store }, 2 * ORPHAN_MS_MIN);
  assert.ok((await collector.round(signal)).freedBytes > 0, "the blobs are not needed any more");
  assert.deepEqual(await Deno.readFile(join(tree!.path, "app.wasm")), moduleOf(500));
});

Deno.test("Collector in a hurry sweeps up sooner, but not while images are brought", async () => {
  await using room = await Room.open();
  await room.pull("app", moduleOf(5_000));
  const before = room.blobs().length;
  room.pods = [podWith(room.name("app"))];
  const orphan = moduleOf(700, 9);
  const path = join(room.dir.path, "blobs", "sha256", digestOf(orphan).slice(7));
  await Deno.writeFile(path, orphan);
  const collector = room.collect({}, ORPHAN_URGENT_MS_MIN + 1_000);
  const freed = async (): Promise<number> =>
    (await collector.round(signal, { urgent: true })).freedBytes;
  const arrived = Promise.withResolvers<void>();
  room.registry.fault = () => {
    arrived.resolve();
    return true; // and never answers
  };
  const stop = new AbortController();
  const pulling = room.store.ensure({ image: room.name("slow"), secrets: [] }, {
    signal: stop.signal,
  });
  await arrived.promise;
  assert.equal(await freed(), 0);
  stop.abort();
  await assert.rejects(pulling);
  assert.equal(await freed(), 700);
  assert.equal(room.blobs().length, before);
});
