/**
 * What is in the store, what of it belongs to which image, and the removal of what is not needed.
 *
 * @module
 */
import { join } from "node:path";
import { namesIn, removeTree } from "../../files.ts";
import { treeId, type TreePart } from "../layout/tree_store.ts";
import { MANIFEST_BYTES_MAX } from "../limits.ts";
import { isDigest } from "../oci/reference.ts";
import { bytesIn, diskFailure, ignoreNotFound, isFullDisk } from "./disk.ts";
import { blobsOf, imageBytes, type ImageRecord } from "./image_record.ts";
import type { ImageUse, IndexState } from "./index_state.ts";
import { BESIDE } from "./leftovers.ts";
import type { ReferenceIndex } from "./reference_index.ts";
import type { BlobStore } from "./store.ts";
import type { StoreLock } from "./store_lock.ts";

/** An image in the store, under all its names. */
export interface StoredImage extends ImageUse {
  /** `registry/repository@digest`. */
  readonly imageId: string;
  /** The tags that it was pulled by, in their normal form. */
  readonly tags: readonly string[];
  /** Of its module and its layers, as they were sent. */
  readonly sizeBytes: number;
}

/** Options of an {@linkcode Inventory}. */
export interface InventoryOptions {
  readonly dir: string;
  readonly index: ReferenceIndex;
  readonly store: BlobStore;
  readonly lock: StoreLock;
  /**
   * Since when images are brought, in ms since 1970: what was asked for since then may be a part of these.
   * `Infinity` if none is.
   */
  readonly busySinceMs: () => number;
}

/** Milliseconds that content without a record is left alone: a pull may be about to name it. */
export const ORPHAN_MS_MIN = 3_600_000;
/** The same when space is short and nothing is pulled: the next try of a failed pull goes on with it. */
export const ORPHAN_URGENT_MS_MIN = 120_000;

/** Counts and clears the store. */
export class Inventory {
  readonly #options: InventoryOptions;
  /** When images were used that the index has not heard of yet. */
  readonly #touched = new Map<string, number>();
  /** Trees of images that have no record: those of this machine's files. */
  readonly #held = new Set<string>();
  /** What was given out, by image: a tag that has moved leaves no record of what still runs. */
  readonly #given = new Map<string, { readonly record: ImageRecord; readonly atMs: number }>();
  /** The images that are in use, as the collector has last said. */
  #inUse: ReadonlySet<string> = new Set();

  constructor(options: InventoryOptions) {
    this.#options = options;
  }

  /** Takes down that an image is used now. It reaches the disk with {@linkcode list}. */
  touch(record: ImageRecord): void {
    const atMs = Date.now();
    this.#touched.set(record.imageId, atMs);
    this.#given.set(givenKey(record), { record, atMs });
  }

  /** Learns of all images in use: their content stays, whatever names them. */
  protect(inUse: ReadonlySet<string>): void {
    this.#inUse = inUse;
    // A pod that has just been given one may not have said so yet.
    const longAgoMs = Date.now() - ORPHAN_MS_MIN;
    for (const [key, { record, atMs }] of this.#given) {
      if (!inUse.has(record.imageId) && atMs < longAgoMs) this.#given.delete(key);
    }
  }

  /** Keeps a tree that belongs to no record from being swept away, as long as this process lives. */
  hold(parts: readonly TreePart[]): void {
    this.#held.add(treeId(parts));
  }

