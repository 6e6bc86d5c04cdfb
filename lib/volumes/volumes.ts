import { join, resolve } from "node:path";
import type { ObjectSource } from "../api/object_source.ts";
import type { Pod, Volume } from "../api/types.ts";
import { isKubeletError, KubeletError, messageOf } from "../errors.ts";
import type { FieldFacts } from "../fields.ts";
import { removeTree } from "../files.ts";
import { folderUsage } from "../folder_usage.ts";
import { quantityBytes } from "../quantity.ts";
import { MemoryFolders } from "./memory_folders.ts";
import { PodObjects } from "./objects.ts";
import type { Layout } from "./publish.ts";
import type { ImageFiles, MountedVolume } from "./source.ts";
import { excessMessage, sizeLimit } from "./size_limits.ts";
import { ServiceAccountTokens } from "./tokens.ts";
import { bindVolume, type BoundVolume, isVolumeName } from "./volume.ts";

/** What {@linkcode PodVolumes} needs. */
export interface PodVolumesOptions {
  /** Folder that holds one folder per pod, named by UID. */
  readonly podsDir: string;
  readonly objects: ObjectSource;
  readonly facts: FieldFacts;
  /** Where image volumes are from. @default {nowhere: a pod with one waits} */
  readonly images?: ImageFiles;
  /** How the files of ConfigMaps and the like lie. @default {as the system allows} */
  readonly layout?: Layout;
  /** @default Date.now */
  readonly nowMs?: () => number;
}

/** Secrets lie below: nobody but this user may enter. */
const FOLDER_MODE = 0o700;
/** What may become a folder's name: no separator, and no dot in front. */
const POD_UID = /^[A-Za-z0-9][-A-Za-z0-9_.]{0,252}$/;

/**
 * Sets up the volumes of pods under `<podsDir>/<uid>/volumes/<kind>/<name>`, and removes them.
 *
 * Calls for one pod run one after the other.
 */
export class PodVolumes {
  readonly #podsDir: string;
  readonly #objects: ObjectSource;
  readonly #facts: FieldFacts;
  readonly #tokens: ServiceAccountTokens;
  readonly #images: ImageFiles | undefined;
  readonly #layout: Layout | undefined;
  readonly #memory: MemoryFolders;
  /** By pod. */
  readonly #imageIds = new Map<string, Set<string>>();
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(options: PodVolumesOptions) {
    const { podsDir, objects, facts, images, layout, nowMs } = options;
    this.#podsDir = resolve(podsDir);
    this.#memory = new MemoryFolders(podsDir);
    this.#objects = objects;
    this.#facts = facts;
    this.#images = images;
    this.#layout = layout;
    this.#tokens = new ServiceAccountTokens(objects, nowMs === undefined ? {} : { wallMs: nowMs });
  }

  /**
   * Sets up every volume that a container of the pod mounts; the others are left alone, as a kubelet
   * does. May be called again: content is then brought up to date, and an emptyDir keeps its files.
   *
   * Throws a {@linkcode KubeletError} with code `volume` that names each volume that failed, or with code
   * `rejected` if one of them can never be set up here. What was set up so far stays, for the next attempt or for {@linkcode PodVolumes.unmountAll}.
   */
  mountAll(pod: Pod, signal: AbortSignal): Promise<ReadonlyMap<string, MountedVolume>> {
    const { mounted } = mountedNames(pod);
    const volumes = (pod.spec?.volumes ?? []).filter(({ name }) => mounted.has(name));
    return this.#inTurn(pod.metadata?.uid ?? "", () => this.#mount(pod, { volumes, signal }));
  }

  /**
   * Brings those volumes up to date that are made of what may change: objects, tokens, the pod itself. One
   * whose source is gone or cannot be read keeps the content that it has; see {@linkcode PodVolumes.mountAll}
   * for what is thrown then, after the others are done.
   */
  async refresh(pod: Pod, signal: AbortSignal): Promise<void> {
    const { mounted } = mountedNames(pod);
    const volumes = (pod.spec?.volumes ?? []).filter((volume) =>
      mounted.has(volume.name) && bindVolume(volume)?.changes === true
    );
    await this.#inTurn(pod.metadata?.uid ?? "", () => this.#mount(pod, { volumes, signal }));
  }

