/**
 * The life of one container: pull, run, look at the ending, decide again.
 *
 * @module
 */
import { dirname } from "node:path";
import type { Container, Pod, RestartPolicy } from "../api/types.ts";
import { isKubeletError, messageOf } from "../errors.ts";
import { namesIn, removeTree } from "../files.ts";
import type { Exit } from "../exit.ts";
import type { ImageOnDisk } from "../images/images.ts";
import type { ContainerRun } from "../provider.ts";
import { restartsAll } from "../restart_rule.ts";
import { kubeTime, sleep } from "../time.ts";
import type { MountedVolume } from "../volumes/volume.ts";
import { backoffText } from "./backoff.ts";
import { followCpuLimit } from "./cpu_limit.ts";
import { decideRestart } from "./decide.ts";
import { ensureImage } from "./image_pull.ts";
import {
  containerLogDir,
  filledMark,
  namesDir,
  podReference,
  rootDir,
  wordsDir,
} from "./places.ts";
import { prepareRun } from "./prepare.ts";
import { type ContainerRecord, endedRun, endRun } from "./record.ts";
import { ImageWatch, type WatchedContainer } from "./image_watch.ts";
import { containerKind } from "./observer.ts";
import { liveRun, type RunLifeOptions } from "./run_life.ts";
import type { ContainerServices } from "./services.ts";
import { terminationMessage } from "./termination_message.ts";

/** One container's part in its pod. */
export interface ContainerTask extends WatchedContainer {
  /** The newest version of the pod. */
  pod(): Pod;
  /** `spec.containers{name}` or `spec.initContainers{name}`, as events name it. */
  readonly fieldPath: string;
  readonly policy: RestartPolicy;
  /** True for an init container that is no sidecar: it is done once it has succeeded. */
  readonly init: boolean;
  /** What is remembered; changed here, and saved and published by {@linkcode changed}. */
  readonly record: ContainerRecord;
  readonly mounted: ReadonlyMap<string, MountedVolume>;
  /** What the pod's RuntimeClass asks the backend for. @default {nothing special} */
  readonly runtimeHandler?: string;
  /** Resolves when the change is on disk. */
  changed(): Promise<void>;
  /** The same, but nobody is told so far. */
  noted(): Promise<void>;
  /** Called at each first instruction. */
  onStarted?(): void;
  /** Aborted when the end of its pod begins: nothing starts any more. */
  readonly stop: AbortSignal;
  /** Aborted when its guest is told to end: for a sidecar that is later. */
  readonly leave: AbortSignal;
  /** Aborted when the guest must be gone. */
  readonly kill: AbortSignal;
  /** Called when a rule of the container's has all containers of its pod begin again; it runs no more. */
  restartAll(): void;
  /** True if it is the agent that ends: then the run's end does not count against the guest. */
  excused(): boolean;
}

/** First and longest pause before what is missing, or could not be started, is tried again. */
const RETRY_MS = { first: 1_000, max: 10_000 };

/** One run that is about to begin. */
type Start = Pick<RunLifeOptions, "run" | "image" | "replacing">;

/** Runs one container for as long as its pod wants it. */
export class ContainerRunner {
  readonly #services: ContainerServices;
  readonly #task: ContainerTask;
  /** What the present run was begun with. */
  #spec: Container;
  /** How long the newest run lasted, if this agent has seen all of it. */
  #ranMs: number | undefined;

  constructor(services: ContainerServices, task: ContainerTask) {
    this.#services = services;
    this.#task = task;
    this.#spec = task.spec();
  }

