/**
 * An API server for one name: what users ask of it, and what the node tells it.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Container, Pod, PodPhase, PodStatus, Probe } from "../api/types.ts";
import type { Heard, PodKey } from "../status/writer.ts";
import { kubeTime } from "../time.ts";
import { PROBE_SECONDS } from "./_life_model_container.ts";
import { ephemeralPlan } from "./_life_model_pod.ts";
import type { ContainerPlan, PodPlan, Step } from "./_life_script.ts";

const RANKS: Record<PodPhase, number> = {
  Unknown: 0,
  Pending: 0,
  Running: 1,
  Succeeded: 2,
  Failed: 2,
};

/** Keeps one pod at a time, as an API server does. */
export class LifeApi {
  readonly #onEvent: (pod: Pod, what: "applied" | "deleted") => void;
  /** The pod that there is. */
  pod: Pod | undefined;
  /** The UID of the pod that was created last. */
  lastUid = "";
  /** The last status of each pod that the node has let go, by UID. */
  readonly lastWords = new Map<string, PodStatus>();

  /** @param onEvent hears of each change, as a watch does. */
  constructor(onEvent: (pod: Pod, what: "applied" | "deleted") => void) {
    this.#onEvent = onEvent;
  }

  create(pod: Pod): void {
    this.lastUid = pod.metadata?.uid ?? "";
    this.#set(pod);
  }

  /** What a user asks for. */
  request(step: Step): void {
    const pod = this.pod;
    if (pod?.spec === undefined) return;
    switch (step.do) {
      case "label":
        return this.#set({ ...pod, metadata: { ...pod.metadata, labels: { round: "2" } } });
      case "image":
        return this.#setImage(pod, step.at);
      case "deadline": {
        const { activeDeadlineSeconds = Infinity } = pod.spec;
        const seconds = Math.min(step.seconds, activeDeadlineSeconds);
        return this.#respec(pod, { ...pod.spec, activeDeadlineSeconds: seconds });
      }
      case "ephemeral": {
        const { ephemeralContainers = [] } = pod.spec;
        const one = containerOf(ephemeralPlan(ephemeralContainers.length, step.image));
        return this.#respec(pod, {
          ...pod.spec,
          ephemeralContainers: [...ephemeralContainers, one],
        });
      }
      case "delete":
        return this.#delete(pod, step.graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30);
      case "vanish":
        return this.#remove(pod);
    }
  }

  /** Takes the node's word. */
  writeStatus({ uid }: PodKey, status: PodStatus): Heard {
    if (this.pod?.metadata?.uid !== uid) return "gone";
    checkProgress(this.pod.status ?? {}, status);
    this.#set({ ...this.pod, status });
    return "written";
  }

  /** The node is done with a pod. */
  release({ uid }: PodKey): Heard {
    if (this.pod?.metadata?.uid !== uid) return "gone";
    this.lastWords.set(uid, this.pod.status ?? {});
    this.#remove(this.pod);
    return "written";
  }

  #setImage(pod: Pod, at: number): void {
    const { initContainers = [], containers = [] } = pod.spec ?? {};
    const all = [...initContainers, ...containers];
    const one = all[at % all.length]!;
    if (one.name.startsWith("init-") || pod.spec === undefined) return;
    const image = one.image === "red" ? "blue" : "red";
    const changed = (list: Container[]): Container[] =>
      list.map((other) => other === one ? { ...one, image } : other);
    this.#respec(pod, {
      ...pod.spec,
      containers: changed(containers),
      ...(initContainers.length === 0 ? {} : { initContainers: changed(initContainers) }),
    });
  }

  #delete(pod: Pod, seconds: number): void {
    const phase = pod.status?.phase;
    if (seconds === 0 || phase === "Succeeded" || phase === "Failed") return this.#remove(pod);
    const { deletionGracePeriodSeconds: before = Infinity } = pod.metadata ?? {};
    if (seconds >= before) return;
    this.#set({
      ...pod,
      metadata: {
        ...pod.metadata,
        deletionTimestamp: kubeTime(Date.now() + seconds * 1000),
        deletionGracePeriodSeconds: seconds,
      },
    });
  }

  #respec(pod: Pod, spec: NonNullable<Pod["spec"]>): void {
    const generation = (pod.metadata?.generation ?? 1) + 1;
    this.#set({ ...pod, metadata: { ...pod.metadata, generation }, spec });
  }

  #set(pod: Pod): void {
    this.pod = pod;
    this.#onEvent(pod, "applied");
  }

  #remove(pod: Pod): void {
    this.pod = undefined;
    this.#onEvent(pod, "deleted");
  }
}

