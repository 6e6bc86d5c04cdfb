import type { BigIntStats } from "node:fs";
import { constants } from "node:fs";
import { chmod, type FileHandle, lstat, mkdir, open, readlink } from "node:fs/promises";
import { join } from "node:path";

/** A name was given to something else while it was used: try again. */
export class SwappedError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "SwappedError";
}

/**
 * A file or folder that is held: whatever happens to its name, what is done below is done to this one.
 *
 * All paths of {@linkcode hold} may lead through links; those that come out of it never do.
 */
export interface Held extends AsyncDisposable {
  /** Where it lay when it was taken: absolute, and without a link in it. */
  readonly path: string;
  /** `other` is a socket, a device or a pipe. */
  readonly kind: "folder" | "file" | "other";
  /** Permission bits. Without meaning on Windows. */
  readonly mode: number;
  /**
   * Holds what a name in this folder leads to, wherever that is: look at its `path` before you use it.
   * Undefined if there is nothing.
   */
  below(name: string): Promise<Held | undefined>;
  /**
   * Makes a folder in this one and gives it this mode, whatever the umask; false if something is there.
   *
   * @throws {SwappedError} if somebody put something else in its place at once.
   */
  makeFolder(name: string, mode: number): Promise<boolean>;
  /** Opens a regular file for reading; rejects for anything else. */
  openFile(): Promise<FileHandle>;
}

/**
 * Holds what a path leads to, without reading or changing it.
 *
 * On Linux with all permissions by a descriptor: nobody can put something else in its place, nor lead
 * astray what is done in it. Elsewhere by its path, which is compared before and after by device and
 * inode: whoever swaps names without pause may still slip through between the two.
 *
 * Rejects with what the system says if there is nothing.
 */
export async function hold(path: string): Promise<Held> {
  return await canHoldByDescriptor() ? await byDescriptor(path) : await holdByPath(path);
}

/** `O_PATH` of Linux, on every machine that Deno runs on; `node:fs` does not name it. */
const O_PATH = 0o10000000;
const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

let descriptorsWork: Promise<boolean> | undefined;

/** With fewer than all permissions Deno resolves links by itself, and refuses `/proc`. */
function canHoldByDescriptor(): Promise<boolean> {
  if (Deno.build.os !== "linux") return Promise.resolve(false);
  return descriptorsWork ??= byDescriptor("/").then(async (held) => {
    await held[Symbol.asyncDispose]();
    return held.path === "/";
  }, () => false);
}

async function byDescriptor(path: string): Promise<Held> {
  const handle = await open(path, O_PATH);
  try {
    // The kernel tells where the very thing lies that is open, whichever way led to it.
    const real = await readlink(`/proc/self/fd/${handle.fd}`);
    return new HeldByDescriptor(handle, real, await handle.stat({ bigint: true }));
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class HeldByDescriptor implements Held {
  readonly path: string;
  readonly kind: Held["kind"];
  readonly mode: number;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, path: string, stats: BigIntStats) {
    this.path = path;
    this.kind = kindOf(stats);
    this.mode = modeOf(stats);
    this.#handle = handle;
  }

  async below(name: string): Promise<Held | undefined> {
    return await unlessMissing(byDescriptor(`${this.#self}/${name}`));
  }

  async makeFolder(name: string, mode: number): Promise<boolean> {
    const path = `${this.#self}/${name}`;
    if (!await isMade(path)) return false;
    const folder = await open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW).catch(swapped(path));
    try {
      await chmod(`/proc/self/fd/${folder.fd}/.`, mode);
    } finally {
      await folder.close();
    }
    return true;
  }

  async openFile(): Promise<FileHandle> {
    demandFile(this);
    return await open(this.#self, O_RDONLY);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  get #self(): string {
    return `/proc/self/fd/${this.#handle.fd}`;
  }
}

/** As {@linkcode hold} where there are no descriptors to hold by. */
export async function holdByPath(path: string): Promise<Held> {
  const real = await Deno.realPath(path);
  return new HeldByPath(real, await lstat(real, { bigint: true }));
}

class HeldByPath implements Held {
  readonly path: string;
  readonly kind: Held["kind"];
  readonly mode: number;
  readonly #stats: BigIntStats;

  constructor(path: string, stats: BigIntStats) {
    this.path = path;
    this.kind = kindOf(stats);
    this.mode = modeOf(stats);
    this.#stats = stats;
  }

  async below(name: string): Promise<Held | undefined> {
    await this.#confirm();
    return await unlessMissing(holdByPath(join(this.path, name)));
  }

  async makeFolder(name: string, mode: number): Promise<boolean> {
    await this.#confirm();
    const path = join(this.path, name);
    if (!await isMade(path)) return false;
    await this.#confirm();
    if (Deno.build.os === "windows") return true;
    const folder = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(swapped(path));
    try {
      const stats = await folder.stat({ bigint: true });
      if (
        await Deno.realPath(path) !== path || !isSame(stats, await lstat(path, { bigint: true }))
      ) {
        throw new SwappedError(`Cannot use "${path}": it was swapped after it was made`);
      }
      await folder.chmod(mode);
    } finally {
      await folder.close();
    }
    return true;
  }

  async openFile(): Promise<FileHandle> {
    demandFile(this);
    // A pipe in its place must not hold us up.
    const file = await open(this.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(
      swapped(this.path),
    );
    if (isSame(this.#stats, await file.stat({ bigint: true }))) return file;
    await file.close();
    throw new SwappedError(`Cannot read "${this.path}": it was swapped for something else`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #confirm(): Promise<void> {
    const real = await Deno.realPath(this.path);
    const stats = await lstat(this.path, { bigint: true });
    if (real === this.path && isSame(this.#stats, stats)) return;
    throw new SwappedError(`Cannot use "${this.path}": it was swapped for something else`);
  }
}

function kindOf(stats: BigIntStats): Held["kind"] {
  return stats.isDirectory() ? "folder" : stats.isFile() ? "file" : "other";
}

function modeOf({ mode }: BigIntStats): number {
  return Number(mode) & 0o777;
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

function demandFile({ kind, path }: Held): void {
  if (kind !== "file") throw new TypeError(`Cannot read "${path}": it is no regular file`);
}

/** True if the folder was made; false if there is something. */
async function isMade(path: string): Promise<boolean> {
  return await mkdir(path).then(() => true, (error: unknown) => {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  });
}

async function unlessMissing(held: Promise<Held>): Promise<Held | undefined> {
  return await held.catch((error: unknown) => {
    if (codeOf(error) === "ENOENT" || error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
}

function swapped(path: string): (cause: unknown) => never {
  return (cause) => {
    throw new SwappedError(`Cannot open "${path}": it was swapped for something else`, { cause });
  };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