  /**
   * All images, after taking down the use of those in `inUse`. On a full disk that is kept in mind
   * only, until there is room for it.
   */
  async list(inUse: Iterable<string> = []): Promise<StoredImage[]> {
    const { index } = this.#options;
    for (const imageId of inUse) this.#touched.set(imageId, Date.now());
    const touched = new Map(this.#touched);
    this.#touched.clear();
    const nowMs = Date.now();
    let now = await index.all();
    const ids = new Set([...now.images.values()].map(({ imageId }) => imageId));
    const isOff = (id: string): boolean => !((now.use.get(id)?.lastMs ?? Infinity) <= nowMs);
    if ([...ids].some((id) => touched.has(id) || isOff(id))) {
      if (!await changeIfRoom(index, (state) => now = withUse(state, touched, nowMs))) {
        for (const [id, ms] of touched) if (!this.#touched.has(id)) this.#touched.set(id, ms);
      }
    }
    return storedImages(now);
  }

  /**
   * Removes an image under all its names, unless it has been used at `unusedSinceMs` or later; and
   * what nothing else needs of its content. Returns the bytes that this frees, which may be none;
   * undefined if the image stays.
   */
  async remove(imageId: string, unusedSinceMs: number): Promise<number | undefined> {
    const { index } = this.#options;
    let gone: readonly ImageRecord[] = [];
    const forget = (state: IndexState): IndexState => {
      gone = [...state.images.values()].filter((record) => record.imageId === imageId);
      const lastMs = Math.max(
        state.use.get(imageId)?.lastMs ?? 0,
        this.#touched.get(imageId) ?? 0,
      );
      if (lastMs >= unusedSinceMs) gone = [];
      return gone.length === 0 ? state : withoutImage(state, imageId);
    };
    const isForgotten = await changeIfRoom(index, forget);
    if (gone.length === 0) return undefined;
    const freed = await this.#removeContent(imageId, gone, unusedSinceMs);
    // A disk too full for a new index has room for it now; a record without content is only a pull.
    if (!isForgotten) await changeIfRoom(index, forget);
    return freed;
  }

  #isBusy(): boolean {
    return this.#options.busySinceMs() !== Infinity;
  }

  /** What is in use, as it was given out. */
  #running(): ImageRecord[] {
    return [...this.#given.values()].map(({ record }) => record)
      .filter(({ imageId }) => this.#inUse.has(imageId));
  }

  /** Removes what these records of one image need, and no other image does. */
  async #removeContent(
    imageId: string,
    records: readonly ImageRecord[],
    unusedSinceMs: number,
  ): Promise<number> {
    const { images } = await this.#options.index.all();
    const kept = await this.#kept([
      ...images.values().filter((record) => record.imageId !== imageId),
      ...this.#running(),
    ]);
    const own = await this.#kept(records);
    const beforeMs = Math.min(unusedSinceMs, this.#options.busySinceMs());
    let freed = 0;
    for (const digest of own.blobs) {
      if (!kept.blobs.has(digest)) freed += await this.#removeBlob(digest, beforeMs);
    }
    // Nobody takes down who looked for a tree: while images are brought, the sweep has to find it.
    if (this.#isBusy()) return freed;
    for (const id of own.trees) if (!kept.trees.has(id)) freed += await this.#removeTree(id);
    return freed;
  }

  /**
   * Removes content that belongs to no image and has lain here for `ORPHAN_MS_MIN`, or if that is
   * `urgent` for `ORPHAN_URGENT_MS_MIN`. Returns the bytes that this frees.
   */
  async sweep(nowMs: number, { urgent = false } = {}): Promise<number> {
    const { index, store, dir } = this.#options;
    const beforeMs = nowMs - (urgent && !this.#isBusy() ? ORPHAN_URGENT_MS_MIN : ORPHAN_MS_MIN);
    const kept = await this.#kept([...(await index.all()).images.values(), ...this.#running()]);
    let freed = 0;
    for await (const { digest } of store.list()) {
      if (!kept.blobs.has(digest)) freed += await this.#removeBlob(digest, beforeMs);
    }
    for (const name of await namesIn(join(dir, "trees"))) {
      if (!/^[0-9a-f]{64}$/.test(name) || kept.trees.has(name)) continue;
      const info = await Deno.stat(join(dir, "trees", name)).catch(ignoreNotFound);
      if ((info?.mtime?.getTime() ?? Infinity) >= beforeMs || this.#held.has(name)) continue;
      freed += await this.#removeTree(name);
    }
    return freed;
  }

  /** Does the work if no other process uses the store; else returns `"shared"`. */
  async alone<T>(work: () => Promise<T>): Promise<T | "shared"> {
    try {
      return await this.#options.lock.alone(work);
    } catch (error) {
      throw diskFailure(error, this.#options.dir);
    }
  }

  /** All content that these images need: blobs, their manifests among them, and trees. */
  async #kept(
    records: Iterable<ImageRecord>,
  ): Promise<{ readonly blobs: ReadonlySet<string>; readonly trees: ReadonlySet<string> }> {
    const blobs = new Set<string>();
    const trees = new Set<string>();
    for (const record of records) {
      for (const { digest } of blobsOf(record)) blobs.add(digest);
      if (record.tree !== undefined) trees.add(treeId(record.tree.parts));
      const manifest = record.imageId.slice(record.imageId.lastIndexOf("@") + 1);
      if (isDigest(manifest)) await this.#addManifest(manifest, blobs);
    }
    return { blobs, trees };
  }

  /** An index names manifests; those that were needed are here. */
  async #addManifest(digest: string, blobs: Set<string>): Promise<void> {
    if (blobs.has(digest)) return;
    const path = this.#options.store.path(digest);
    const info = await Deno.stat(path).catch(ignoreNotFound);
    if (info === undefined || info.size > MANIFEST_BYTES_MAX) return;
    blobs.add(digest);
    const text = await Deno.readTextFile(path).catch(() => "");
    for (const inner of manifestsIn(text)) await this.#addManifest(inner, blobs);
  }

  async #removeBlob(digest: string, beforeMs: number): Promise<number> {
    return await this.#options.store.remove(digest, beforeMs).catch((error) => {
      throw diskFailure(error, this.#options.dir);
    });
  }