/** What was said first is never taken back by what is said later. */
function checkProgress(before: PodStatus, after: PodStatus): void {
  const [was, is] = [before.phase ?? "Pending", after.phase ?? "Pending"];
  assert.ok(RANKS[is] >= RANKS[was], `its phase goes from ${was} to ${is}`);
  if (RANKS[was] === 2) assert.equal(is, was, "its last phase is another one");
  const all = ({ initContainerStatuses = [], containerStatuses = [] }: PodStatus) => [
    ...initContainerStatuses,
    ...containerStatuses,
  ];
  for (const { name, restartCount } of all(before)) {
    const now = all(after).find((one) => one.name === name)?.restartCount ?? 0;
    assert.ok(now >= restartCount, `${name} counts back from ${restartCount} to ${now}`);
  }
}

/** A plan as a manifest. */
export function manifestOf(plan: PodPlan, uid: string): Pod {
  const of = (isInit: boolean): Container[] =>
    plan.containers.filter(({ kind }) => (kind !== "app") === isInit)
      .map((one) => containerOf(one, plan.volume));
  const initContainers = of(true);
  return {
    metadata: { name: "web", namespace: "default", uid, generation: 1 },
    spec: {
      restartPolicy: plan.policy,
      terminationGracePeriodSeconds: plan.graceSeconds,
      ...(plan.deadlineSeconds === undefined
        ? {}
        : { activeDeadlineSeconds: plan.deadlineSeconds }),
      ...(plan.volume ? { volumes: [{ name: "config", configMap: { name: "config" } }] } : {}),
      ...(initContainers.length === 0 ? {} : { initContainers }),
      containers: of(false),
    },
  };
}

function containerOf(plan: ContainerPlan, volume = false): Container {
  const { name, image, kind, policy, rules, manner, probes, postStart, preStop } = plan;
  const asks = (...command: string[]): Probe => ({ exec: { command } });
  const hooks = {
    ...(postStart === "none" ? {} : { postStart: asks(postStart) }),
    ...(preStop === "none" ? {} : { preStop: asks(preStop) }),
  };
  const probe = (what: string): Probe => ({
    ...asks(what, name),
    periodSeconds: PROBE_SECONDS,
    failureThreshold: 1,
  });
  const own = kind === "sidecar" ? "Always" : policy;
  const configMapKeyRef = { name: "config", key: "key" };
  return {
    name,
    image,
    env: [
      { name: "MANNER", value: `${manner}` },
      ...(plan.config ? [{ name: "KEY", valueFrom: { configMapKeyRef } }] : []),
    ],
    ...(own === undefined ? {} : { restartPolicy: own }),
    ...(rules.length === 0 ? {} : {
      restartPolicyRules: rules.map((exitCodes) => ({ action: "Restart" as const, exitCodes })),
    }),
    ...(volume ? { volumeMounts: [{ name: "config", mountPath: "/config" }] } : {}),
    ...(Object.keys(hooks).length === 0 ? {} : { lifecycle: hooks }),
    ...Object.fromEntries(probes.map((kind) => [`${kind}Probe`, probe(kind)])),
  };
}
