/**
 * Where the logs of a pod's containers are.
 *
 * @module
 */
import { containerLogDir } from "../container/places.ts";
import { type ContainerRecord, endedRun } from "../container/record.ts";
import type { PodContext } from "./context.ts";
import type { PodManager } from "./manager.ts";

/** The log of one run. */
export interface LogPlace {
  /** Folder of the container's logs. */
  readonly dir: string;
  /** The run's number. */
  readonly attempt: number;
  /** Resolves when the run has ended, or the pod is gone. All callers share one promise. */
  ended(): Promise<void>;
}

/** Why there is no log. */
export interface NoLog {
  readonly error: "pod" | "container" | "previous" | "waiting";
  /** In a kubelet's words. */
  readonly message: string;
}

/** A container by its names, as the API server asks for it. */
export interface ContainerName {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** Finds logs for the server. */
export class PodLogs {
  readonly #pods: PodManager;
  readonly #logsDir: string;
  /** The runs that somebody waits for, by container and number. */
  readonly #waits = new WeakMap<PodContext, Map<string, Promise<void>>>();

  constructor(pods: PodManager, logsDir: string) {
    this.#pods = pods;
    this.#logsDir = logsDir;
  }

  /** The log of a container's newest run, or of the one before it. */
  locate(
    { namespace, pod: name, container }: ContainerName,
    previous: boolean,
  ): LogPlace | NoLog {
    const pod = this.#pods.find(namespace, name);
    if (pod === undefined) {
      return { error: "pod", message: `pod "${name}" in namespace "${namespace}" not found` };
    }
    const { containers } = pod.record;
    // Its name comes from the request, which may ask for a container "constructor".
    const record = Object.hasOwn(containers, container) ? containers[container] : undefined;
    if (record === undefined) {
      return {
        error: "container",
        message: `container "${container}" in pod "${name}" is not available`,
      };
    }
    const dir = containerLogDir(this.#logsDir, pod.pod, container);
    const attempt = previous ? previousRun(record) : shownRun(record);
    if (attempt !== undefined) {
      return { dir, attempt, ended: () => this.#ended(pod, container, attempt) };
    }
    if (previous) {
      const message = `previous terminated container "${container}" in pod "${name}" not found`;
      return { error: "previous", message };
    }
    const message = `container "${container}" in pod "${name}" is waiting to start: \
${record.state.waiting?.reason ?? "unknown"}`;
    return { error: "waiting", message };
  }

  // One wait for each run: every other one would stay with the pod for as long as the run goes on.
  #ended(pod: PodContext, container: string, attempt: number): Promise<void> {
    const waits = this.#waits.getOrInsertComputed(pod, () => new Map());
    const key = `${container}/${attempt}`;
    return waits.getOrInsertComputed(
      key,
      () => untilEnded(pod, container, attempt).finally(() => waits.delete(key)),
    );
  }
}

/** The run before the newest one that ran; `undefined` if there is none. */
function previousRun(record: ContainerRecord): number | undefined {
  if (record.lastState.terminated === undefined) return undefined;
  // In its back-off, the run that ended last is both the newest and the previous one.
  const backingOff = record.state.waiting !== undefined && endedRun(record) !== undefined;
  const attempt = backingOff ? record.restartCount : record.restartCount - 1;
  return attempt < 0 ? undefined : attempt;
}

/** The newest run that has begun; `undefined` if there is none. */
function shownRun(record: ContainerRecord): number | undefined {
  // One that waits, for its image say, has written nothing: the run before it is still the newest.
  return record.state.waiting === undefined ? record.restartCount : previousRun(record);
}

async function untilEnded(pod: PodContext, container: string, attempt: number): Promise<void> {
  const record = pod.record.containers[container];
  while (record?.state.running !== undefined && record.restartCount === attempt) {
    if (pod.gone.aborted) return;
    await pod.changes.changed(pod.gone);
  }
}
