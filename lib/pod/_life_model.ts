/**
 * What becomes of pods, by the documentation of Kubernetes ("Pod Lifecycle", "Init Containers", "Sidecar
 * Containers", KEP-753, KEP-5307) and of this agent ("Stop, restart, upgrade"): a simulation without
 * disk, cluster or waiting.
 *
 * @module
 */
import { ODD_MS, type Script, type Step, STOP_SECONDS } from "./_life_script.ts";
import { type Cluster, ModelPod, type Request } from "./_life_model_pod.ts";

/** What must be seen at one moment. */
export interface Expected {
  /** The pod that the API server has: its UID, and its status as {@linkcode ModelPod.lines} tells it. */
  readonly api: { readonly uid: string; readonly lines: readonly string[] } | undefined;
  /** What the agent thinks of it; `undefined` if there is no agent, or it has not heard of the pod. */
  readonly node: readonly string[] | undefined;
  /** The guests that run, as `uid/container`. */
  readonly guests: readonly string[];
  /** UIDs of pods of which nothing may be left on this machine. */
  readonly gone: readonly string[];
  /** The last words of pods that the node has let go, by UID. */
  readonly lastWords: ReadonlyMap<string, readonly string[]>;
}

/**
 * What must be seen after each step, just before the next one; nothing if that comes at once, or once two
 * things have happened at one moment whose order matters.
 */
export function expectAll(script: Script, startMs: number): (Expected | undefined)[] {
  const model = new Model(script, startMs);
  return script.steps.map((step) => {
    model.act(step);
    if (step.thenSeconds === 0) return undefined;
    model.pass(step.thenSeconds * 1000 + ODD_MS);
    return model.isUnsure ? undefined : model.expected();
  });
}

class Model {
  readonly #script: Script;
  readonly #cluster: Cluster;
  /** All pods that there ever were; the last one is the one that the API server may still have. */
  readonly #pods: ModelPod[] = [];

  constructor(script: Script, startMs: number) {
    this.#script = script;
    this.#cluster = {
      nowMs: startMs,
      agent: "up",
      linked: true,
      config: script.config,
      broken: new Set(),
      bad: new Set(),
    };
  }

  get isUnsure(): boolean {
    return this.#pods.some((pod) => pod.isUnsure);
  }

  act(step: Step): void {
    const cluster = this.#cluster;
    const pod = this.#pods.at(-1);
    switch (step.do) {
      case "create": {
        if (pod?.wanted !== undefined) break;
        const { plans } = this.#script;
        const plan = plans[this.#pods.length % plans.length]!;
        this.#pods.push(new ModelPod(plan, `uid-${this.#pods.length}`, cluster));
        break;
      }
      case "exit":
        if (cluster.agent === "up") this.#each((one) => one.exit(step.at, step.code));
        break;
      case "probe": {
        const name = pod?.nameOf(step.at);
        if (name === undefined) break;
        cluster.bad[step.good ? "delete" : "add"](`${name} ${step.kind}`);
        break;
      }
      case "registry":
        cluster.broken[step.has ? "delete" : "add"](step.image);
        break;
      case "config":
        cluster.config = step.there;
        break;
      case "outage":
        cluster.linked = false;
        break;
      case "reunion":
        cluster.linked = true;
        break;
      case "kill":
      case "stop":
      case "start":
        this.#turnAgent(step.do);
        break;
      case "label":
        break;
      default:
        pod?.request(step satisfies Request);
    }
  }

  #turnAgent(how: "kill" | "stop" | "start"): void {
    const cluster = this.#cluster;
    if ((cluster.agent === "up") !== (how !== "start")) return;
    cluster.agent = how === "start" ? "up" : how === "stop" ? "stopping" : "down";
    this.#each((pod) => {
      if (how === "kill") pod.kill();
      if (how === "stop") pod.stop(STOP_SECONDS * 1000);
    });
  }

  pass(ms: number): void {
    const cluster = this.#cluster;
    const untilMs = cluster.nowMs + ms;
    for (;;) {
      this.#each((pod) => pod.settle());
      const nextMs = Math.min(...this.#pods.map((pod) => pod.nextMs()));
      if (nextMs > untilMs) break;
      cluster.nowMs = nextMs;
    }
    cluster.nowMs = untilMs;
    this.#each((pod) => pod.heard());
    if (cluster.agent === "stopping") cluster.agent = "down";
  }

  expected(): Expected {
    const pod = this.#pods.at(-1);
    const { agent } = this.#cluster;
    return {
      api: pod?.wanted === undefined ? undefined : { uid: pod.uid, lines: pod.told },
      node: agent === "up" && pod?.atWork ? pod.lines() : undefined,
      guests: this.#pods.flatMap((one) => one.guests()).sort(),
      gone: this.#pods.filter((one) => one.isGone).map(({ uid }) => uid),
      lastWords: new Map(
        this.#pods.flatMap(({ uid, lastWords }) =>
          lastWords === undefined ? [] : [[uid, lastWords]]
        ),
      ),
    };
  }

  #each(act: (pod: ModelPod) => void): void {
    for (const pod of this.#pods) act(pod);
  }
}
