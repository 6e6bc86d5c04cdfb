/**
 * All pods of this node: one machine for each UID, from the first sight of it to its removal.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { Pod, PodPhase } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import { type Assignment, Controller, type EndName, runMachine } from "../krator/mod.ts";
import { kubeTime, sleep } from "../time.ts";
import { phaseOf } from "../status/phase.ts";
import type { PodKey } from "../status/writer.ts";
import { PodContext } from "./context.ts";
import { watchDeadline } from "./deadline.ts";
import { POD_EDGES, type PodEdges, type PodStateName, type PodStates } from "./edges.ts";
import { type EvictionCause, evictPod } from "./evict.ts";
import { followPod } from "./follow.ts";
import { identity, loseRunning, newRecord, type PodRecord } from "./record.ts";
import { resumeRestart } from "./restart_all.ts";
import { seatPods } from "./seating.ts";
import type { PodServices } from "./services.ts";
import { watchResize } from "./resize.ts";
import { shutdownGroups, type ShutdownWishes, TOO_LATE } from "./shutdown.ts";
import { finished } from "./states/finished.ts";
import { initializing } from "./states/initializing.ts";
import { mounting } from "./states/mounting.ts";
import { registered } from "./states/registered.ts";
import { restarting } from "./states/restarting.ts";
import { rejecting } from "./states/rejecting.ts";
import { removing } from "./states/removing.ts";
import { running } from "./states/running.ts";
import { terminating } from "./states/terminating.ts";

const log = getLogger(["krustlet", "pod"]);

/** Beyond all grace periods, what is left to do at a shutdown gets this long. */
const SETTLE_MS_MAX = 5_000;

const STATES: PodStates = {
  registered,
  mounting,
  initializing,
  running,
  restarting,
  terminating,
  rejecting,
  finished,
  removing,
};

/** Runs all pods that it is told of. */
export class PodManager {
  readonly #services: PodServices;
  readonly #contexts = new Map<string, PodContext>();
  readonly #lives = new Map<string, Life>();
  /** The newest versions of pods that no API server knows, by UID. */
  readonly #own = new Map<string, Pod>();
  readonly #shutdown = new AbortController();
  readonly #controller: Controller<Pod>;
  #shutdownGraceMs = 0;
  #nodeEnds = false;

