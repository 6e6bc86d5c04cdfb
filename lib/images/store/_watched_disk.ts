/**
 * Sees what this process does to the files below a folder, step by step, so that a test can end it at
 * any step, or look at their order.
 *
 * @module
 */

/** One thing that is about to be done to the disk. */
export interface Step {
  /** As `write`; `half a write` is the middle of one. */
  readonly deed: string;
  /** Below the folder, with slashes; empty for the folder itself. */
  readonly path: string;
}

/** Where a pull is. */
export type Stage = "download" | "unpack" | "index" | "other";

/** Where in a pull a step belongs. */
export function stageOf({ path }: Pick<Step, "path">): Stage {
  if (/^(partial|blobs)\//.test(path)) return "download";
  if (path.startsWith("trees/")) return "unpack";
  return path.startsWith("references.json") ? "index" : "other";
}

/**
 * From now on `onStep` is called in front of each step below `dir`, and in the middle of each write.
 * Everything is done as always. Disposing of it ends the watch.
 */
export function watchDisk(dir: string, onStep: (step: Step) => void): Disposable {
  const step = (deed: string, path: string | URL): void => {
    const at = String(path);
    if (at !== dir && !at.startsWith(`${dir}${SEPARATOR}`)) return;
    onStep({ deed, path: at.slice(dir.length + 1).replaceAll(SEPARATOR, "/") });
  };
  const stack = new DisposableStack();
  stack.use(watchNames(step));
  stack.use(watchFiles(step));
  return stack;
}

const SEPARATOR = Deno.build.os === "windows" ? "\\" : "/";

type OnStep = (deed: string, path: string | URL) => void;

/** What makes, moves and removes names. */
function watchNames(step: OnStep): Disposable {
  const { mkdir, rename, remove, link, symlink } = Deno;
  return replaceIn(Deno, {
    mkdir: async (...args: Parameters<typeof mkdir>) => {
      step("mkdir", args[0]);
      await mkdir(...args);
    },
    rename: async (...args: Parameters<typeof rename>) => {
      step("rename", args[0]);
      await rename(...args);
    },
    remove: async (...args: Parameters<typeof remove>) => {
      step("remove", args[0]);
      await remove(...args);
    },
    link: async (...args: Parameters<typeof link>) => {
      step("link", args[1]);
      await link(...args);
    },
    symlink: async (...args: Parameters<typeof symlink>) => {
      step("symlink", args[1]);
      await symlink(...args);
    },
  });
}

/** What makes and fills files. */
function watchFiles(step: OnStep): Disposable {
  const { open } = Deno;
  const { write, writeSync, sync, truncate } = Deno.FsFile.prototype;
  const paths = new WeakMap<Deno.FsFile, string | URL>();
  const pathOf = (file: Deno.FsFile): string | URL => paths.get(file) ?? "";

  const watchedOpen: typeof open = async (path, options) => {
    step(options?.truncate ? "truncate" : "open", path);
    const file = await open(path, options);
    paths.set(file, path);
    return file;
  };
  const writeWhole = async (
    path: string | URL,
    bytes: Uint8Array,
    options: Deno.WriteFileOptions = {},
  ): Promise<void> => {
    const { append = false, createNew = false, mode = 0o666 } = options;
    const how = { append, createNew, mode, create: true, write: true, truncate: !append };
    using file = await watchedOpen(path, how);
    await file.write(bytes);
  };
  const stack = new DisposableStack();
  stack.use(replaceIn(Deno, {
    open: watchedOpen,
    writeFile: writeWhole,
    writeTextFile: (path: string | URL, text: string, options?: Deno.WriteFileOptions) =>
      writeWhole(path, new TextEncoder().encode(text), options),
  }));
  stack.use(replaceIn(Deno.FsFile.prototype, {
    async write(this: Deno.FsFile, bytes: Uint8Array): Promise<number> {
      step("write", pathOf(this));
      const middle = bytes.length >> 1;
      for (let at = 0; at < middle;) at += await write.call(this, bytes.subarray(at, middle));
      step("half a write", pathOf(this));
      for (let at = middle; at < bytes.length;) at += await write.call(this, bytes.subarray(at));
      return bytes.length;
    },
    writeSync(this: Deno.FsFile, bytes: Uint8Array): number {
      step("write", pathOf(this));
      const middle = bytes.length >> 1;
      for (let at = 0; at < middle;) at += writeSync.call(this, bytes.subarray(at, middle));
      step("half a write", pathOf(this));
      for (let at = middle; at < bytes.length;) at += writeSync.call(this, bytes.subarray(at));
      return bytes.length;
    },
    async sync(this: Deno.FsFile): Promise<void> {
      step("sync", pathOf(this));
      await sync.call(this);
    },
    async truncate(this: Deno.FsFile, bytes?: number): Promise<void> {
      step("truncate", pathOf(this));
      await truncate.call(this, bytes);
    },
  }));
  return stack;
}

/** Puts others in the place of these members, until it is disposed of. */
function replaceIn<T extends object>(
  owner: T,
  members: { readonly [K in keyof T]?: unknown },
): Disposable {
  const old = Object.fromEntries(
    Object.keys(members).map((name) => [name, Reflect.get(owner, name)]),
  );
  Object.assign(owner, members);
  return { [Symbol.dispose]: () => void Object.assign(owner, old) };
}