  async #removeTree(id: string): Promise<number> {
    const path = join(this.#options.dir, "trees", id);
    const bytes = await bytesIn(path);
    // Away with its name first: what is half removed must not be found.
    const gone = join(this.#options.dir, "trees", `${BESIDE}gone-${id}`);
    try {
      await Deno.rename(path, gone);
      await removeTree(gone);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw diskFailure(error, this.#options.dir);
    }
    return bytes;
  }
}

/** An image may be here to run and to be mounted, with other content each. */
function givenKey({ imageId, purpose = "run" }: ImageRecord): string {
  return `${purpose} ${imageId}`;
}

/** Images by what they are, the tags of each together. Touches nothing. */
export function storedImages({ images, use }: IndexState): StoredImage[] {
  const byId = Map.groupBy(images.values(), ({ imageId }) => imageId);
  return [...byId].map(([imageId, records]) => ({
    imageId,
    tags: [...new Set(records.map(({ image }) => image))]
      .filter((image) => !image.includes("@")).sort(),
    // For a volume more of it may be here than is needed to run it.
    sizeBytes: Math.max(...records.map(imageBytes)),
    ...(use.get(imageId) ?? { firstMs: 0, lastMs: 0 }),
  }));
}

/** False if the disk has no room for the change; `decide` has been asked all the same. */
async function changeIfRoom(
  index: ReferenceIndex,
  decide: (state: IndexState) => IndexState,
): Promise<boolean> {
  try {
    await index.change(decide);
    return true;
  } catch (error) {
    if (!isFullDisk(error)) throw error;
    return false;
  }
}

// A use in the future was noted by a clock that was set back since: it would keep an image until then.
function withUse(
  state: IndexState,
  touched: ReadonlyMap<string, number>,
  nowMs: number,
): IndexState {
  const use = new Map<string, ImageUse>();
  for (const { imageId } of state.images.values()) {
    const { firstMs = nowMs, lastMs = nowMs } = state.use.get(imageId) ?? {};
    const seenMs = Math.max(lastMs, touched.get(imageId) ?? 0);
    use.set(imageId, { firstMs: Math.min(firstMs, nowMs), lastMs: Math.min(seenMs, nowMs) });
  }
  return { ...state, use };
}

function withoutImage(state: IndexState, imageId: string): IndexState {
  const without = <T>(map: ReadonlyMap<string, T>): Map<string, T> =>
    new Map([...map].filter(([key]) => key !== imageId));
  return {
    images: new Map([...state.images].filter(([, record]) => record.imageId !== imageId)),
    access: without(state.access),
    use: without(state.use),
    signed: without(state.signed),
  };
}

function manifestsIn(text: string): string[] {
  try {
    const { manifests }: { manifests?: unknown } = Object(JSON.parse(text));
    return (Array.isArray(manifests) ? manifests : []).flatMap((entry: unknown) => {
      const { digest } = Object(entry);
      return typeof digest === "string" && isDigest(digest) ? [digest] : [];
    });
  } catch {
    return [];
  }
}