  /**
   * Settles when the container need not run again, or was stopped. Throws a {@linkcode KubeletError}
   * with code `rejected` if it can never run here.
   */
  async run(): Promise<void> {
    const { stop } = this.#task;
    let replaced = false;
    while (!stop.aborted) {
      this.#spec = this.#task.spec();
      using watch = new ImageWatch(this.#task, this.#spec);
      if (!await this.#isToStart(replaced, watch.signal)) return;
      if (!watch.signal.aborted) await this.#runOnce(watch.signal);
      const ended = this.#task.record.state.terminated;
      if (!stop.aborted && restartsAll(this.#spec, ended)) return this.#task.restartAll();
      // A run that ended by itself has ended, whatever its pod is to have by now.
      replaced = watch.signal.aborted && ended === undefined;
    }
  }

  /** Decides, waits if there is a pause, and counts. A container with another image is as good as new. */
  async #isToStart(replaced: boolean, replacing: AbortSignal): Promise<boolean> {
    const { record, policy, init, stop } = this.#task;
    if (replaced) {
      delete record.backoff;
      return true; // it was counted when the run before it ended
    }
    const ended = endedRun(record);
    if (this.#forgetsBackoff()) return true;
    const decision = decideRestart({
      policy,
      init,
      container: this.#spec,
      ended,
      ranMs: this.#ranMs,
      attempt: record.restartCount,
      excused: record.excused === true,
      backoff: record.backoff,
      nowMs: Date.now(),
    });
    if (decision.do === "leave") return false;
    if (decision.backoff !== undefined) {
      record.backoff = { ...decision.backoff, image: this.#spec.image };
      await this.#backOff(decision.backoff.untilMs, decision.backoff.ms, replacing);
      if (stop.aborted) return false;
    }
    if (ended !== undefined) this.#countRestart();
    return true;
  }

  /** It may have been given another image while no agent looked. True if that ends its pause. */
  #forgetsBackoff(): boolean {
    const { record } = this.#task;
    const { backoff } = record;
    if (backoff === undefined || backoff.image === this.#spec.image) return false;
    delete record.backoff;
    const paused = backoff.attempt === record.restartCount;
    if (paused) this.#countRestart();
    return paused;
  }

  async #backOff(untilMs: number, backoffMs: number, replacing: AbortSignal): Promise<void> {
    const { record, stop } = this.#task;
    const spec = this.#spec;
    if (untilMs <= Date.now()) return;
    const { name, namespace, uid } = this.#task.pod().metadata ?? {};
    const message = `back-off ${backoffText(backoffMs)} restarting failed container=${spec.name} \
pod=${name}_${namespace}(${uid})`;
    if (record.state.terminated !== undefined) record.lastState = record.state;
    record.state = { waiting: { reason: "CrashLoopBackOff", message } };
    await this.#task.changed();
    this.#tell(
      "Warning",
      "BackOff",
      `Back-off restarting failed container ${spec.name} in pod \
${name}_${namespace}(${uid})`,
    );
    // No longer than was planned, though the clock was set back since then.
    await sleep(Math.min(untilMs - Date.now(), backoffMs), AbortSignal.any([stop, replacing]));
  }

  #countRestart(): void {
    const { record } = this.#task;
    if (record.state.terminated !== undefined) record.lastState = record.state;
    record.restartCount++;
    delete record.excused;
    record.state = { waiting: { reason: "ContainerCreating" } };
  }

  async #runOnce(replacing: AbortSignal): Promise<void> {
    const { record } = this.#task;
    const spec = this.#spec;
    const stop = AbortSignal.any([this.#task.stop, replacing]);
    const image = await ensureImage(this.#services, {
      pod: () => this.#task.pod(),
      spec,
      fieldPath: this.#task.fieldPath,
      waiting: (reason, message) => this.#waiting(reason, message),
      stop,
    });
    if (image === undefined) return;
    record.image = image.image;
    record.imageId = image.imageId;
    let pauseMs = RETRY_MS.first;
    while (!stop.aborted) {
      const run = await this.#prepare(image, stop);
      if (run === undefined || stop.aborted) return;
      if ("kind" in run) return await this.#ended(run);
      try {
        return await this.#startRun({ run, image, replacing });
      } catch (error) {
        if (!isKubeletError(error, "container_start")) throw error;
        this.#notBegun();
        this.#notStarted("CreateContainerError");
        this.#waiting("CreateContainerError", messageOf(error));
        this.#tell("Warning", "Failed", `Error: ${messageOf(error)}`);
      }
      if (!await sleep(pauseMs, stop)) return;
      pauseMs = Math.min(pauseMs * 2, RETRY_MS.max);
    }
  }

  async #startRun(start: Start): Promise<void> {
    const { record } = this.#task;
    const spec = this.#spec;
    const { run } = start;
    const [scheme] = this.#services.provider.runtimeVersion.split("://");
    record.containerId = `${scheme}://${run.id}`;
    if (spec.resources === undefined) delete record.resources;
    else record.resources = spec.resources;
    await this.#forgetOldRuns();
    // On disk before the first instruction, so that a killed agent knows that this run began. It counts for the
    // cluster once it runs: who sees a restart counted is to see that run, too.
    await this.#task.noted();
    this.#tell("Normal", "Created", `Container created: ${spec.name}`);
    const { exit, startedMs } = await this.#live(start);
    // Told to stop before it could begin: the next agent, if there is one, may start it.
    if (exit.kind === "killed" && startedMs === undefined) this.#notBegun();
    else await this.#ended(exit, { ...start, startedMs });
  }

  /** The run that was prepared has not begun: it is none. */
  #notBegun(): void {
    const { record } = this.#task;
    const last = record.lastState.terminated?.containerID;
    if (last === undefined) delete record.containerId;
    else record.containerId = last;
    void this.#task.changed();
  }

