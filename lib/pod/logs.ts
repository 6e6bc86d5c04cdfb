/**
 * Where the logs of a pod's containers are.
 *
 * @module
 */
import { containerLogDir } from "../container/places.ts";
import { endedRun } from "../container/record.ts";
import type { PodContext } from "./context.ts";
import type { PodManager } from "./manager.ts";

/** The log of one run. */
export interface LogPlace {
  /** Folder of the container's logs. */
  readonly dir: string;
  /** The run's number. */
  readonly attempt: number;
  /** Resolves when the run has ended, or the pod is gone. */
  readonly ended: Promise<void>;
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
    const record = pod.record.containers[container];
    if (record === undefined) {
      return {
        error: "container",
        message: `container "${container}" in pod "${name}" is not available`,
      };
    }
    const dir = containerLogDir(this.#logsDir, pod.pod, container);
    const waiting = record.state.waiting;
    if (previous) {
      const ended = record.lastState.terminated !== undefined;
      // In its back-off, the run that ended last is both the newest and the previous one.
      const backingOff = waiting !== undefined && endedRun(record) !== undefined;
      const attempt = backingOff ? record.restartCount : record.restartCount - 1;
      if (ended && attempt >= 0) return { dir, attempt, ended: Promise.resolve() };
      const message = `previous terminated container "${container}" in pod "${name}" not found`;
      return { error: "previous", message };
    }
    if (waiting !== undefined && record.lastState.terminated === undefined) {
      const message = `container "${container}" in pod "${name}" is waiting to start: \
${waiting.reason ?? "unknown"}`;
      return { error: "waiting", message };
    }
    return { dir, attempt: record.restartCount, ended: this.#ended(pod, container) };
  }

  async #ended(pod: PodContext, container: string): Promise<void> {
    const record = pod.record.containers[container];
    const attempt = record?.restartCount;
    while (record?.state.running !== undefined && record.restartCount === attempt) {
      if (pod.gone.aborted) return;
      await pod.changes.changed(pod.gone);
    }
  }
}