  constructor(services: PodServices) {
    this.#services = services;
    this.#controller = new Controller<Pod>({
      work: (assignment) => this.#live(assignment),
      onDefect: (pod, error) => {
        log.error("Pod {namespace}/{name} is stuck by a defect of the agent: {error}", {
          ...pod.metadata,
          error: error instanceof Error ? error.stack : String(error),
        });
      },
    });
  }

  /** Takes a new or newer version of a pod. */
  apply(pod: Pod): void {
    // A node that goes down says so to pods that still come; otherwise they wait for the next agent.
    const comesLate = this.#nodeEnds && !this.#contexts.has(pod.metadata?.uid ?? "");
    if (!this.#shutdown.signal.aborted || comesLate) this.#controller.apply(pod);
  }

  /** Learns that a pod is no more. */
  remove(pod: Pod): void {
    this.#controller.remove(pod);
  }

  /**
   * Learns of all pods there are, in whatever order. Those that are new have their places before any of them
   * starts ({@linkcode seatPods}). Settles when their lives have begun.
   */
  async sync(pods: readonly Pod[]): Promise<void> {
    const known = new Set(this.#controller.objects().map(({ metadata }) => metadata?.uid));
    const strangers = pods.filter(({ metadata }) => !known.has(metadata?.uid));
    if (this.#services.ledger !== undefined && strangers.length > 0) {
      await seatPods(strangers, this.#services);
    }
    if (!this.#shutdown.signal.aborted) this.#controller.sync([...pods, ...this.#own.values()]);
  }

  /** Takes a pod that no API server knows: {@linkcode sync} leaves it alone. */
  applyOwn(pod: Pod): void {
    const { uid } = identity(pod);
    // Before others are let in: it stays, whether it fits or not.
    if (!this.#own.has(uid)) this.#services.ledger?.keep(uid, pod);
    this.#own.set(uid, pod);
    this.apply(pod);
  }

  /** Ends such a pod within its grace period. Resolves when nothing is left of it, so that it may come again. */
  async retire(pod: Pod): Promise<void> {
    const { uid } = identity(pod);
    this.applyOwn({
      ...pod,
      metadata: {
        ...pod.metadata,
        deletionTimestamp: kubeTime(Date.now()),
        deletionGracePeriodSeconds: pod.spec?.terminationGracePeriodSeconds ?? 30,
      },
    });
    await this.#controller.ended(pod);
    this.#own.delete(uid);
    this.#controller.remove(pod);
  }

  /** Says a pod's status once more, to whoever may not have heard it. */
  reportAgain({ uid }: PodKey): void {
    this.#services.status.forget(uid);
    void this.#contexts.get(uid)?.changed();
  }

  /** The newest versions of all pods, with the status that this node last computed. */
  pods(): Pod[] {
    return this.#controller.objects().map((pod) => {
      const status = this.#contexts.get(pod.metadata?.uid ?? "")?.record.reported;
      return status === undefined ? pod : { ...pod, status };
    });
  }

  /** The newest version of a pod that is at work here. */
  newest(uid: string): Pod | undefined {
    return this.#contexts.get(uid)?.pod;
  }

  /** True of a pod that is at work here, or that the cluster still has. */
  knows(uid: string): boolean {
    return this.#controller.has(uid);
  }

  /** The volumes of a pod that are mounted, by name. */
  mountedOf(uid: string): PodContext["mounted"] {
    return this.#contexts.get(uid)?.mounted ?? new Map();
  }

  /** What is known of the pod with this namespace and name; a live one before one that ends. */
  find(namespace: string, name: string): PodContext | undefined {
    const all = [...this.#contexts.values()].filter(({ key }) =>
      key.namespace === namespace && key.name === name
    );
    return all.find((context) => context.ending.cause === undefined) ?? all.at(-1);
  }

  /** See {@linkcode evictPod}; false for a pod that is not known. */
  async evict(uid: string, why: EvictionCause): Promise<boolean> {
    const context = this.#contexts.get(uid);
    return context !== undefined && await evictPod(context, why);
  }

  /**
   * Ends all guests within their grace periods, at most `graceMs`. Pods stay for the next agent, unless
   * their node goes down for good ({@linkcode ShutdownWishes.failure}).
   */
  async shutdown(graceMs: number, wishes: ShutdownWishes = {}): Promise<void> {
    this.#shutdownGraceMs = graceMs;
    this.#nodeEnds = wishes.failure !== undefined;
    this.#shutdown.abort();
    const settled = new AbortController();
    // A pod that is being removed waits for the API server, which may be away.
    const limit = sleep(graceMs + SETTLE_MS_MAX, settled.signal);
    const lives = [...this.#lives.values()];
    for (const group of shutdownGroups(lives, { graceMs, ...wishes })) {
      for (const life of group.members) this.#shutDown(life, group.graceMs, wishes);
      const all = Promise.all(group.members.map(({ done }) => done));
      await Promise.race([all, sleep(group.graceMs, settled.signal), limit]);
    }
    await Promise.race([this.#controller.idle(), limit]);
    settled.abort();
  }

  #shutDown({ context, end }: Life, graceMs: number, { failure }: ShutdownWishes): void {
    const { record, own, ending } = context;
    // A static pod is this machine's own: it comes again with it.
    const fails = !own && record.finalPhase === undefined && ending.cause === undefined;
    if (failure !== undefined && fails) record.failure ??= failure;
    end(graceMs);
  }

  async #live(assignment: Assignment<Pod>): Promise<void> {
    const { latest, gone } = assignment;
    const key = identity(latest.value);
    const dismissal = new AbortController();
    const over = new AbortController();
    const context = new PodContext({
      services: this.#services,
      key,
      latest,
      record: await this.#recall(latest.value),
      gone,
      dismissed: dismissal.signal,
      own: this.#own.has(key.uid),
      others: () => this.#contexts.values(),
    });
    this.#contexts.set(key.uid, context);
    void this.#watchDeletion(context, dismissal, over.signal);
    const done = Promise.withResolvers<void>();
    const end = (graceMs: number): void => {
      context.ending.begin("shutdown", Math.min(context.graceMs, graceMs));
      dismissal.abort();
    };
    this.#lives.set(key.uid, { context, pod: latest.value, done: done.promise, end });
    if (this.#shutdown.signal.aborted) {
      if (this.#nodeEnds && !context.own && context.record.finalPhase === undefined) {
        context.record.failure ??= TOO_LATE;
      }
      end(this.#shutdownGraceMs);
    }
    void watchDeadline(context, over.signal);
    void followPod(context, over.signal);
    void watchResize(context, over.signal);
    try {
      let end = await this.#run(context, { initial: "registered", dismissed: dismissal.signal })
        .catch((error) => this.#defect(context, error));
      // Whatever broke: the pod fails, is shown as it is, and can be deleted.
      end ??= await this.#run(context, { initial: "terminating", dismissed: dismissal.signal });
      if (end === "removed") this.#contexts.delete(key.uid);
    } finally {
      context.ending.over();
      context.held?.[Symbol.dispose]();
      this.#services.ledger?.release(key.uid);
      over.abort();
      await context.saved();
      this.#lives.delete(key.uid);
      done.resolve();
    }
  }

  #run(
    context: PodContext,
    { initial, dismissed }: { initial: PodStateName; dismissed: AbortSignal },
  ): Promise<EndName<PodEdges> | undefined> {
    return runMachine({
      edges: POD_EDGES,
      states: STATES,
      initial,
      context,
      interrupt: { signal: dismissed, to: "terminating" },
      onEnter: (state) => {
        log.debug("Pod {namespace}/{name} is {state}", { ...context.key, state });
        this.#services.onState?.(context.key, state);
      },
    });
  }

  #defect(context: PodContext, error: unknown): undefined {
    log.error("Pod {namespace}/{name} met a defect of the agent: {error}", {
      ...context.key,
      error: error instanceof Error ? error.stack : String(error),
    });
    const message = `The node agent failed: ${messageOf(error)}`;
    context.tell("Warning", "InternalError", message);
    context.fail({ reason: "InternalError", message }, 0);
  }

  /** What this machine remembers of the pod, else what the cluster remembers. */
  async #recall(pod: Pod): Promise<PodRecord> {
    const { uid } = identity(pod);
    const nowMs = Date.now();
    const record = await this.#services.records.load(uid) ?? newRecord(pod, kubeTime(nowMs));
    loseRunning(record, nowMs);
    resumeRestart(pod, record, nowMs);
    // Somebody else (the pod garbage collector, a drain) may have ended it while we were away.
    const { phase } = pod.status ?? {};
    if (hasEnded(phase)) record.finalPhase ??= phase;
    // Or all its work had ended with the agent before: then its sidecars have nobody to serve.
    const sum = phaseOf(pod, record.containers);
    if (record.failure === undefined && hasEnded(sum)) record.finalPhase ??= sum;
    return record;
  }

  async #watchDeletion(
    context: PodContext,
    dismissal: AbortController,
    over: AbortSignal,
  ): Promise<void> {
    const done = AbortSignal.any([over, context.gone]);
    while (!done.aborted) {
      if (context.pod.metadata?.deletionTimestamp !== undefined) {
        context.ending.begin("deleted", context.graceMs);
        dismissal.abort();
      } else this.#endedByOthers(context);
      await context.latest.changed(done);
    }
    if (!context.gone.aborted) return;
    context.ending.begin("deleted", 0);
    dismissal.abort();
  }

  /** A pod that the cluster has declared dead, as of a node that was gone for long, is dead. */
  #endedByOthers(context: PodContext): void {
    const { phase, reason = "Terminated", message = "" } = context.pod.status ?? {};
    if (phase !== "Failed" || context.record.finalPhase !== undefined) return;
    context.fail({ reason, message }, context.graceMs);
  }
}

function hasEnded(phase: PodPhase | undefined): phase is "Succeeded" | "Failed" {
  return phase === "Succeeded" || phase === "Failed";
}

/** A pod that is at work. */
interface Life {
  readonly context: PodContext;
  readonly pod: Pod;
  readonly done: Promise<void>;
  /** Ends it because the agent ends. */
  end(graceMs: number): void;
}
