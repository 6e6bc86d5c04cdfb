/**
 * How long pods take to begin.
 *
 * @module
 */

/** What is remembered of a pod until it runs. */
interface PodTime {
  readonly seenMs: number;
  /** When the cluster made it; `undefined` if an agent began with it before. */
  readonly createdMs: number | undefined;
  registeredMs?: number;
  /** Since when its init containers run, and when they were done. */
  initMs?: number;
  runningMs?: number;
  /** From the beginning of the first download to the end of the last. */
  pull?: { fromMs: number; toMs: number };
}

/** How long the beginning of a pod took, in ms. */
export interface PodStart {
  /** Since this agent saw it. */
  readonly sinceSeenMs: number;
  /** Since the cluster made it, at a resolution of seconds. */
  readonly sinceCreatedMs?: number;
  /** The same without downloads of images and init containers. */
  readonly ownMs?: number;
}

/** Pods that are remembered: many more than a node has, and a bound for those that went unseen. */
const PODS_MAX = 10_000;

/** Follows each pod from its first sight until its containers have begun. Times are in ms since 1970. */
export class PodTimes {
  /** `undefined` for one of which nothing more is to be told. */
  readonly #pods = new Map<string, PodTime | undefined>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  /** The pod is seen, perhaps again. `createdMs` if no agent has begun with it. */
  seen(uid: string, createdMs: number | undefined): void {
    if (this.#pods.has(uid)) return;
    this.#pods.set(uid, { seenMs: this.#nowMs(), createdMs });
    // A map keeps its order: the first one was seen longest ago.
    if (this.#pods.size > PODS_MAX) this.#pods.delete(this.#pods.keys().next().value!);
  }

  /** Its work begins. Answers the ms since it was seen. */
  registered(uid: string): number | undefined {
    const pod = this.#pods.get(uid);
    if (pod === undefined) return undefined;
    pod.registeredMs = this.#nowMs();
    return pod.registeredMs - pod.seenMs;
  }

  /** Its init containers begin. */
  initializing(uid: string): void {
    const pod = this.#pods.get(uid);
    if (pod !== undefined) pod.initMs = this.#nowMs();
  }

  /** Its containers begin. Answers the ms that everything before them took. */
  running(uid: string): number | undefined {
    const pod = this.#pods.get(uid);
    if (pod === undefined) return undefined;
    pod.runningMs = this.#nowMs();
    return pod.registeredMs === undefined ? undefined : pod.runningMs - pod.registeredMs;
  }

  /** An image of it was downloaded within the last `ms`. */
  pulled(uid: string, ms: number): void {
    const pod = this.#pods.get(uid);
    if (pod === undefined) return;
    const toMs = this.#nowMs();
    pod.pull = { fromMs: Math.min(pod.pull?.fromMs ?? Infinity, toMs - ms), toMs };
  }

  /** All its containers have begun. Answers only once. */
  started(uid: string): PodStart | undefined {
    const pod = this.#pods.get(uid);
    if (pod === undefined) return undefined;
    this.dismiss(uid);
    const nowMs = this.#nowMs();
    const sinceSeenMs = nowMs - pod.seenMs;
    if (pod.createdMs === undefined) return { sinceSeenMs };
    const sinceCreatedMs = Math.max(0, nowMs - pod.createdMs);
    return { sinceSeenMs, sinceCreatedMs, ownMs: Math.max(0, sinceCreatedMs - aside(pod)) };
  }

  /** All of it has ended. A pod that ended under an agent before this one did not begin here. */
  finished(uid: string): void {
    if (this.#pods.get(uid)?.runningMs === undefined) this.dismiss(uid);
  }

  /** It will not begin any more. */
  dismiss(uid: string): void {
    if (this.#pods.has(uid)) this.#pods.set(uid, undefined);
  }

  /** It is gone. */
  forget(uid: string): void {
    this.#pods.delete(uid);
  }
}

/** Time of downloads and of init containers, which may overlap. */
function aside({ initMs, runningMs, pull }: PodTime): number {
  const init = initMs === undefined || runningMs === undefined ? 0 : runningMs - initMs;
  if (pull === undefined) return init;
  const pulling = pull.toMs - pull.fromMs;
  if (init === 0) return pulling;
  const common = Math.min(pull.toMs, runningMs!) - Math.max(pull.fromMs, initMs!);
  return init + pulling - Math.max(0, common);
}
