/**
 * One pod of the model: when its containers have their turns, how it ends, and what is told of it.
 *
 * @module
 */
import type { PodPhase } from "../api/types.ts";
import type { ContainerPlan, Deed, PodPlan } from "./_life_script.ts";
import { ModelContainer, Retry } from "./_life_model_container.ts";

/** What is around the pods. Changed by the model alone. */
export interface Cluster {
  nowMs: number;
  agent: "up" | "stopping" | "down";
  /** True while the node reaches the API server. */
  linked: boolean;
  /** True while the ConfigMap is there. */
  config: boolean;
  /** Images that the registry does not have. */
  readonly broken: Set<string>;
  /** Probes that fail, as `container kind`. */
  readonly bad: Set<string>;
}

/** What users ask of a pod. */
export type Request = Extract<
  Deed,
  { do: "image" | "deadline" | "ephemeral" | "delete" | "vanish" }
>;

/** What users want of a pod, as its object says. Plain data, replaced at each change. */
export interface Wanted {
  readonly images: Readonly<Record<string, string>>;
  readonly deadlineSeconds: number | undefined;
  readonly ephemeral: readonly ContainerPlan[];
  /** The grace period of its deletion. */
  readonly deletionSeconds?: number;
}

type Cause = "ended" | "failed" | "shutdown" | "deleted";
const CAUSES: readonly Cause[] = ["ended", "failed", "shutdown", "deleted"];

/** First and longest pause before a volume is tried again. */
const MOUNT_MS = { first: 1_000, max: 10_000 };

/** A pod's whole life. */
export class ModelPod {
  readonly uid: string;
  readonly #plan: PodPlan;
  readonly #cluster: Cluster;
  readonly #containers: ModelContainer[];
  /** What the API server has of it; `undefined` once it has nothing. */
  wanted: Wanted | undefined;
  /** What the agent has last seen of that. */
  #seen: Wanted | undefined;
  /** True while an agent has the pod at work. */
  atWork = false;
  /** True once nothing of it is left on the machine. */
  isGone = false;
  /** True once a sidecar has failed at the very moment at which its pod had done its work: either may be first. */
  isUnsure = false;
  /** What was last told to the API server. */
  told: readonly string[] = [];
  #toldPhase: PodPhase = "Pending";
  lastWords: readonly string[] | undefined;
  /** When an agent first saw it, in whole seconds. */
  #startMs: number | undefined;
  #mounted = false;
  readonly #mounting = new Retry(MOUNT_MS);
  /** Init containers that this agent need not look at again to go on. */
  #initialized = 0;
  #ending: { cause: Cause; killMs: number } | undefined;
  #failed = false;
  #final: PodPhase | undefined;

  constructor(plan: PodPlan, uid: string, cluster: Cluster) {
    this.#plan = plan;
    this.uid = uid;
    this.#cluster = cluster;
    this.#containers = plan.containers.map((one) => new ModelContainer(one, plan, cluster));
    this.wanted = {
      images: Object.fromEntries(plan.containers.map(({ name, image }) => [name, image])),
      deadlineSeconds: plan.deadlineSeconds,
      ephemeral: [],
    };
  }

  nameOf(at: number): string {
    const { containers } = this.#plan;
    return containers[at % containers.length]!.name;
  }

