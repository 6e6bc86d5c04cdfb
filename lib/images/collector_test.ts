import assert from "node:assert/strict";
import { join } from "node:path";
import type { Pod } from "../api/types.ts";
import { Collector, type CollectorOptions, type CollectorTrouble } from "./collector.ts";
import { type ImageOnDisk, ImageStore } from "./images.ts";
import { imagesInUse } from "./images_in_use.ts";
import { digestOf, moduleOf, names, TestDir, TestRegistry } from "./oci/_test_registry.ts";
import { ORPHAN_MS_MIN } from "./store/inventory.ts";
import { StoreLock } from "./store/store_lock.ts";

const { signal } = new AbortController();
const FULL = { bytes: 1_000_000, availableBytes: 0 };
const HOUR_MS = 3_600_000;

/** A store with images in it, which is collected as if an hour had passed. */
class Room implements AsyncDisposable {
  readonly registry: TestRegistry;
  readonly dir = new TestDir();
  readonly troubles: CollectorTrouble[] = [];
  readonly store: ImageStore;
  pods: readonly Pod[] | undefined = [];

  static async open(): Promise<Room> {
    return new Room(await TestRegistry.start());
  }

  private constructor(registry: TestRegistry) {
    this.registry = registry;
    this.store = new ImageStore({
      dir: this.dir.path,
      registries: { insecure: [registry.host] },
      localModules: "refused",
    });
  }

  name(app: string): string {
    return `${this.registry.host}/${app}:v1`;
  }

  async pull(app: string, module: Uint8Array): Promise<ImageOnDisk> {
    this.registry.artifact(app, "v1", module);
    return await this.store.ensure({ image: this.name(app), secrets: [] }, { signal });
  }

  async present(app: string): Promise<boolean> {
    const request = { image: this.name(app), secrets: [], policy: "Never" } as const;
    return await this.store.ensure(request, { signal }).then(() => true, () => false);
  }

  collect(options: Partial<CollectorOptions> = {}, laterMs = HOUR_MS): Collector {
    return new Collector({
      inventory: this.store.inventory,
      policy: { highPercent: 85, lowPercent: 80, minAgeMs: 120_000, maxAgeMs: 0 },
      dir: this.dir.path,
      inUse: () => this.pods && imagesInUse(this.pods),
      onTrouble: (trouble) => this.troubles.push(trouble),
      disk: () => Promise.resolve(FULL),
      nowMs: () => Date.now() + laterMs,
      ...options,
    });
  }

  /** Writes into the index when images were used last, as another process may. */
  async useAt(lastMs: Readonly<Record<string, number>>): Promise<void> {
    await this.store.inventory.list();
    const path = join(this.dir.path, "references.json");
    const index = JSON.parse(await Deno.readTextFile(path));
    for (const [imageId, ms] of Object.entries(lastMs)) {
      index.use[imageId] = { firstMs: ms, lastMs: ms };
    }
    await Deno.writeTextFile(path, JSON.stringify(index));
  }

  blobs(): string[] {
    return names(join(this.dir.path, "blobs", "sha256"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.registry[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}

/** A pod whose container has this image. */
function podWith(image: string, imageID = ""): Pod {
  return {
    spec: { containers: [{ name: "c", image }] },
    status: {
      containerStatuses: [{ name: "c", image, imageID, ready: false, restartCount: 0, state: {} }],
    },
  } as Pod;
}

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

Deno.test("Collector leaves everything while the disk has room, or the pods are not known", async () => {
  await using room = await Room.open();
  await room.pull("app", moduleOf(5_000));
  const disk = () => Promise.resolve({ bytes: 100, availableBytes: 50 });
  assert.deepEqual((await room.collect({ disk }).round(signal)).removed, []);
  room.pods = undefined;
  assert.deepEqual((await room.collect().round(signal)).removed, []);
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
  assert.deepEqual([...imagesInUse(pods)].sort(), [
    "docker.io/library/hello:latest",
    "r.io/a@x",
    `r.io/b:1@${digest}`,
    `r.io/b@${digest}`,
  ]);
});
