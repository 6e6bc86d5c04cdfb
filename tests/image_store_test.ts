/** What a node tells of its images, which of them it removes, and when. */
import assert from "node:assert/strict";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { guest } from "./guests/build.ts";
import type { Cluster } from "./harness/cluster.ts";
import { eventually } from "./harness/eventually.ts";
import { type Krustlet, startKrustlet } from "./harness/kubelet.ts";
import { NodePods } from "./harness/node_pods.ts";
import { conditionOf, type Event, type NodeImage } from "./harness/objects.ts";
import { pushArtifact, type Pushed } from "./harness/push.ts";
import { type Registry, startRegistry } from "./harness/registry.ts";
import { SmallDisk } from "./harness/small_disk.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { useCluster } from "./harness/testbed.ts";
import { type PodRef, waitEnded, waitEvent } from "./harness/wait_pod.ts";

const scenario = useCluster();
const MIB = 2 ** 20;
/** As left out, a test counts on machines where it cannot be. */
const mayMount = await SmallDisk.open(MIB);
await mayMount?.[Symbol.asyncDispose]();

/** Nothing is removed for space, and nothing is too young to be. */
const LAZY = { imageGCHighThresholdPercent: 100, imageMinimumGCAge: "0s" };
/** The cluster keeps pods away from a node under pressure; those of a test go there. */
const TOLERANT = { tolerations: [{ operator: "Exists" }] };
const QUICK = { nodeStatusUpdateFrequency: "1s" };
/** One mark for the disk alone, and a shortage that is over when it is over. */
const TENTH = {
  evictionHard: { "nodefs.available": "10%" },
  evictionPressureTransitionPeriod: "3s",
};

