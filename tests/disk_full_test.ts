/** The image store when its disk is full. */
import assert from "node:assert/strict";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { type CommandResult, krustletCommand } from "./harness/command.ts";
import { ImageShop, namesIn, run, WASM_HEAD } from "./harness/image_shop.ts";
import { pushTree } from "./harness/push_tree.ts";
import { SmallDisk } from "./harness/small_disk.ts";

const MIB = 2 ** 20;
/** What the smallest file takes of a file system in memory. */
const PAGE = 4096;

/** A test on a disk of its own; left out, and counted as such, where there can be none. */
const mayMount = await SmallDisk.open(MIB);
await mayMount?.[Symbol.asyncDispose]();

function onSmallDisk(
  name: string,
  bytes: number,
  play: (
    shop: ImageShop,
    disk: SmallDisk,
    pull: (image: string) => Promise<CommandResult>,
  ) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: mayMount === undefined,
    sanitizeOps: false, // the registry outlives its test's last tick
    sanitizeResources: false,
    async fn(): Promise<void> {
      await using shop = await ImageShop.open();
      await using disk = (await SmallDisk.open(bytes))!;
      await play(
        shop,
        disk,
        (image) => run([...disk.within, ...krustletCommand(), ...shop.words(image, disk.dir)]),
      );
    },
  });
}

onSmallDisk(
  "a full disk: says what is missing, keeps nothing, and heals",
  8 * MIB,
  async (shop, disk, pull) => {
    const small = await shop.module("small");
    const large = await shop.module("large", 12 * MIB);
    const zeros = new Uint8Array(20 * MIB);
    zeros.set(WASM_HEAD);
    const tree = await pushTree(shop.registry, {
      repo: "tree",
      layers: [{ packing: "gzip", files: { "app.wasm": zeros } }],
      run: { Entrypoint: ["/app.wasm"] },
    });
    assert.equal((await pull(small.image)).code, 0);
    const before = await disk.free();
    const index = await Deno.readTextFile(disk.path("images/references.json"));

    const failed = await pull(large.image);
    assert.equal(failed.code, 1, failed.stderr);
    const [, dir, needed = "", free = "", missing = ""] =
      /no space is left on the disk of "(.+?)": (\d+) bytes are needed and (\d+) are free; free (\d+) bytes, or choose a folder on another disk with --data-dir/
        .exec(failed.stderr) ?? assert.fail(failed.stderr);
    assert.equal(dir, join(disk.dir, "images"));
    assert.ok(Number(needed) >= 12 * MIB && Number(free) > 7 * MIB && Number(free) < 8 * MIB);
    assert.equal(Number(needed) - Number(free), Number(missing));

    const unpacked = await pull(tree.image);
    assert.equal(unpacked.code, 1, unpacked.stderr);
    assert.match(
      unpacked.stderr,
      /no space is left on the disk of ".+\/images\/trees": more than \d+ bytes are needed and \d+ are free/,
    );

    assert.deepEqual(await namesIn(disk.path("images/partial")), []);
    assert.deepEqual(await namesIn(disk.path("images/trees")), []);
    // What came whole stays for the next try: two manifests, and the tree's layer.
    assert.ok(await disk.free() > before - 40 * PAGE, "its space is given back");
    assert.equal(await Deno.readTextFile(disk.path("images/references.json")), index);

    await disk.remount(`size=${64 * MIB}`);
    for (const { image } of [large, tree, small]) {
      const { code, stderr } = await pull(image);
      assert.equal(code, 0, stderr);
    }
    const [id = ""] = await namesIn(disk.path("images/trees"));
    assert.deepEqual(await Deno.readFile(disk.path("images/trees", id, "root/app.wasm")), zeros);
  },
);

onSmallDisk(
  "a full disk: the old index stays when there is no room for a new one",
  8 * MIB,
  async (shop, disk, pull) => {
    const [old, late] = [await shop.module("old"), await shop.module("late")];
    assert.equal((await pull(old.image)).code, 0);
    const path = disk.path("images/references.json");
    const index = await Deno.readTextFile(path);
    // Room for the manifest and the module, and for nothing else.
    await disk.fillUpTo(2 * PAGE);
    const failed = await pull(late.image);
    assert.equal(failed.code, 1, failed.stderr);
    assert.match(
      failed.stderr,
      /no space is left on the disk of ".+": \d+ bytes are needed and 0 are free/,
    );
    const blobs = await namesIn(disk.path("images/blobs/sha256"));
    assert.ok(blobs.includes(late.layerDigest.slice("sha256:".length)), "it came to the index");
    assert.equal(await Deno.readTextFile(path), index);
    assert.deepEqual(
      (await namesIn(disk.path("images"))).filter((name) => name.endsWith(".new")),
      [],
    );

    await Deno.remove(disk.path("ballast"));
    assert.equal((await pull(late.image)).code, 0);
    const both = await Deno.readTextFile(path);
    for (const { manifestDigest } of [old, late]) assert.ok(both.includes(manifestDigest));
  },
);

onSmallDisk(
  "a full disk: no room for another file is said as such",
  8 * MIB,
  async (shop, disk, pull) => {
    const { image } = await shop.module("one");
    const { files, ffree } = await statfs(disk.path());
    await disk.remount(`nr_inodes=${files - ffree + 7}`);
    const failed = await pull(image);
    assert.equal(failed.code, 1, failed.stderr);
    assert.match(failed.stderr, /for another file, though \d+ bytes are free; remove some files/);
    await disk.remount("nr_inodes=1000");
    assert.equal((await pull(image)).code, 0);
  },
);
