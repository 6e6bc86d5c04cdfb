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
import { namesIn, removeTree } from "../../files.ts";
import { Flights } from "../flights.ts";
import { DISK_BYTES, PARTIAL_MS_MAX } from "../limits.ts";
import { diskFailure } from "../store/disk.ts";
import { Turns } from "./turns.ts";
import { type LayerSource, unpackLayers } from "./unpack.ts";
import { formatTreeIndex, parseTreeIndex, type TreeIndex } from "./tree_index.ts";

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
      ? `file ${part.digest} ${part.path}`
      : `archive ${part.diffId ?? `of ${part.digest}`}`
  );
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

/** Trees by their name. Nothing happens on disk before the first call. */
export class TreeStore {
  readonly #dir: string;
  /** Trees whose files were hashed since the start. */
  readonly #sound = new Map<string, Tree>();
  readonly #flights = new Flights<Tree | undefined>();
  #ready: Promise<void> | undefined;

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
      const path = join(folder, "tree.json");
      const known = this.#sound.get(id);
      // It was sound since the start; somebody may have removed it meanwhile.
      if (known !== undefined && (await Deno.stat(path)).isFile) return known;
      const index = parseTreeIndex(await Deno.readTextFile(path));
      const tree = { id, path: join(folder, "root"), index: index! };
      if (index !== undefined && await isSound(tree, signal)) {
        this.#sound.set(id, tree);
        return tree;
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw diskFailure(error, this.#dir);
    }
    this.#sound.delete(id);
    await removeTree(folder);
    return undefined;
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
      await (this.#ready ??= this.#prepare());
      await Deno.mkdir(join(beside, "root"), { recursive: true, mode: 0o700 });
      const layers = parts.map((part): LayerSource => ({
        ...part,
        open: () => bytesOf(blobPath(part.digest), signal),
      }));
      const index = await unpackLayers(layers, { into: join(beside, "root"), signal });
      await Deno.writeTextFile(join(beside, "tree.json"), formatTreeIndex(index), { mode: 0o600 });
      await Deno.rename(beside, join(this.#dir, id));
      const tree = { id, path: join(this.#dir, id, "root"), index };
      this.#sound.set(id, tree);
      return tree;
    } catch (error) {
      // The failure that led here is what the caller must hear of.
      await removeTree(beside).catch(() => {});
      throw diskFailure(error, this.#dir);
    }
  }

  /** Removes what earlier runs left unfinished, and nobody works at any more. */
  async #prepare(): Promise<void> {
    for (const name of await namesIn(this.#dir)) {
      if (!name.startsWith(BESIDE)) continue;
      const path = join(this.#dir, name);
      const { mtime } = await Deno.stat(path);
      if ((mtime?.getTime() ?? Infinity) < Date.now() - PARTIAL_MS_MAX) await removeTree(path);
    }
  }
}

/** In front of the name of a tree that is not whole yet. */
const BESIDE = ".making-";

/** True if every file is there, with the content that it once had. */
async function isSound({ path, index }: Tree, signal: AbortSignal): Promise<boolean> {
  const turns = new Turns(signal);
  for (const entry of index.entries) {
    await turns.next();
    const at = `${path}/${entry.path}`;
    const info = await Deno.lstat(at);
    if (entry.kind === "folder" && !info.isDirectory) return false;
    if (entry.kind === "link" && await Deno.readLink(at) !== entry.target) return false;
    if (entry.kind !== "file") continue;
    if (!info.isFile || info.size !== entry.size) return false;
    const hash = createHash(entry.digest.split(":")[0]!);
    for await (const piece of bytesOf(at, signal)) hash.update(piece);
    if (`${entry.digest.split(":")[0]}:${hash.digest("hex")}` !== entry.digest) return false;
  }
  return true;
}

async function* bytesOf(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(DISK_BYTES);
  for (let n = await file.read(buffer); n !== null; n = await file.read(buffer)) {
    signal.throwIfAborted();
    yield buffer.subarray(0, n);
  }
}