scenario("status.images, and images that go for their age or for space", async (cluster) => {
  await using room = await Room.open(cluster, { ...LAZY, ...QUICK, nodeStatusMaxImages: 3 });
  const { node, pods } = room;
  const images = {
    small: await room.push("small", 10_000),
    used: await room.push("used", 40_000),
    large: await room.push("large", 80_000),
    middle: await room.push("middle", 60_000),
  };
  const refs = new Map<string, PodRef>();
  for (const [name, { image }] of Object.entries(images)) {
    refs.set(name, await pods.succeeds(name, image));
  }
  const told = await room.told(images.large, images.middle, images.used);
  const sizes = told.map(({ sizeBytes = 0 }) => sizeBytes);
  assert.deepEqual(sizes, sizes.toSorted((a, b) => b - a));
  assert.ok(sizes[0]! > 80_000 && sizes[2]! > 40_000 && sizes[2]! < 60_000);
  for (const name of ["small", "large", "middle"]) await pods.remove(refs.get(name)!);

  const full = { ...LAZY, ...QUICK, ...await thresholdsInUse(node.dataDir) };
  await room.restart({ ...full, imageMinimumGCAge: "1h" });
  const event = await nodeEvent(cluster, node, "FreeDiskSpaceFailed");
  assert.match(
    event.message,
    /Failed to free sufficient space by deleting unused images \(freed 0/,
  );
  await room.told(images.large, images.middle, images.used, images.small);

  await room.restart(full);
  await room.told(images.used);
  const log = await node.log();
  for (const name of ["small", "large", "middle"] as const) {
    assert.ok(log.includes(`/${name}@${images[name].manifestDigest}`), `${name} was removed`);
  }
  assert.match(log, /Removed 3 images and freed 1[5-9]\d{4} bytes/);

  await pods.remove(await pods.succeeds("again", images.small.image));
  await room.told(images.used, images.small);
  await room.restart({ ...LAZY, ...QUICK, imageMaximumGCAge: "1s" });
  await room.told(images.used);
  await pods.succeeds("still-here", images.used.image, {});
  const pulls = (await room.registry.requests()).filter((line) =>
    line === "GET /v2/used/manifests/v1"
  );
  assert.equal(pulls.length, 1, "what is in use was never pulled again");
});

scenario(
  "a disk that is short of space, or full, costs images that nobody uses",
  async (cluster) => {
    await using disk = (await SmallDisk.open(128 * MIB))!;
    await using room = await Room.open(cluster, { ...LAZY, ...QUICK, ...TENTH }, disk);
    const { node, pods } = room;
    const used = await room.push("used", 4 * MIB);
    const old = await room.push("old", 8 * MIB);
    const recent = await room.push("recent", 8 * MIB);
    await pods.succeeds("used", used.image, TOLERANT);
    for (const { image } of [old, recent]) {
      await pods.remove(await pods.succeeds("passing", image, TOLERANT));
    }
    await room.told(old, recent, used);

    // By the marks: 71 % are used, and to remove one image is enough to come below 66 %.
    await leave(disk, 38 * MIB);
    await room.restart({
      ...{ ...LAZY, ...QUICK, ...TENTH, imageGCHighThresholdPercent: 70 },
      imageGCLowThresholdPercent: 66,
    });
    await room.told(recent, used);

    // A pull that has not enough room: it has after the removal of what nobody uses.
    await leave(disk, 16 * MIB);
    const big = await room.push("big", 20 * MIB);
    const ref = await pods.pod({ name: "big", containers: [{ image: big.image }], spec: TOLERANT });
    const message = /no space is left on .*Images that nobody uses are removed now/;
    await waitEvent(cluster, ref, { reason: "Failed", message });
    await waitEnded(cluster, ref, "Succeeded", 60_000);
    await room.told(big, used);

    // Nothing is left at all, not even for an index without the image.
    await leave(disk, 20 * MIB);
    await pods.remove(ref);
    await leave(disk, 0);
    const event = await nodeEvent(cluster, node, "EvictionThresholdMet");
    assert.equal(event.message, "Attempting to reclaim ephemeral-storage");
    await eventually("the node to tell of the pressure", async () => {
      return conditionOf((await node.node())!, "DiskPressure")?.status === "True";
    });
    await room.told(used);
    assert.ok(await disk.free() >= 20 * MIB);
    await eventually("the pressure to be over", async () => {
      return conditionOf((await node.node())!, "DiskPressure")?.status === "False";
    });
    await pods.succeeds("still-here", used.image, TOLERANT);
  },
  { unless: mayMount === undefined },
);

/** A node whose configuration changes from start to start, and a registry. */
class Room implements AsyncDisposable {
  readonly node: Krustlet;
  readonly pods: NodePods;
  readonly registry: Registry;
  readonly #configFile: string;
  readonly #parts: AsyncDisposableStack;

  static async open(
    cluster: Cluster,
    config: Readonly<Record<string, unknown>>,
    disk?: SmallDisk,
  ): Promise<Room> {
    await using parts = new AsyncDisposableStack();
    const folder = parts.use(await tempFolder());
    const configFile = join(folder.path, "config.json");
    await Deno.writeTextFile(configFile, JSON.stringify(config));
    const registry = parts.use(await startRegistry());
    const args = ["--config", configFile];
    const insecureRegistries = [registry.host];
    const wish = { args, insecureRegistries, ...(disk === undefined ? {} : { disk }) };
    const node = parts.use(await startKrustlet(cluster, wish));
    const pods = parts.use(await NodePods.open(node));
    return new Room({ node, pods, registry, configFile, parts: parts.move() });
  }

  private constructor(
    { configFile, parts, ...rest }: Pick<Room, "node" | "pods" | "registry"> & {
      readonly configFile: string;
      readonly parts: AsyncDisposableStack;
    },
  ) {
    this.node = rest.node;
    this.pods = rest.pods;
    this.registry = rest.registry;
    this.#configFile = configFile;
    this.#parts = parts;
  }

  /** Pushes a program that says hello, made larger by so many bytes, which no other image has. */
  async push(repo: string, bytes: number): Promise<Pushed> {
    const hello = await Deno.readFile(await guest("hello"));
    const wasm = new Uint8Array(hello.length + bytes + 6);
    wasm.set(hello);
    wasm[hello.length] = 0; // a custom section
    for (let i = 0, rest = bytes; i < 5; i++, rest >>>= 7) {
      wasm[hello.length + 1 + i] = (rest & 0x7f) | (i < 4 ? 0x80 : 0);
    }
    for (let at = hello.length + 7; at < wasm.length; at += 65_536) {
      crypto.getRandomValues(wasm.subarray(at, at + 65_536));
    }
    return await pushArtifact(this.registry, { repo, wasm });
  }

  /** Starts the agent again, with another configuration. */
  async restart(config: Readonly<Record<string, unknown>>): Promise<void> {
    await Deno.writeTextFile(this.#configFile, JSON.stringify(config));
    await this.node.end("SIGTERM");
    await this.node.restart();
  }

  /** Waits until the node names these images, in this order, by digest and tag. */
  async told(...images: readonly Pushed[]): Promise<readonly NodeImage[]> {
    const wanted = images.map(({ image, pinned }) => [pinned, image]);
    return await eventually(`the node to name ${wanted}`, async () => {
      await this.node.process.mustRun();
      const { images = [] } = (await this.node.node())!.status;
      const names = images.map(({ names }) => names);
      if (JSON.stringify(names) === JSON.stringify(wanted)) return images;
      throw new Error(`it names ${names.join(" and ")}\n${await this.node.tail()}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
  }
}

/** Marks just below what the node's disk has in use, whatever that is. */
async function thresholdsInUse(dir: string): Promise<Readonly<Record<string, number>>> {
  const { blocks, bavail } = await statfs(dir);
  const high = Math.max(1, 98 - Math.floor(bavail * 100 / blocks));
  return { imageGCHighThresholdPercent: high, imageGCLowThresholdPercent: high - 1 };
}

/** Leaves so many bytes of a disk free. */
async function leave(disk: SmallDisk, freeBytes: number): Promise<void> {
  await Deno.remove(disk.path("ballast")).catch(() => {});
  await disk.fillUpTo(freeBytes).catch((error) => {
    // Somebody else has written meanwhile: it is full all the same.
    if (freeBytes > 0 || error.code !== "ENOSPC") throw error;
  });
}

/** Waits for an event of the node itself. */
async function nodeEvent(cluster: Cluster, node: Krustlet, reason: string): Promise<Event> {
  return await eventually(`event ${reason} of the node`, async () => {
    const selector = encodeURIComponent(
      `involvedObject.kind=Node,involvedObject.name=${node.nodeName},reason=${reason}`,
    );
    const { items } = await cluster.get<{ items: Event[] }>(
      `/api/v1/namespaces/default/events?fieldSelector=${selector}`,
    );
    return items[0];
  });
}
