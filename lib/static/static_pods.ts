/**
 * The static pods of this node: which of them are to run, and which have to go first.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";

/** What runs them. `PodManager` fits. */
export interface PodHost {
  /** Takes a pod that no API server knows. */
  applyOwn(pod: Pod): void;
  /** Ends such a pod within its grace period. Resolves when nothing is left of it; never rejects. */
  retire(pod: Pod): Promise<void>;
}

interface Current {
  readonly pod: Pod;
  retiring: boolean;
}

/** Brings the pods that run to the ones that are wanted: one of a name at a time. */
export class StaticPods {
  readonly #host: PodHost;
  /** By namespace and name. */
  #wanted: ReadonlyMap<string, Pod> = new Map();
  readonly #current = new Map<string, Current>();

  /** Nothing runs before {@linkcode set}. */
  constructor(host: PodHost) {
    this.#host = host;
  }

  /** Learns all pods that are wanted; others are ended. */
  set(pods: readonly Pod[]): void {
    this.#wanted = new Map(pods.map((pod) => [nameOf(pod), pod]));
    for (const name of new Set([...this.#wanted.keys(), ...this.#current.keys()])) {
      this.#settle(name);
    }
  }

  /** The pods that are wanted. */
  get wanted(): ReadonlyMap<string, Pod> {
    return this.#wanted;
  }

  #settle(name: string): void {
    const wanted = this.#wanted.get(name);
    const current = this.#current.get(name);
    if (current?.retiring === true) return; // looked at again when it is gone
    if (current === undefined) {
      if (wanted === undefined) return;
      this.#current.set(name, { pod: wanted, retiring: false });
      this.#host.applyOwn(wanted);
    } else if (wanted?.metadata?.uid !== current.pod.metadata?.uid) {
      current.retiring = true;
      void this.#retire(name, current.pod);
    }
  }

  async #retire(name: string, pod: Pod): Promise<void> {
    await this.#host.retire(pod);
    this.#current.delete(name);
    this.#settle(name);
  }
}

/** A pod's namespace and name, as one text. */
export function nameOf(pod: Pod): string {
  return `${pod.metadata?.namespace}/${pod.metadata?.name}`;
}
