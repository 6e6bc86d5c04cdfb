/**
 * One pod at work: what its states share.
 *
 * @module
 */
import type { Container, Pod, RestartPolicy } from "../api/types.ts";
import { podReference } from "../container/places.ts";
import { newContainerRecord } from "../container/record.ts";
import { ContainerRunner, type ContainerTask } from "../container/runner.ts";
import { Latest } from "../krator/mod.ts";
import { allocatedContainer } from "../resources/resize.ts";
import { phaseOf } from "../status/phase.ts";
import type { PodKey } from "../status/writer.ts";
import { kubeTime } from "../time.ts";
import type { MountedVolume } from "../volumes/volume.ts";
import { Ending } from "./ending.ts";
import type { PodFailure, PodRecord } from "./record.ts";
import type { PodServices } from "./services.ts";
import { Sidecars } from "./sidecars.ts";
import { podStatus } from "./status.ts";

/** The part of a task that differs between a pod's containers. */
export interface ContainerRole {
  readonly name: string;
  readonly init: boolean;
  /** Added to the pod later, to look into it. @default false */
  readonly ephemeral?: boolean;
  readonly policy: RestartPolicy;
  /** Told to end after all others, in its own turn. @default {with all others} */
  readonly sidecar?: boolean;
  readonly onStarted?: () => void;
}

/** Everything about one pod. Its states change it; nobody else does. */
export class PodContext {
  readonly services: PodServices;
  readonly key: PodKey;
  readonly latest: Latest<Pod>;
  readonly record: PodRecord;
  readonly ending = new Ending();
  /** Aborted when the API server no longer has the pod. */
  readonly gone: AbortSignal;
  /** Aborted when the pod is deleted or gone, or when the agent shuts down. */
  readonly dismissed: AbortSignal;
  /** True for a pod that no API server knows. */
  readonly own: boolean;
  /** All pods of the node that are at work, this one among them. */
  readonly others: () => Iterable<PodContext>;
  /** The pod's volumes by name, once they are mounted. */
  mounted: ReadonlyMap<string, MountedVolume> = new Map();
  /** What its RuntimeClass asks the backend for, once that is known. */
  runtimeHandler: string | undefined;
  /** True once its volumes are mounted. */
  readyToStart = false;
  /** Keeps the objects that the pod names at hand while it may start containers. */
  held: Disposable | undefined;
  /** Why the pod can never run here, once that is known; not yet told. */
  rejection: PodFailure | undefined;
  /** The runs of containers that are under way, sidecars not among them. They do not reject. */
  readonly runners = new Set<Promise<void>>();
  /** The runs under way that begin again with all others: ephemeral containers do not. */
  readonly #again = new Set<Promise<void>>();
  /** The sidecars that run. */
  readonly sidecars = new Sidecars();
  /** Counts the changes of the record, for whoever waits for one. */
  readonly changes = new Latest(0);
  /** Aborted while all containers are to begin again. */
  #restart = new AbortController();
  #saving: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;
  /** Something has changed that the next save reports. */
  #untold = false;
  /** True once there is a file: then it is kept up to date. */
  #remembered: boolean;

  constructor(options: {
    services: PodServices;
    key: PodKey;
    latest: Latest<Pod>;
    record: PodRecord;
    gone: AbortSignal;
    dismissed: AbortSignal;
    own: boolean;
    others: () => Iterable<PodContext>;
  }) {
    this.services = options.services;
    this.key = options.key;
    this.latest = options.latest;
    this.record = options.record;
    this.#remembered = options.record.reported !== undefined;
    this.gone = options.gone;
    this.dismissed = options.dismissed;
    this.own = options.own;
    this.others = options.others;
  }

  /** The newest version of the pod. */
  get pod(): Pod {
    return this.latest.value;
  }

  /** Aborted when all containers have to end so that they begin again; another one for each such time. */
  get restarting(): AbortSignal {
    return this.#restart.signal;
  }

  /** Saves the record, then reports the pod's status. Resolves when the record is on disk. */
  changed(): Promise<void> {
    this.#untold = true;
    return this.noted();
  }

  /** Saves the record: what has changed is nobody else's business so far. Resolves when it is on disk. */
  noted(): Promise<void> {
    this.changes.set(this.changes.value + 1);
    this.#queued ??= this.#saving.then(() => this.#save());
    this.#saving = this.#queued;
    return this.#queued;
  }

  /** Resolves when every change so far is on disk. */
  saved(): Promise<void> {
    return this.#saving;
  }

