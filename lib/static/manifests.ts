/**
 * The manifests of static pods on disk, read again whenever they change.
 *
 * @module
 */
import { isAbsolute, resolve } from "node:path";
import type { Pod } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import { aborted, sleep } from "../time.ts";
import { staticPod } from "./static_pod.ts";

/** How often everything is read again, news or not: a kubelet's own period. */
const RESCAN_MS = 20_000;
/** A file is read so long after the news of it: whoever writes it may not be done. */
const SETTLE_MS = 50;
/** Bytes of a manifest: the API server itself takes no object over 1.5 MiB. */
const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;
/** Files of the folder that are read; a node takes a few hundred pods at most. */
const MANIFESTS_MAX = 1_024;

/** What {@linkcode Manifests} are read with. */
export interface ManifestsOptions {
  /** A folder, or one file. It may be missing, and come later. */
  readonly path: string;
  readonly nodeName: string;
  /** Told of what cannot be read, once for each new trouble. */
  readonly onTrouble: (message: string) => void;
}

/** Reads static pods. What was good stays until its file is gone, also while the file is broken. */
export class Manifests {
  readonly #options: ManifestsOptions;
  readonly #path: string;
  /** What each file held when it was last good. */
  #files = new Map<string, Pod[]>();
  /** What is wrong with a file, or with the folder. */
  #troubles = new Map<string, string>();

  constructor(options: ManifestsOptions) {
    this.#options = options;
    this.#path = isAbsolute(options.path) ? options.path : resolve(options.path);
  }

  /** All pods that there are now, in the order of their files' names; the first of equal names wins. */
  async read(): Promise<Pod[]> {
    const before = { files: this.#files, troubles: this.#troubles };
    this.#troubles = new Map();
    const files = new Map<string, Pod[]>();
    for (const path of await this.#paths(before.files)) {
      try {
        files.set(path, await this.#readFile(path));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) continue;
        this.#troubles.set(path, messageOf(error));
        const last = before.files.get(path);
        if (last !== undefined) files.set(path, last);
      }
    }
    this.#files = files;
    const pods = this.#withoutTwins();
    for (const [path, problem] of this.#troubles) {
      if (before.troubles.get(path) === problem) continue;
      this.#options.onTrouble(`Cannot use static pod manifest "${path}": ${problem}`);
    }
    return pods;
  }

  /** Calls `onPods` with all pods whenever anything may have changed, until the signal aborts. */
  async watch(onPods: (pods: readonly Pod[]) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      using news = new News(this.#path);
      // Read behind the beginning of the watch, so that nothing falls between the two.
      onPods(await this.read());
      const round = new AbortController();
      const over = AbortSignal.any([signal, round.signal]);
      await Promise.race([news.first(over), sleep(RESCAN_MS, over)]);
      round.abort();
      await sleep(SETTLE_MS, signal);
    }
  }

  async #paths(before: ReadonlyMap<string, unknown>): Promise<string[]> {
    try {
      if ((await Deno.stat(this.#path)).isFile) return [this.#path];
      const names: string[] = [];
      for await (const { name } of Deno.readDir(this.#path)) {
        if (!name.startsWith(".")) names.push(name);
      }
      if (names.length > MANIFESTS_MAX) {
        this.#troubles.set(this.#path, `it holds more than ${MANIFESTS_MAX} files`);
      }
      return names.sort().slice(0, MANIFESTS_MAX).map((name) => `${this.#path}/${name}`);
    } catch (error) {
      const missing = error instanceof Deno.errors.NotFound;
      this.#troubles.set(this.#path, missing ? "there is no such folder" : messageOf(error));
      // A folder that is gone has no pods; one that cannot be read has those that it had.
      return missing ? [] : [...before.keys()];
    }
  }

  async #readFile(path: string): Promise<Pod[]> {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) return [];
    if (size > MANIFEST_BYTES_MAX) throw new Error(`it has over ${MANIFEST_BYTES_MAX} bytes`);
    const { objectsIn } = await import("../object_text.ts");
    const { nodeName } = this.#options;
    const objects = [...objectsIn(await Deno.readTextFile(path))];
    if (objects.length === 0) throw new Error("there is no Pod in it");
    return await Promise.all(objects.map((object) => staticPod(object, { nodeName, path })));
  }

  #withoutTwins(): Pod[] {
    const pods = new Map<string, Pod>();
    for (const [path, found] of this.#files) {
      for (const pod of found) {
        const key = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
        if (pods.has(key)) this.#troubles.set(path, `pod "${key}" is there twice`);
        else pods.set(key, pod);
      }
    }
    return [...pods.values()];
  }
}

/** Waits for the first change below a path. Where nothing can be watched, it never comes. */
class News implements Disposable {
  #watcher: Deno.FsWatcher | undefined;

  constructor(path: string) {
    try {
      this.#watcher = Deno.watchFs(path, { recursive: false });
    } catch {
      // It is not there, or the system has no watches left: the next round looks again.
    }
  }

  async first(signal: AbortSignal): Promise<void> {
    const watcher = this.#watcher;
    if (watcher === undefined) return await aborted(signal);
    const close = (): void => this[Symbol.dispose]();
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    for await (const { kind } of watcher) if (kind !== "access") break;
    signal.removeEventListener("abort", close);
  }

  [Symbol.dispose](): void {
    const watcher = this.#watcher;
    this.#watcher = undefined;
    try {
      watcher?.close();
    } catch {
      // The end of its iteration has closed it already.
    }
  }
}