  guests(): string[] {
    return this.#containers.filter((one) => one.isBusy).map(({ plan }) =>
      `${this.uid}/${plan.name}`
    );
  }

  /** What somebody asks the API server for. */
  request(request: Request): void {
    const wanted = this.wanted;
    if (wanted === undefined) return;
    switch (request.do) {
      case "image": {
        const name = this.nameOf(request.at);
        if (name.startsWith("init-")) return;
        const image = wanted.images[name] === "red" ? "blue" : "red";
        this.wanted = { ...wanted, images: { ...wanted.images, [name]: image } };
        return;
      }
      case "deadline": {
        // It may be set, and shortened; never taken away, nor moved back.
        const seconds = Math.min(request.seconds, wanted.deadlineSeconds ?? Infinity);
        this.wanted = { ...wanted, deadlineSeconds: seconds };
        return;
      }
      case "ephemeral": {
        const plan = ephemeralPlan(wanted.ephemeral.length, request.image);
        this.wanted = {
          ...wanted,
          images: { ...wanted.images, [plan.name]: plan.image },
          ephemeral: [...wanted.ephemeral, plan],
        };
        return;
      }
      case "delete": {
        const seconds = request.graceSeconds ?? this.#plan.graceSeconds;
        if (seconds === 0 || this.#toldPhase === "Succeeded" || this.#toldPhase === "Failed") {
          this.wanted = undefined;
        } else if (seconds < (wanted.deletionSeconds ?? Infinity)) {
          this.wanted = { ...wanted, deletionSeconds: seconds };
        }
        return;
      }
      case "vanish":
        this.wanted = undefined;
    }
  }

  exit(at: number, code: number | "trap"): void {
    const one = this.#containers[at % this.#plan.containers.length];
    // The guest of a pod before it, which still ends, is of another UID.
    if (this.wanted !== undefined && one?.isBusy) one.end(code === "trap" ? 134 : code);
  }

  kill(): void {
    for (const one of this.#containers) one.lose();
    this.#leave();
  }

  stop(graceMs: number): void {
    if (!this.atWork) return;
    if (this.#final !== undefined) {
      if (this.#ending?.cause !== "deleted") this.#leave();
      return;
    }
    this.#begin("shutdown", Math.min(graceMs, this.#graceMs()));
  }

  /** When something happens by itself next; `Infinity` if never. */
  nextMs(): number {
    const { nowMs } = this.#cluster;
    if (!this.atWork || this.#final !== undefined) return Infinity;
    const times = this.#containers.map((one) => one.nextMs(this.#ending === undefined));
    if (this.#ending !== undefined) times.push(this.#ending.killMs);
    else {
      times.push(this.#deadlineMs());
      if (!this.#mounted) times.push(this.#mounting.atMs);
    }
    return Math.min(...times.filter((ms) => ms > nowMs), Infinity);
  }

  /** Everything that happens at this time. */
  settle(): void {
    while (this.#step());
  }

  /** Some time has passed: what was to be told has been told. */
  heard(): void {
    if (this.#cluster.linked && this.#justLeft !== undefined) this.#tell(this.#justLeft);
    this.#justLeft = undefined;
    if (this.#cluster.linked && this.#cluster.agent === "up" && this.atWork) {
      this.#tell(this.lines());
    }
  }

  /** What an agent that was asked to end has said last. */
  #justLeft: readonly string[] | undefined;

  #tell(lines: readonly string[]): void {
    this.told = lines;
    this.#toldPhase = this.#phase();
  }

  /** One deed; false if there is nothing to do. */
  #step(): boolean {
    const { agent, linked, nowMs } = this.#cluster;
    if (this.isGone || agent === "down") return false;
    if (linked && agent === "up") {
      if (this.wanted === undefined) return this.#vanish();
      if (!this.atWork) this.#takeUp();
      this.#see(this.wanted);
    }
    if (!this.atWork) return false;
    if (this.#final !== undefined) return this.#release();
    if (this.#ending === undefined && this.#deadlineMs() <= nowMs) {
      this.#failed = true;
      this.#begin("failed", this.#graceMs());
    }
    return this.#ending === undefined ? this.#work() : this.#end();
  }

  #takeUp(): void {
    this.atWork = true;
    this.#startMs ??= Math.floor(this.#cluster.nowMs / 1000) * 1000;
    for (const one of this.#containers) one.takeUp();
    if (this.#final !== undefined) return;
    // Its work may have ended with the agent before: then its sidecars have nobody to serve.
    const failed = this.#containers.some((one) => one.isHopeless);
    const done = this.#isInitialized() && this.#apps().every((one) => one.isDone);
    if (!failed && !done) return;
    this.#failed = failed;
    this.#conclude("ended");
  }

  #see(wanted: Wanted): void {
    const before = this.#seen;
    this.#seen = wanted;
    for (const plan of wanted.ephemeral) {
      if (this.#containers.some((one) => one.plan.name === plan.name)) continue;
      this.#containers.push(new ModelContainer(plan, this.#plan, this.#cluster));
    }
    for (const one of this.#containers) one.image = wanted.images[one.plan.name] ?? "";
    const { deletionSeconds } = wanted;
    if (deletionSeconds === undefined) return;
    if (this.#ending?.cause === "deleted" && deletionSeconds === before?.deletionSeconds) return;
    this.#begin("deleted", deletionSeconds * 1000);
  }

  #begin(cause: Cause, graceMs: number): void {
    const killMs = Math.min(this.#ending?.killMs ?? Infinity, this.#cluster.nowMs + graceMs);
    const before = this.#ending?.cause;
    const weaker = before !== undefined && CAUSES.indexOf(before) >= CAUSES.indexOf(cause);
    this.#ending = { cause: weaker ? before : cause, killMs };
  }

  /** While the pod is to go on: everything has its turn. */
  #work(): boolean {
    if (!this.#mount()) return false;
    let changed = false;
    for (const one of this.#containers) {
      if (one.plan.kind === "ephemeral") changed = one.step() || changed;
    }
    const inits = this.#containers.filter(({ plan }) => isInit(plan));
    for (const [i, one] of inits.entries()) {
      changed = one.step() || changed;
      if (i < this.#initialized) continue;
      if (one.isHopeless) {
        this.#failed = true;
        this.#begin("failed", this.#graceMs());
        return true;
      }
      if (!one.letsOthersBegin) return changed;
      this.#initialized = i + 1;
    }
    const apps = this.#apps();
    for (const one of apps) changed = one.step() || changed;
    if (!apps.every((one) => one.isDone)) return changed;
    const { nowMs } = this.#cluster;
    this.isUnsure ||= inits.some(({ plan, touchedMs }) =>
      plan.kind === "sidecar" && touchedMs === nowMs
    );
    this.#begin("ended", this.#graceMs());
    return true;
  }

  #mount(): boolean {
    if (this.#mounted) return true;
    if (this.#plan.volume && !this.#cluster.config) {
      this.#mounting.failed(this.#cluster.nowMs);
      return false;
    }
    if (this.#mounting.atMs > this.#cluster.nowMs) return false;
    this.#mounted = true;
    return true;
  }

  /** The end of the pod: its workers, then its sidecars from the last to the first, then its last words. */
  #end(): boolean {
    const { cause, killMs } = this.#ending!;
    const killed = killMs <= this.#cluster.nowMs;
    let changed = false;
    const endAll = (some: readonly ModelContainer[]): boolean => {
      for (const one of some) changed = one.leave(killed, cause === "shutdown") || changed;
      return some.every((one) => !one.isBusy);
    };
    const sidecars = this.#containers.filter(({ plan }) => plan.kind === "sidecar").toReversed();
    if (killed) endAll(this.#containers);
    if (!endAll(this.#containers.filter(({ plan }) => plan.kind !== "sidecar"))) return changed;
    for (const sidecar of sidecars) if (!endAll([sidecar])) return changed;
    this.#conclude(cause);
    return true;
  }

  #conclude(cause: Cause): void {
    const apps = this.#apps();
    if (cause === "shutdown" && !this.#failed) {
      const inits = this.#containers.filter(({ plan }) => plan.kind === "init");
      const failed = inits.some((one) => one.isHopeless);
      if (!failed && !apps.every((one) => one.isDone && this.#isInitialized())) {
        this.#justLeft = this.lines();
        return this.#leave();
      }
      this.#failed = failed;
    }
    for (const one of this.#containers) one.conclude();
    const good = !this.#failed && apps.every((one) => one.code === 0);
    this.#final = good ? "Succeeded" : "Failed";
    if (cause !== "shutdown") return;
    this.#justLeft = this.lines();
    this.#leave();
  }

  /** A pod that has ended goes when it is deleted, and the API server has heard of it. */
  #release(): boolean {
    if (this.#ending?.cause !== "deleted" || !this.#cluster.linked) return false;
    this.lastWords = this.lines();
    this.wanted = undefined;
    return this.#vanish();
  }

  #vanish(): boolean {
    for (const one of this.#containers) one.lose();
    this.atWork = false;
    this.isGone = true;
    return true;
  }

  /** The agent ends; the next one begins with the pod as it is on disk. */
  #leave(): void {
    this.atWork = false;
    this.#mounted = false;
    this.#mounting.reset();
    this.#initialized = 0;
    this.#ending = undefined;
    if (this.#final === undefined) this.#failed = false;
  }

  #graceMs(): number {
    return (this.#seen?.deletionSeconds ?? this.#plan.graceSeconds) * 1000;
  }

  #deadlineMs(): number {
    const seconds = this.#seen?.deadlineSeconds;
    if (seconds === undefined || this.#startMs === undefined) return Infinity;
    return this.#startMs + seconds * 1000;
  }

  #apps(): ModelContainer[] {
    return this.#containers.filter(({ plan }) => plan.kind === "app");
  }

  #isInitialized(): boolean {
    return this.#containers.every((one) => !isInit(one.plan) || one.hasInitialized);
  }

  #phase(): PodPhase {
    if (this.#final !== undefined) return this.#final;
    if (!this.#isInitialized()) return "Pending";
    return this.#apps().every((one) => one.hasRun) ? "Running" : "Pending";
  }

  /** The pod's status: its phase, its conditions, and a line for each container. */
  lines(): string[] {
    const phase = this.#phase();
    const serving = this.#containers.filter(({ plan }) => ["app", "sidecar"].includes(plan.kind));
    const ready = this.#final === undefined && serving.every((one) => one.isReady);
    const initialized = phase === "Succeeded" || this.#isInitialized();
    return [
      `${phase}${initialized ? " Initialized" : ""}${ready ? " Ready" : ""}`,
      ...this.#containers.flatMap((one) => {
        // Whether one that was to start just then has run, nobody says.
        if (this.#final !== undefined && one.plan.kind === "ephemeral") return [];
        return one.line() ?? [];
      }),
    ];
  }
}

function isInit({ kind }: ContainerPlan): boolean {
  return kind === "init" || kind === "sidecar";
}

/** The container with which somebody looks into a pod. */
export function ephemeralPlan(number: number, image: "red" | "blue"): ContainerPlan {
  return {
    kind: "ephemeral",
    name: `debug-${number}`,
    image,
    rules: [],
    manner: 0,
    probes: [],
    postStart: "none",
    preStop: "none",
    config: false,
  };
}
