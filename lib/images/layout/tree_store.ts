/**
 * Unpacked images on disk, named by what they are made of: `<dir>/trees/<hex>/`.
 *
 * `root/` holds the files and `tree.json` says which and of what digest. A tree is made beside and
 * renamed, so whatever bears a tree's name was whole once; its files are hashed again at the first use
 * after a start, as a power failure may have torn them. Nobody writes to a tree.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { messageOf } from "../../errors.ts";
import { removeTree } from "../../files.ts";
import { Flights } from "../flights.ts";
import { DISK_BYTES } from "../limits.ts";
import {
  bytesIn,
  diskFailure,
  isDamage,
  isFullDisk,
  removeDamaged,
  spaceFailure,
} from "../store/disk.ts";
import { BESIDE } from "../store/leftovers.ts";
import { Turns } from "./turns.ts";
import { type LayerSource, unpackLayers } from "./unpack.ts";
import { formatTreeIndex, parseTreeIndex, type TreeEntry, type TreeIndex } from "./tree_index.ts";

/** What a tree is made of, lowest first. The digests are those of the blobs. */
export type TreePart =
  | {
    readonly kind: "archive";
    readonly digest: string;
    readonly size: number;
    /** Digest of the unpacked archive. */
    readonly diffId?: string;
  }
  | {
    readonly kind: "file";
    readonly digest: string;
    readonly size: number;
    readonly path: string;
  };

/** A tree on disk. */
export interface Tree {
  readonly id: string;
  /** Absolute path of the folder that is the tree's root. Nothing in it ever changes. */
  readonly path: string;
  readonly index: TreeIndex;
}

/** The name of the tree that is made of these parts: 64 hexadecimal digits. */
export function treeId(parts: readonly TreePart[]): string {
  const lines = parts.map((part) =>
    part.kind === "file"
      ? ["file", part.digest, part.path]
      : ["archive", part.diffId ?? `of ${part.digest}`]
  );
  // A path may hold anything, so no sign of our own tells parts apart.
  return createHash("sha256").update(JSON.stringify(lines)).digest("hex");
}

/** Trees by their name. Nothing happens on disk before the first call. */
export class TreeStore {
  readonly #dir: string;
  /** Trees whose files were hashed since the start. */
  readonly #sound = new Map<string, Tree>();
  readonly #flights = new Flights<Tree | undefined>();

  /** `dir` is the store's folder, in which `trees/` is. */
  constructor(dir: string) {
    this.#dir = resolve(dir, "trees");
  }

  /** The tree if it is here and sound. A torn one is removed, and is then not here. */
  async find(id: string, signal: AbortSignal): Promise<Tree | undefined> {
    return await this.#flights.join(id, signal, (signal) => this.#find(id, signal));
  }

