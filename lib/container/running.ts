/**
 * Which containers run, for those who want something of them.
 *
 * @module
 */
import type { Container } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { ContainerInput } from "./input.ts";
import type { RunningContainer } from "./exec.ts";

/** A run whose guest has begun. */
export interface Running extends RunningContainer {
  readonly spec: Container;
  /** Its standard input, if it has one. */
  readonly input: ContainerInput | undefined;
  /** Aborted when the guest is gone and its log is complete. */
  readonly gone: AbortSignal;
}

/** Which container is meant. */
export interface ContainerPlace {
  readonly podUid: string;
  readonly container: string;
}

/** Exec and attach sessions of one container; each exec is a process of some ten MiB. */
export const CONTAINER_SESSIONS_MAX = 128;
/** Exec and attach sessions of the node. */
export const NODE_SESSIONS_MAX = 512;

/** The containers that run, and how many look into them. */
export class RunningContainers {
  readonly #all = new Map<string, Running>();
  readonly #sessions = new Map<string, number>();
  #sessionCount = 0;

  /** Notes a run, until what this answers is disposed of. */
  add(running: Running): Disposable {
    const { pod, container } = running.run;
    const key = keyOf({ podUid: pod.uid, container });
    this.#all.set(key, running);
    return {
      [Symbol.dispose]: (): void => {
        if (this.#all.get(key) === running) this.#all.delete(key);
      },
    };
  }

  /** The run of a container; throws a `KubeletError` with code `no_container`, in a kubelet's words. */
  get(place: ContainerPlace): Running {
    const running = this.#all.get(keyOf(place));
    if (running !== undefined) return running;
    throw new KubeletError("no_container", `container not found ("${place.container}")`);
  }

  /**
   * Counts a session with a run until what this answers is disposed of. Throws a `KubeletError` with code
   * `too_many` at {@linkcode CONTAINER_SESSIONS_MAX} or {@linkcode NODE_SESSIONS_MAX}.
   */
  openSession({ run }: Running): Disposable {
    const count = this.#sessions.get(run.id) ?? 0;
    const whose = count >= CONTAINER_SESSIONS_MAX
      ? `container "${run.container}" has ${count} of them`
      : this.#sessionCount >= NODE_SESSIONS_MAX
      ? `this node has ${this.#sessionCount} of them`
      : undefined;
    if (whose !== undefined) {
      throw new KubeletError("too_many", `Cannot open another session: ${whose}, the limit`);
    }
    this.#sessions.set(run.id, count + 1);
    this.#sessionCount++;
    return {
      [Symbol.dispose]: (): void => {
        this.#sessionCount--;
        const left = (this.#sessions.get(run.id) ?? 1) - 1;
        if (left === 0) this.#sessions.delete(run.id);
        else this.#sessions.set(run.id, left);
      },
    };
  }
}

function keyOf({ podUid, container }: ContainerPlace): string {
  return `${podUid}/${container}`;
}