  async #mount(
    pod: Pod,
    { volumes, signal }: { readonly volumes: readonly Volume[]; readonly signal: AbortSignal },
  ): Promise<ReadonlyMap<string, MountedVolume>> {
    signal.throwIfAborted();
    const { bySubPath } = mountedNames(pod);
    const shared = {
      pod,
      facts: this.#facts,
      objects: new PodObjects(pod, this.#objects, signal),
      tokens: this.#tokens,
      storage: this.#objects.storage,
      images: this.#images,
      layout: this.#layout,
      memory: this.#memory,
      signal,
    };
    const results = await Promise.allSettled(volumes.map(async (volume) => {
      const { folder, source } = await this.#prepare(pod, volume);
      const { name } = volume;
      const context = { ...shared, name, folder, keepPrevious: bySubPath.has(name) };
      return [name, await source.mount(context)] as const;
    }));
    const mounted = new Map(
      results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []),
    );
    this.#keepImages(pod, mounted);
    signal.throwIfAborted();
    throwFailures(volumes, results);
    return mounted;
  }

  #keepImages(pod: Pod, mounted: ReadonlyMap<string, MountedVolume>): void {
    const uid = pod.metadata?.uid ?? "";
    const ids = this.#imageIds.get(uid) ?? new Set<string>();
    for (const { imageId } of mounted.values()) if (imageId !== undefined) ids.add(imageId);
    if (ids.size > 0) this.#imageIds.set(uid, ids);
  }

  async #prepare(
    pod: Pod,
    volume: Volume,
  ): Promise<{ folder: string; source: BoundVolume }> {
    // Both are refused before, by checkVolumes(); a folder's name is not left to that.
    if (!isVolumeName(volume.name)) throw new KubeletError("volume", "its name is not a DNS label");
    const source = bindVolume(volume);
    if (source === undefined) throw new KubeletError("volume", "its kind is not supported");
    if (source.folderName === undefined) return { folder: "", source };
    const volumes = this.#volumesDir(pod.metadata?.uid ?? "");
    const folder = join(volumes, source.folderName, volume.name);
    await Deno.mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    return { folder, source };
  }

  /**
   * Removes what {@linkcode PodVolumes.mountAll} made for this pod, and the pod's folder if nothing
   * else is in it. Links are removed, never followed; what a hostPath points to is left alone.
   */
  unmountAll(podUid: string): Promise<void> {
    return this.#inTurn(podUid, async () => {
      this.#tokens.forget(podUid);
      this.#imageIds.delete(podUid);
      const volumes = this.#volumesDir(podUid);
      // Before the folder by which the pod is found again if this is cut short.
      await this.#memory.remove(podUid);
      await removeTree(volumes);
      // Refused when the folder holds other things, which are not ours to remove.
      await Deno.remove(join(volumes, "..")).catch(() => {});
    });
  }

  /**
   * What an emptyDir of the pod holds too much, in a kubelet's words; `undefined` if all keep to their
   * limits. One that has more entries than anybody can count is over its limit, if it has one.
   */
  async excess(
    pod: Pod,
    { mounted, signal }: {
      readonly mounted: ReadonlyMap<string, MountedVolume>;
      readonly signal: AbortSignal;
    },
  ): Promise<string | undefined> {
    for (const volume of pod.spec?.volumes ?? []) {
      const { name } = volume;
      const path = mounted.get(name)?.hostPath;
      if (volume.emptyDir === undefined || path === undefined) continue;
      const limit = sizeLimit(pod, volume, this.#facts.allocatable);
      if (limit === undefined) continue;
      const { bytes, whole } = await folderUsage(path, { signal });
      if (!whole || bytes > quantityBytes(limit)) return excessMessage(name, limit);
    }
    return undefined;
  }

  /**
   * The folder of all that the pod's volumes have in memory; it is not there if they have nothing.
   * `undefined` for what cannot be a pod's UID.
   */
  memoryFolder(podUid: string): string | undefined {
    return isPodUid(podUid) ? this.#memory.of(podUid) : undefined;
  }

  /** Ids of the images that volumes of pods are made of: they must stay in the store. */
  imageIds(): string[] {
    return [...this.#imageIds.values()].flatMap((ids) => [...ids]);
  }

  /**
   * When {@linkcode PodVolumes.mountAll} should be called again to renew the pod's first token, in ms
   * since 1970; `undefined` for a pod without tokens.
   */
  renewTokensAtMs(podUid: string): number | undefined {
    return this.#tokens.renewAtMs(podUid);
  }

  #volumesDir(podUid: string): string {
    if (!isPodUid(podUid)) {
      throw new KubeletError("volume", `Cannot use pod UID "${podUid}" as the name of a folder`);
    }
    return join(this.#podsDir, podUid, "volumes");
  }

  #inTurn<Result>(podUid: string, work: () => Promise<Result>): Promise<Result> {
    const turn = (this.#last.get(podUid) ?? Promise.resolve()).then(work, work);
    this.#last.set(podUid, turn);
    const done = (): void => {
      if (this.#last.get(podUid) === turn) this.#last.delete(podUid);
    };
    turn.then(done, done);
    return turn;
  }
}

/** Whether this can be a pod's UID and the name of its folder: no other folder of pods is touched. */
export function isPodUid(name: string): boolean {
  return POD_UID.test(name);
}

/** Names of the volumes that containers mount, and of those that they mount a part of. */
function mountedNames(pod: Pod): { mounted: Set<string>; bySubPath: Set<string> } {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const mounts = [...containers, ...initContainers, ...ephemeralContainers]
    .flatMap((container) => container.volumeMounts ?? []);
  return {
    mounted: new Set(mounts.map((mount) => mount.name)),
    bySubPath: new Set(
      mounts.filter((mount) => mount.subPath || mount.subPathExpr).map((mount) => mount.name),
    ),
  };
}

function throwFailures(
  volumes: readonly Volume[],
  results: readonly PromiseSettledResult<unknown>[],
): void {
  for (const result of results) {
    if (result.status === "rejected" && isKubeletError(result.reason, "rejected")) {
      throw result.reason;
    }
  }
  const messages: string[] = [];
  let cause: unknown;
  for (const [index, result] of results.entries()) {
    if (result.status === "fulfilled") continue;
    cause ??= result.reason;
    const name = volumes[index]?.name;
    messages.push(`MountVolume.SetUp failed for volume "${name}" : ${messageOf(result.reason)}`);
  }
  if (messages.length === 0) return;
  throw new KubeletError("volume", messages.join("; "), { cause, reason: "FailedMount" });
}
