/** What a power failure, a bad disk or a person may leave in the store, and the next start. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type ImageOnDisk, ImageStore } from "../images.ts";
import { entry, layerOf } from "../layout/_test_tar.ts";
import { OCI_MANIFEST } from "../oci/media_types.ts";
import { digestOf, moduleOf, names, TestDir, TestRegistry } from "../oci/_test_registry.ts";

const MODULE = moduleOf(5000);
const { signal } = new AbortController();

/** What is in the store's folder, before it is damaged. */
interface Stored {
  readonly dir: string;
  readonly module: string;
  readonly tree: string;
  readonly index: string;
}

interface Damage {
  /** Harms the store between two starts. */
  harm(stored: Stored): Promise<unknown>;
  /** Blobs that come again: of the module, and of the tree's layer. @default {none} */
  readonly again?: readonly ("module" | "layer")[];
}

const zeros = (path: string, bytes: number): Promise<void> =>
  Deno.writeFile(path, new Uint8Array(bytes));
const empty = async (path: string): Promise<void> => {
  await Deno.remove(path, { recursive: true });
  await Deno.mkdir(join(path, "in", "it"), { recursive: true });
};
const fileInPlace = async (path: string): Promise<void> => {
  await Deno.remove(path, { recursive: true });
  await Deno.writeTextFile(path, "no folder");
};

/** Without the index nobody knows which repository gave what is here, and whose it is. */
const ALL = ["module", "layer"] as const;

const DAMAGES: Readonly<Record<string, Damage>> = {
  "a blob that is cut": { harm: ({ module }) => Deno.truncate(module, 4999), again: ["module"] },
  "a blob of zeros": { harm: ({ module }) => zeros(module, 5000), again: ["module"] },
  "a blob that is empty": { harm: ({ module }) => zeros(module, 0), again: ["module"] },
  "a blob that is longer": {
    harm: ({ module }) => Deno.writeTextFile(module, "more", { append: true }),
    again: ["module"],
  },
  "a blob that is a folder": { harm: ({ module }) => empty(module), again: ["module"] },
  "a blob that is gone": { harm: ({ module }) => Deno.remove(module), again: ["module"] },
  "a link to itself for a blob": {
    harm: async ({ module }) => {
      await Deno.remove(module);
      await Deno.symlink(module, module);
    },
    again: ["module"],
  },
  "a file for the folder of all blobs": {
    harm: ({ dir }) => fileInPlace(join(dir, "blobs")),
    again: ["module"],
  },
  "a file for the folder of blobs by sha256": {
    harm: ({ dir }) => fileInPlace(join(dir, "blobs", "sha256")),
    again: ["module"],
  },
  "a file for the folder of downloads": { harm: ({ dir }) => fileInPlace(join(dir, "partial")) },
  "a file for the folder of trees": { harm: ({ dir }) => fileInPlace(join(dir, "trees")) },
  "a torn file in a tree": { harm: ({ tree }) => Deno.truncate(join(tree, "root/app.wasm"), 9) },
  "a tree and its layer of zeros": {
    harm: async ({ dir, tree }) => {
      await zeros(join(tree, "tree.json"), 50);
      for (const name of names(join(dir, "blobs/sha256"))) {
        const path = join(dir, "blobs/sha256", name);
        await zeros(path, (await Deno.stat(path)).size);
      }
    },
    again: ["module", "layer"],
  },
  "an index that is cut": {
    harm: async ({ index }) => Deno.truncate(index, (await Deno.stat(index)).size >> 1),
    again: ALL,
  },
  "an index of zeros": { harm: ({ index }) => zeros(index, 4096), again: ALL },
  "an empty index": { harm: ({ index }) => zeros(index, 0), again: ALL },
  "an index of another program": {
    harm: ({ index }) => Deno.writeTextFile(index, "{}"),
    again: ALL,
  },
  "an index that is a folder": { harm: ({ index }) => empty(index), again: ALL },
  "no index": { harm: ({ index }) => Deno.remove(index), again: ALL },
  "what a killed run left": {
    harm: async ({ dir, index }) => {
      await zeros(`${index}.new`, 99);
      await zeros(join(dir, "partial", "x"), 99);
      await Deno.mkdir(join(dir, "trees", ".making-x", "root"), { recursive: true });
      await zeros(join(dir, "trees", ".making-x", "root", "app.wasm"), 99);
    },
  },
};

/** A registry with an image of each kind, and a store that has pulled them. */
class Fixture implements AsyncDisposable {
  readonly registry: TestRegistry;
  readonly layer: string;
  readonly #dir = new TestDir();

  static async open(): Promise<Fixture> {
    return new Fixture(await TestRegistry.start());
  }

  private constructor(registry: TestRegistry) {
    this.registry = registry;
    registry.artifact("module", "v1", MODULE);
    const { bytes, diffId } = layerOf(entry.file("app.wasm", MODULE), entry.file("data/a", "a"));
    this.layer = digestOf(bytes);
    const config = {
      os: "wasip1",
      architecture: "wasm",
      rootfs: { type: "layers", diff_ids: [diffId] },
    };
    registry.manifest("tree", "v1", {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: registry.blob(
        new TextEncoder().encode(JSON.stringify(config)),
        "application/vnd.oci.image.config.v1+json",
      ),
      layers: [registry.blob(bytes, "application/vnd.oci.image.layer.v1.tar+gzip")],
    });
  }

  /** Starts, pulls both images if they are not there, and checks what was got. */
  async pull(): Promise<Stored> {
    const dir = join(this.#dir.path, "images");
    const { host } = this.registry;
    await using store = new ImageStore({
      dir,
      registries: { insecure: [host] },
      localModules: "refused",
    });
    const ensure = (name: string): Promise<ImageOnDisk> =>
      store.ensure({ image: `${host}/${name}:v1`, secrets: [] }, { signal });
    const { module } = await ensure("module");
    const { tree } = await ensure("tree");
    assert.deepEqual(await Deno.readFile(module!.path), MODULE);
    assert.deepEqual(await Deno.readFile(join(tree!.path, "app.wasm")), MODULE);
    assert.equal(await Deno.readTextFile(join(tree!.path, "data/a")), "a");
    const index = join(dir, "references.json");
    return { dir, module: module!.path, tree: join(tree!.path, ".."), index };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry[Symbol.asyncDispose]();
    await this.#dir[Symbol.asyncDispose]();
  }
}

for (const [name, { harm, again = [] }] of Object.entries(DAMAGES)) {
  Deno.test(`ImageStore heals at the next start: ${name}`, async () => {
    await using fixture = await Fixture.open();
    const stored = await fixture.pull();
    await harm(stored);
    fixture.registry.seen.length = 0;
    const healed = await fixture.pull();
    assert.deepEqual(healed, stored);
    const downloaded = {
      module: fixture.registry.downloads(digestOf(MODULE)).length,
      layer: fixture.registry.downloads(fixture.layer).length,
    };
    assert.deepEqual(downloaded, {
      module: again.includes("module") ? 1 : 0,
      layer: again.includes("layer") ? 1 : 0,
    });
    const { dir } = stored;
    assert.deepEqual(names(join(dir, "partial")), []);
    assert.deepEqual(names(join(dir, "trees")).filter((name) => name.startsWith(".")), []);
    fixture.registry.seen.length = 0;
    await fixture.pull();
    assert.deepEqual(fixture.registry.seen, [], "all is in order again");
  });
}