  /** Starts a container's runner. What it settles with is seen through {@linkcode runners}. */
  start(role: ContainerRole): Promise<void> {
    const { fieldPath } = this.#container(role);
    const record = this.record.containers[role.name] ??= newContainerRecord();
    const sidecar = role.sidecar === true ? this.sidecars.add(role.name) : undefined;
    const stop = sidecar === undefined
      ? this.ending.stop
      : AbortSignal.any([sidecar.stop, this.ending.kill]);
    const restart = role.ephemeral === true ? [] : [this.restarting];
    const task: ContainerTask = {
      pod: () => this.pod,
      podChanged: (signal) => this.latest.changed(signal),
      spec: () => this.#container(role).spec,
      fieldPath,
      policy: role.policy,
      init: role.init && role.sidecar !== true,
      record,
      mounted: this.mounted,
      ...(this.runtimeHandler === undefined ? {} : { runtimeHandler: this.runtimeHandler }),
      changed: () => this.changed(),
      noted: () => this.noted(),
      ...(role.onStarted === undefined ? {} : { onStarted: role.onStarted }),
      stop: AbortSignal.any([this.ending.stop, ...restart]),
      leave: AbortSignal.any([stop, ...restart]),
      kill: AbortSignal.any([this.ending.kill, ...restart]),
      restartAll: () => this.#restartAll(),
      excused: () => this.ending.cause === "shutdown",
    };
    const running = new ContainerRunner(this.services, task).run();
    const settled = running.catch(() => {}).then(() => {
      this.runners.delete(settled);
      this.#again.delete(settled);
    });
    if (role.ephemeral !== true) this.#again.add(settled);
    if (sidecar === undefined) this.runners.add(settled);
    else sidecar.running(settled);
    return running;
  }

  /** Waits until all that begins again has ended, and forgets the sidecars that there were. */
  async halted(): Promise<void> {
    await Promise.all(this.#again);
    await this.sidecars.end(() => {});
  }

  /** From now on containers may begin again. */
  beginAgain(): void {
    delete this.record.restarting;
    this.#restart = new AbortController();
  }

  /** Waits until all containers have ended: first those that do the pod's work, then its sidecars. */
  async ended(): Promise<void> {
    await Promise.all(this.runners);
    await this.sidecars.end((name) => this.tellStop(name));
  }

  /** Tells that a container that runs is about to be stopped. */
  tellStop(name: string): void {
    if (this.record.containers[name]?.state.running === undefined) return;
    this.tell("Normal", "Killing", `Stopping container ${name}`);
  }

  /** The pod has failed as a whole: notes why, and ends what still runs. */
  fail(failure: PodFailure, graceMs: number): void {
    this.record.failure ??= failure;
    this.ending.begin("failed", graceMs);
  }

  /** The grace period that the pod's own spec asks for, in ms. */
  get graceMs(): number {
    const { metadata, spec } = this.pod;
    const seconds = metadata?.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ??
      30;
    return seconds * 1000;
  }

  /** Tells an event on the pod. */
  tell(type: "Normal" | "Warning", reason: string, message: string): void {
    this.services.events.tell({ object: podReference(this.pod), type, reason, message });
  }

  /** Fixes the final phase, if the pod has one. */
  conclude(): void {
    const { record } = this;
    delete record.restarting;
    const phase = record.failure === undefined ? phaseOf(this.pod, record.containers) : "Failed";
    if (phase === "Succeeded" || phase === "Failed") record.finalPhase ??= phase;
    if (record.finalPhase !== undefined) this.settleContainers();
  }

  /** Nothing starts any more: of what waited to be started again, its last run is what there is to tell. */
  settleContainers(): void {
    for (const container of Object.values(this.record.containers)) {
      const { terminated } = container.lastState;
      if (container.state.waiting === undefined || terminated === undefined) continue;
      container.state = { terminated };
      container.lastState = {};
    }
  }

  /** A pod that is about to end is not begun again for anything. */
  #restartAll(): void {
    if (this.ending.cause !== undefined) return;
    this.record.restarting = true;
    this.#restart.abort();
    void this.changed();
  }

  async #save(): Promise<void> {
    this.#queued = undefined;
    const told = this.#untold;
    this.#untold = false;
    const status = podStatus(this.pod, this.record, {
      hostIPs: this.services.facts.hostIPs,
      podIPs: this.#podIPs(),
      readyToStart: this.readyToStart,
      now: kubeTime(Date.now()),
    });
    this.record.reported = status;
    // On disk before anybody hears of it, so that an ended pod never runs again.
    if (status.phase === "Succeeded" || status.phase === "Failed") {
      this.record.finalPhase ??= status.phase;
      // Before anybody hears of it: whoever then makes another pod finds room for it.
      this.services.ledger?.release(this.key.uid);
    }
    // A pod of which nothing has happened yet needs no memory.
    this.#remembered ||= isWorthSaving(this.record);
    if (this.#remembered) {
      await this.services.records.save(this.key.uid, JSON.stringify(this.record));
    }
    if (told) this.services.status.say(this.key, status);
  }

  /** What it had last is told until it is no more. */
  #podIPs(): readonly string[] {
    const { facts, networks } = this.services;
    const last = this.record.reported?.podIPs?.map(({ ip }) => ip);
    if (networks !== undefined) return networks.podIPs(this.key.uid) ?? last ?? [];
    return this.readyToStart || last !== undefined ? facts.podIPs : [];
  }

  #container(
    { name, init, ephemeral = false }: ContainerRole,
  ): { spec: Container; fieldPath: string } {
    const list = ephemeral ? "ephemeralContainers" : init ? "initContainers" : "containers";
    const spec = this.pod.spec?.[list]?.find((container) => container.name === name);
    if (spec === undefined) {
      throw new Error(`Cannot start container "${name}": the pod has no such container`);
    }
    return {
      spec: allocatedContainer(spec, this.record.allocated),
      fieldPath: `spec.${list}{${name}}`,
    };
  }
}

function isWorthSaving({ containers, failure, finalPhase }: PodRecord): boolean {
  return failure !== undefined || finalPhase !== undefined ||
    Object.values(containers).some(({ containerId }) => containerId !== undefined);
}