  /**
   * The tree of these parts; made of what `blobPath` leads to if it is not here.
   *
   * Throws a `PullFailure` if it cannot be made; then nothing is left behind.
   */
  async ensure(
    parts: readonly TreePart[],
    options: { readonly blobPath: (digest: string) => string; readonly signal: AbortSignal },
  ): Promise<Tree> {
    const id = treeId(parts);
    const tree = await this.#flights.join(id, options.signal, async (signal) => {
      return await this.#find(id, signal) ??
        await this.#make(parts, { ...options, id, signal });
    });
    // One that only looked may have been under way.
    return tree ?? await this.ensure(parts, options);
  }

  /** Stops all work and waits until it has ended. */
  async stop(reason: unknown): Promise<void> {
    await this.#flights.stop(reason);
  }

  async #find(id: string, signal: AbortSignal): Promise<Tree | undefined> {
    const folder = join(this.#dir, id);
    try {
      const damage = await this.#damageOf(id, signal);
      if (damage === undefined) return this.#sound.get(id);
      this.#sound.delete(id);
      if (damage !== "absent") await removeDamaged(folder, damage);
      return undefined;
    } catch (error) {
      throw diskFailure(error, this.#dir);
    }
  }

  /** What is wrong with a tree; undefined for one that is, and is known to be, sound. */
  async #damageOf(id: string, signal: AbortSignal): Promise<string | undefined> {
    const folder = join(this.#dir, id);
    const path = join(folder, "tree.json");
    try {
      // It was sound since the start; somebody may have removed it meanwhile.
      if (this.#sound.has(id) && (await Deno.stat(path)).isFile) return undefined;
      // What comes right behind this look is another process's, and whole.
      if (!await exists(folder)) return "absent";
      if (!(await Deno.stat(folder)).isDirectory) return "it is no folder";
      const index = parseTreeIndex(await Deno.readTextFile(path));
      if (index === undefined) return "its index is torn";
      const tree = { id, path: join(folder, "root"), index };
      const damage = await damageIn(tree, signal);
      if (damage === undefined) this.#sound.set(id, tree);
      return damage;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) && !isDamage(error)) throw error;
      return await exists(folder) ? messageOf(error) : "absent";
    }
  }

  async #make(
    parts: readonly TreePart[],
    { id, blobPath, signal }: {
      readonly id: string;
      readonly blobPath: (digest: string) => string;
      readonly signal: AbortSignal;
    },
  ): Promise<Tree> {
    const beside = join(this.#dir, `${BESIDE}${crypto.randomUUID()}`);
    try {
      await Deno.mkdir(join(beside, "root"), { recursive: true, mode: 0o700 });
      const layers = parts.map((part): LayerSource => ({
        ...part,
        open: () => bytesOf(blobPath(part.digest), signal),
      }));
      const index = await unpackLayers(layers, { into: join(beside, "root"), signal });
      await Deno.writeTextFile(join(beside, "tree.json"), formatTreeIndex(index), { mode: 0o600 });
      await this.#name(beside, id);
      const tree = { id, path: join(this.#dir, id, "root"), index };
      this.#sound.set(id, tree);
      return tree;
    } catch (error) {
      // The failure that led here is what the caller must hear of.
      const bytes = isFullDisk(error) ? await bytesIn(beside).catch(() => undefined) : undefined;
      await removeTree(beside).catch(() => {});
      throw await spaceFailure(error, { dir: this.#dir, bytes, more: true });
    }
  }

  /** Gives a tree that is whole its name. */
  async #name(beside: string, id: string): Promise<void> {
    const path = join(this.#dir, id);
    try {
      await Deno.rename(beside, path);
    } catch (error) {
      // Another process has made the same meanwhile; what stands there was whole as well.
      if (!await exists(join(path, "tree.json"))) throw error;
      await removeTree(beside);
    }
  }
}

/** The first thing that a tree is said to have, and has not; undefined if it is sound. */
async function damageIn({ path, index }: Tree, signal: AbortSignal): Promise<string | undefined> {
  const turns = new Turns(signal);
  for (const entry of index.entries) {
    await turns.next();
    if (!await isSound(`${path}/${entry.path}`, { entry, signal })) {
      return `its ${entry.kind} "${entry.path}" is another, or torn`;
    }
  }
  return undefined;
}

async function isSound(
  path: string,
  { entry, signal }: { readonly entry: TreeEntry; readonly signal: AbortSignal },
): Promise<boolean> {
  const info = await Deno.lstat(path);
  if (entry.kind === "folder") return info.isDirectory;
  if (entry.kind === "link") return info.isSymlink && await Deno.readLink(path) === entry.target;
  if (!info.isFile || info.size !== entry.size) return false;
  const algorithm = entry.digest.split(":")[0]!;
  const hash = createHash(algorithm);
  for await (const piece of bytesOf(path, signal)) hash.update(piece);
  return `${algorithm}:${hash.digest("hex")}` === entry.digest;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

async function* bytesOf(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(DISK_BYTES);
  for (let n = await file.read(buffer); n !== null; n = await file.read(buffer)) {
    signal.throwIfAborted();
    yield buffer.subarray(0, n);
  }
}