  /** A run; or how it ended before it could begin; or nothing if it was stopped. */
  async #prepare(
    image: ImageOnDisk,
    stop: AbortSignal,
  ): Promise<ContainerRun | Exit | undefined> {
    const { record, mounted, runtimeHandler } = this.#task;
    const spec = this.#spec;
    let pauseMs = RETRY_MS.first;
    for (;;) {
      try {
        return await prepareRun(this.#services, {
          pod: this.#task.pod(),
          spec,
          image,
          mounted,
          attempt: record.restartCount,
          ...(runtimeHandler === undefined ? {} : { runtimeHandler }),
          signal: stop,
        });
      } catch (error) {
        if (stop.aborted) return undefined;
        if (isKubeletError(error, "rejected")) throw error;
        if (isKubeletError(error, "entrypoint")) {
          delete record.containerId;
          return { kind: "start_error", message: messageOf(error) };
        }
        this.#waiting("CreateContainerConfigError", messageOf(error));
        this.#tell("Warning", "Failed", `Error: ${messageOf(error)}`);
        if (!await sleep(pauseMs, stop)) return undefined;
        pauseMs = Math.min(pauseMs * 2, RETRY_MS.max);
      }
    }
  }

  /** How the run ended, and when its guest began, if it did. */
  async #live(start: Start): Promise<{ exit: Exit; startedMs: number | undefined }> {
    const { record, stop, leave, kill } = this.#task;
    const spec = this.#spec;
    const { observer } = this.#services;
    const kind = containerKind(this.#task.fieldPath);
    let startedMs: number | undefined;
    let fromMs: number | undefined;
    const over = new AbortController();
    observer?.containerStarting(kind);
    const beganMs = performance.now();
    const exit = await liveRun({
      ...start,
      services: this.#services,
      pod: () => this.#task.pod(),
      spec,
      stop,
      leave,
      kill,
      onStarted: (atMs) => {
        startedMs = atMs;
        fromMs = performance.now();
        observer?.containerStarted(kind, performance.now() - beganMs);
        this.#tell("Normal", "Started", `Container started: ${spec.name}`);
        // It is told of as running when its hook has ended, which may take long.
        if (spec.lifecycle?.postStart !== undefined) void this.#task.changed();
        void this.#followCpuLimit(start.run, over.signal);
      },
      onHealth: ({ started, ready }) => {
        const first = started && !record.started;
        record.state = { running: { startedAt: kubeTime(startedMs ?? Date.now()) } };
        Object.assign(record, { started, ready });
        void this.#task.changed();
        if (first) this.#task.onStarted?.();
      },
      tell: (type, reason, message) => this.#tell(type, reason, message),
    }).finally(() => over.abort());
    this.#ranMs = fromMs === undefined ? undefined : performance.now() - fromMs;
    return { exit, startedMs };
  }

  async #followCpuLimit(run: ContainerRun, over: AbortSignal): Promise<void> {
    const { provider } = this.#services;
    const unkept = (message: string): void => this.#tell("Warning", "CPULimitNotKept", message);
    await followCpuLimit({
      run,
      provider,
      unkept,
      pod: () => this.#task.pod(),
      spec: () => this.#task.spec(),
      podChanged: (signal) => this.#task.podChanged(signal),
    }, over);
  }

  async #ended(
    exit: Exit,
    seen?: Start & { readonly startedMs: number | undefined },
  ): Promise<void> {
    const { record } = this.#task;
    const spec = this.#spec;
    const atMs = Date.now();
    const root = this.#rootOf(record.restartCount);
    const failed = exit.kind !== "exited" || exit.code !== 0;
    const words = seen === undefined
      ? ""
      : await terminationMessage({ pod: this.#task.pod(), spec, run: seen.run, failed });
    endRun(record, { exit, startedMs: seen?.startedMs, atMs, words });
    const { exitCode = 0, reason = "" } = record.state.terminated ?? {};
    const kind = containerKind(this.#task.fieldPath);
    this.#services.observer?.containerEnded(kind, { exitCode, reason });
    // Nobody may take the pod for ended.
    if (seen?.replacing.aborted && !this.#task.stop.aborted) this.#countRestart();
    if (this.#task.excused()) record.excused = true;
    if (exit.kind === "start_error") {
      this.#notStarted("RunContainerError");
      this.#tell(
        "Warning",
        "Failed",
        `Error: cannot start container "${spec.name}": ${exit.message}`,
      );
    }
    await this.#task.changed();
    // Nobody can look into a finished run's own files: what must stay belongs into a volume.
    await removeTree(root).catch(() => {});
    await removeTree(wordsDir(root)).catch(() => {});
    await removeTree(namesDir(root)).catch(() => {});
    await Deno.remove(filledMark(root)).catch(() => {});
  }

  // Like a kubelet, keeps the newest run's log and the one before it.
  async #forgetOldRuns(): Promise<void> {
    const { record } = this.#task;
    const spec = this.#spec;
    if (record.restartCount === 0) return;
    const pod = this.#task.pod();
    const { logsDir } = this.#services;
    // Also what an agent left that was killed: roots, marks and last words, each under its run's number.
    const roots = dirname(this.#rootOf(record.restartCount));
    for (const name of await namesIn(roots).catch(() => [])) {
      if (Number.parseInt(name) >= record.restartCount) continue;
      await removeTree(`${roots}/${name}`).catch(() => {});
    }
    const dir = containerLogDir(logsDir, pod, spec.name);
    for (const name of await namesIn(dir).catch(() => [])) {
      const attempt = Number.parseInt(name);
      if (attempt <= record.restartCount - 2) await Deno.remove(`${dir}/${name}`).catch(() => {});
    }
  }

  /** A run's own folder. Its root may be another one, which it shares. */
  #rootOf(attempt: number): string {
    const uid = this.#task.pod().metadata?.uid ?? "";
    return rootDir(this.#services.podsDir, uid, this.#spec.name, attempt);
  }

  #notStarted(code: string): void {
    this.#services.observer?.containerNotStarted(containerKind(this.#task.fieldPath), code);
  }

  #waiting(reason: string, message: string): void {
    this.#task.record.state = { waiting: { reason, message } };
    void this.#task.changed();
  }

  #tell(type: "Normal" | "Warning", reason: string, message: string): void {
    const object = podReference(this.#task.pod(), this.#task.fieldPath);
    this.#services.events.tell({ object, type, reason, message });
  }
}
