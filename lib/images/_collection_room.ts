/**
 * A store to be collected, for tests.
 *
 * @module
 */
import { join } from "node:path";
import type { Pod } from "../api/types.ts";
import { Collector, type CollectorOptions, type CollectorTrouble } from "./collector.ts";
import { type ImageOnDisk, ImageStore } from "./images.ts";
import { imagesInUse } from "./images_in_use.ts";
import { names, TestDir, TestRegistry } from "./oci/_test_registry.ts";

const { signal } = new AbortController();
/** A disk without a byte left. */
export const FULL = { bytes: 1_000_000, availableBytes: 0 };
/** A disk with room. */
export const HALF_FULL = { bytes: 100, availableBytes: 50 };
/** One hour. */
export const HOUR_MS = 3_600_000;

/** A store with images in it, which is collected as if an hour had passed. */
export class Room implements AsyncDisposable {
  readonly registry: TestRegistry;
  readonly dir = new TestDir();
  readonly troubles: CollectorTrouble[] = [];
  readonly store: ImageStore;
  pods: readonly Pod[] = [];
  /** How often somebody could not go on for want of space. */
  alarms = 0;

  static async open(): Promise<Room> {
    return new Room(await TestRegistry.start());
  }

  private constructor(registry: TestRegistry) {
    this.registry = registry;
    this.store = new ImageStore({
      dir: this.dir.path,
      registries: { insecure: [registry.host] },
      localModules: "refused",
      onDiskFull: () => this.alarms++,
    });
  }

  /** From now on the index cannot be written, until somebody has tried it. */
  async fillDisk(): Promise<void> {
    await Deno.symlink("/dev/full", join(this.dir.path, "references.json.new"));
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
      inUse: () => imagesInUse(this.pods),
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
export function podWith(image: string, imageID = ""): Pod {
  return {
    spec: { containers: [{ name: "c", image }] },
    status: {
      containerStatuses: [{ name: "c", image, imageID, ready: false, restartCount: 0, state: {} }],
    },
  } as Pod;
}
