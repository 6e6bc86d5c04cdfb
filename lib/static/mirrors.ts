/**
 * What the cluster sees of static pods: a mirror pod for each, made anew whenever it is deleted.
 *
 * @module
 */
import { type ApiClient, isAlreadyExists, isConflict, isNotFound } from "../api/client.ts";
import { podPath, podsPath } from "../api/paths.ts";
import type { Pod } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import type { Heard, PodKey, StatusTransport } from "../status/writer.ts";
import { sleep } from "../time.ts";
import { HASH_ANNOTATION, isMirror, MIRROR_ANNOTATION, mirrorOf } from "./static_pod.ts";
import { nameOf } from "./static_pods.ts";

/** First and longest pause after a round in which something went wrong. */
const RETRY_MS = { first: 500, max: 30_000 };

/** What mirrors are kept with. */
export interface MirrorsOptions {
  readonly api: Pick<ApiClient, "create" | "delete">;
  /** UID of the Node, which owns them; `undefined` until it is registered. */
  nodeUid(): string | undefined;
  /** Called when a static pod has another mirror, which knows nothing of its status yet. */
  onMirror(pod: PodKey): void;
  /** Told of what the API server refuses, once for each new trouble. */
  readonly onTrouble: (message: string) => void;
}

/** Keeps one mirror pod for each static pod, and none besides. */
export class Mirrors {
  readonly #options: MirrorsOptions;
  /** Static pods by namespace and name. */
  #wanted: ReadonlyMap<string, Pod> = new Map();
  /** The mirror pods that the API server has, by namespace and name. */
  readonly #seen = new Map<string, Pod>();
  readonly #troubles = new Map<string, string>();
  #synced = false;
  #wake = new AbortController();

  /** Nothing happens before {@linkcode run}. */
  constructor(options: MirrorsOptions) {
    this.#options = options;
  }

  /** Learns all static pods. */
  set(wanted: ReadonlyMap<string, Pod>): void {
    this.#wanted = wanted;
    this.#wake.abort();
  }

  /** Learns all pods of this node that the API server has; answers those that are no mirrors. */
  sync(pods: readonly Pod[]): Pod[] {
    const mirrors = pods.filter(isMirror);
    const names = new Set(mirrors.map(nameOf));
    for (const name of this.#seen.keys()) if (!names.has(name)) this.#seen.delete(name);
    this.#synced = true;
    for (const mirror of mirrors) this.applied(mirror);
    this.#wake.abort();
    return pods.filter((pod) => !isMirror(pod));
  }

  /** Learns of a pod that is new or newer; false if it is no mirror. */
  applied(pod: Pod): boolean {
    if (!isMirror(pod)) return false;
    const name = nameOf(pod);
    const before = this.#seen.get(name)?.metadata?.uid;
    this.#seen.set(name, pod);
    const wanted = this.#wanted.get(name);
    if (before !== pod.metadata?.uid && wanted !== undefined && shows(pod, wanted)) {
      this.#options.onMirror(keyOf(wanted));
    }
    this.#wake.abort();
    return true;
  }

  /** Learns of a pod that the API server has no more; false if it is no mirror. */
  deleted(pod: Pod): boolean {
    if (!isMirror(pod)) return false;
    const name = nameOf(pod);
    if (this.#seen.get(name)?.metadata?.uid === pod.metadata?.uid) this.#seen.delete(name);
    this.#wake.abort();
    return true;
  }

  /** Makes and removes mirror pods until the signal aborts, through every absence of the API server. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      // Made first: whoever wakes us during the round shortens the pause behind it.
      this.#wake = new AbortController();
      const over = AbortSignal.any([signal, this.#wake.signal]);
      failures = await this.#round(signal) ? 0 : failures + 1;
      const pauseMs = Math.min(RETRY_MS.first * 2 ** (failures - 1), RETRY_MS.max);
      if (failures > 0) await sleep(pauseMs, signal);
      else await sleep(RETRY_MS.max, over);
    }
  }

  /** Status goes to the mirror, which has a UID of its own; without one it is kept back. */
  transport(to: StatusTransport): StatusTransport {
    const mirrored = (pod: PodKey): PodKey | "none" => {
      const name = `${pod.namespace}/${pod.name}`;
      if (this.#wanted.get(name)?.metadata?.uid !== pod.uid) return pod;
      const mirror = this.#seen.get(name);
      const uid = mirror?.metadata?.uid;
      if (mirror?.metadata?.annotations?.[MIRROR_ANNOTATION] !== pod.uid) return "none";
      return uid === undefined ? "none" : { ...pod, uid };
    };
    return {
      writeStatus: (pod, status, signal): Promise<Heard> => {
        const target = mirrored(pod);
        return target === "none" ? Promise.resolve("gone") : to.writeStatus(target, status, signal);
      },
      release: (pod, signal) => to.release(pod, signal),
    };
  }

  /** False if something is still to be done. */
  async #round(signal: AbortSignal): Promise<boolean> {
    if (!this.#synced) return true;
    let done = true;
    for (const name of new Set([...this.#seen.keys(), ...this.#wanted.keys()])) {
      try {
        done = await this.#settle(name, signal) && done;
        this.#troubles.delete(name);
      } catch (error) {
        if (signal.aborted) return false;
        done = false;
        const problem = messageOf(error);
        if (this.#troubles.get(name) === problem) continue;
        this.#troubles.set(name, problem);
        this.#options.onTrouble(`Cannot show static pod "${name}" to the cluster: ${problem}`);
      }
    }
    return done;
  }

  async #settle(name: string, signal: AbortSignal): Promise<boolean> {
    const wanted = this.#wanted.get(name);
    const mirror = this.#seen.get(name);
    if (mirror !== undefined) {
      if (wanted !== undefined && shows(mirror, wanted)) return true;
      await this.#remove(mirror, signal);
    }
    return wanted === undefined || await this.#create(wanted, signal);
  }

  async #create(pod: Pod, signal: AbortSignal): Promise<boolean> {
    const nodeUid = this.#options.nodeUid();
    if (nodeUid === undefined) return false;
    const { namespace = "" } = pod.metadata ?? {};
    try {
      const mirror = mirrorOf(pod, nodeUid);
      this.applied(await this.#options.api.create<Pod>(podsPath(namespace), mirror, { signal }));
      return true;
    } catch (error) {
      // Ours, of which we have not heard yet; or somebody else's, until it is gone.
      if (isAlreadyExists(error)) return false;
      throw error;
    }
  }

  async #remove(mirror: Pod, signal: AbortSignal): Promise<void> {
    const { namespace = "", name = "", uid = "" } = mirror.metadata ?? {};
    const body = { gracePeriodSeconds: 0, preconditions: { uid } };
    try {
      await this.#options.api.delete(podPath(namespace, name), { body, signal });
    } catch (error) {
      // A conflict here is always about the UID: the pod of that name is another one.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
    this.deleted(mirror);
  }
}

/** True if the mirror shows this very static pod, and is to stay. */
function shows(mirror: Pod, wanted: Pod): boolean {
  const { annotations, deletionTimestamp } = mirror.metadata ?? {};
  return deletionTimestamp === undefined &&
    annotations?.[MIRROR_ANNOTATION] === wanted.metadata?.annotations?.[HASH_ANNOTATION];
}

function keyOf({ metadata = {} }: Pod): PodKey {
  const { uid = "", namespace = "", name = "" } = metadata;
  return { uid, namespace, name };
}
