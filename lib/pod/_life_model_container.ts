/**
 * One container of the model: started, probed, ended, restarted.
 *
 * @module
 */
import type { ContainerPlan, PodPlan } from "./_life_script.ts";

/** What a container depends on. */
export interface Surroundings {
  readonly nowMs: number;
  readonly config: boolean;
  readonly broken: ReadonlySet<string>;
  readonly bad: ReadonlySet<string>;
}

interface Ending {
  readonly code: number;
  readonly reason: "Completed" | "Error" | "ContainerStatusUnknown";
}

/** Of pulls and of crashes; what is missing is looked for sooner. */
const BACKOFF_MS = { first: 10_000, max: 300_000 };
const CONFIG_MS = { first: 1_000, max: 10_000 };
/** A run of this length is no crash. */
const HEALTHY_MS = 600_000;
/** How often each probe asks; and one answer is believed. */
export const PROBE_SECONDS = 2;

/** Pauses that become longer. */
export class Retry {
  readonly #limits: { readonly first: number; readonly max: number };
  #pauseMs: number | undefined;
  /** When it is time to try again. */
  atMs = -Infinity;

  constructor(limits: { readonly first: number; readonly max: number }) {
    this.#limits = limits;
  }

  /** One more failure, unless the last one's pause still lasts. */
  failed(nowMs: number): void {
    if (this.atMs > nowMs) return;
    const { first, max } = this.#limits;
    this.#pauseMs = this.#pauseMs === undefined ? first : Math.min(2 * this.#pauseMs, max);
    this.atMs = nowMs + this.#pauseMs;
  }

  reset(): void {
    this.#pauseMs = undefined;
    this.atMs = -Infinity;
  }
}

/** A container's whole life. */
export class ModelContainer {
  readonly plan: ContainerPlan;
  readonly #pod: PodPlan;
  readonly #around: Surroundings;
  /** What it is to run. */
  image: string;
  #doing: "idle" | "pull" | "config" | "pause" | "hook" | "run" | "ended" = "idle";
  #count = 0;
  #ended: Ending | undefined;
  #last: Ending | undefined;
  #runImage = "";
  #sinceMs = 0;
  /** When it was last started, told to end, or ended. */
  touchedMs = -Infinity;
  /** How long the last run has lasted. */
  #ranMs = 0;
  /** Past its startup probe. */
  #up = false;
  #ready = false;
  /** Told to end. */
  #leaving = false;
  #replaced = false;
  /** The end was the agent's doing. */
  #excused = false;
  #killMs = Infinity;
  /** The pause before the restart that was last, in ms. */
  #pauseMs: number | undefined;
  #pausedUntilMs = 0;
  /** The image that this pause was for. */
  #pausedImage = "";
  readonly #pulling = new Retry(BACKOFF_MS);
  readonly #configuring = new Retry(CONFIG_MS);

  constructor(plan: ContainerPlan, pod: PodPlan, around: Surroundings) {
    this.plan = plan;
    this.#pod = pod;
    this.#around = around;
    this.image = plan.image;
  }

  /** True while its guest runs. */
  get isBusy(): boolean {
    return this.#doing === "run" || this.#doing === "hook";
  }

  get hasRun(): boolean {
    return this.#doing === "run" || this.#ended !== undefined || this.#last !== undefined;
  }

  get isReady(): boolean {
    return this.#doing === "run" && this.#ready;
  }

  get code(): number | undefined {
    return this.#ended?.code;
  }

  /** True if it has ended and stays so. */
  get isDone(): boolean {
    return this.#doing === "ended" && !this.#isRestarted();
  }

  /** An init container that has failed for good. */
  get isHopeless(): boolean {
    return this.plan.kind === "init" && this.isDone && this.code !== 0;
  }

  /** Of an init container: the ones behind it may begin. */
  get letsOthersBegin(): boolean {
    return this.plan.kind === "init" ? this.isDone && this.code === 0 : this.#up;
  }

  /** Of an init container: it has done its part at least once. */
  get hasInitialized(): boolean {
    if (this.plan.kind === "init") return this.code === 0;
    return this.#up || this.#ended !== undefined || this.#last !== undefined;
  }

  /** When something happens by itself next; `works` unless its pod is ending. */
  nextMs(works: boolean): number {
    if (this.isBusy) {
      const probeMs = this.#doing === "run" && this.#wouldChange(works)
        ? this.#nextProbeMs()
        : Infinity;
      return Math.min(this.#killMs, probeMs);
    }
    if (!works) return Infinity;
    if (this.#doing === "pull") return this.#pulling.atMs;
    if (this.#doing === "config") return this.#configuring.atMs;
    return this.#doing === "pause" ? this.#pausedUntilMs : Infinity;
  }

  /** Does what is to be done at this time; false if there is nothing. */
  step(): boolean {
    const { nowMs } = this.#around;
    switch (this.#doing) {
      case "idle":
        return this.#tryStart();
      case "pull":
        if (this.image === this.#runImage && this.#pulling.atMs > nowMs) return false;
        if (this.image !== this.#runImage) this.#pulling.reset();
        return this.#tryStart();
      case "config":
        if (this.image === this.#runImage && this.#configuring.atMs > nowMs) return false;
        return this.#tryStart();
      case "pause":
        if (this.image === this.#runImage && this.#pausedUntilMs > nowMs) return false;
        if (this.image !== this.#runImage) this.#pauseMs = undefined;
        this.#again();
        return true;
      case "ended":
        return this.#decide();
      default:
        return this.#run();
    }
  }

  /** Its pod ends: true if that changes something. */
  leave(killed: boolean, byAgent: boolean): boolean {
    if (!this.isBusy) return false;
    if (this.#probe(false)) return true;
    if (killed || this.#killMs <= this.#around.nowMs) {
      this.end(137);
      this.#excused = byAgent;
      return true;
    }
    this.#leaving = true;
    this.#replaced = false;
    if (!this.#endsByItself()) return false;
    this.end(Number(this.plan.manner));
    this.#excused = byAgent;
    return true;
  }

  /** Its run ends with this code. */
  end(code: number): void {
    this.#over({ code, reason: code === 0 ? "Completed" : "Error" });
  }

  /** Its agent is gone, and its guest with it. */
  lose(): void {
    this.#replaced = false;
    if (this.isBusy) this.#over({ code: 137, reason: "ContainerStatusUnknown" });
  }

  /** A new agent does not remember what it had pulled, nor how long it has waited for what was missing. */
  takeUp(): void {
    if (this.#doing !== "pause") this.#runImage = "";
    this.#pulling.reset();
    this.#configuring.reset();
  }

  /** Its pod has ended: what has run and waited will not run again. */
  conclude(): void {
    if (this.#doing === "ended" || this.#last === undefined) return;
    this.#doing = "ended";
    this.#ended = this.#last;
    this.#last = undefined;
  }

  /** What a status says of it; nothing of an ephemeral one that has never run. */
  line(): string | undefined {
    const { name, kind } = this.plan;
    const state = this.#state();
    if (kind === "ephemeral" && this.#doing !== "run" && this.#ended === undefined) {
      return undefined;
    }
    const ready = kind === "init" ? this.code === 0 : kind !== "ephemeral" && this.isReady;
    const last = this.#last === undefined ? "" : `, before ${this.#last.code} ${this.#last.reason}`;
    return `${name} #${this.#count} ${state}${ready ? " ready" : ""}${last}`;
  }

  #state(): string {
    switch (this.#doing) {
      case "pull":
        return "waits for its image";
      case "config":
        return "waits CreateContainerConfigError";
      case "pause":
        return "waits CrashLoopBackOff";
      case "run":
        return `runs${this.#up ? "" : ", not yet up"}`;
      case "ended":
        return `${this.#ended?.code} ${this.#ended?.reason}`;
      default:
        return "waits";
    }
  }

  #tryStart(): boolean {
    const { nowMs, broken, config } = this.#around;
    // What was pulled for this start is there.
    const pulled = this.#doing === "config" && this.image === this.#runImage;
    this.#runImage = this.image;
    if (!pulled && broken.has(this.image)) {
      this.#doing = "pull";
      this.#pulling.failed(nowMs);
      return true;
    }
    this.#pulling.reset();
    if (this.plan.config && !config) {
      this.#doing = "config";
      this.#configuring.failed(nowMs);
      return true;
    }
    this.#configuring.reset();
    this.#doing = this.plan.postStart === "bad" ? "hook" : "run";
    this.#sinceMs = nowMs;
    this.touchedMs = nowMs;
    this.#up = !this.plan.probes.includes("startup") && this.#doing === "run";
    this.#ready = this.#up && !this.plan.probes.includes("readiness");
    if (this.#doing === "hook") this.#tellToLeave();
    return true;
  }

  #run(): boolean {
    if (!this.#replaced && this.image !== this.#runImage) {
      this.#replaced = true;
      if (!this.#leaving) this.#tellToLeave();
      return true;
    }
    if (this.#probe(true)) return true;
    if (!this.#leaving) return false;
    if (this.#endsByItself()) this.end(Number(this.plan.manner));
    else if (this.#killMs <= this.#around.nowMs) this.end(137);
    else return false;
    return true;
  }

  #tellToLeave(): void {
    this.touchedMs = this.#around.nowMs;
    this.#leaving = true;
    this.#killMs = this.#around.nowMs + this.#pod.graceSeconds * 1000;
  }

  #endsByItself(): boolean {
    return this.plan.manner !== "deaf" && this.plan.preStop !== "hang";
  }

  /** All probes that are due, if any of them changes something. */
  #probe(works: boolean): boolean {
    const { nowMs } = this.#around;
    if (this.#doing !== "run" || this.#nextProbeMs() !== nowMs) return false;
    if (!this.#wouldChange(works)) return false;
    if (!this.#up) {
      if (this.#says("startup")) {
        this.#up = true;
        this.#ready = !this.plan.probes.includes("readiness");
      } else this.#tellToLeave();
      return true;
    }
    if (this.plan.probes.includes("readiness") && this.#ready !== this.#says("readiness")) {
      this.#ready = !this.#ready;
      return true;
    }
    this.#tellToLeave();
    return true;
  }

  /** True if the next answers of its probes will make a difference. */
  #wouldChange(works: boolean): boolean {
    const { probes } = this.plan;
    if (!this.#up) return !this.#leaving && works;
    if (probes.includes("readiness") && this.#ready !== this.#says("readiness")) return true;
    return probes.includes("liveness") && !this.#says("liveness") && !this.#leaving && works;
  }

  #says(kind: string): boolean {
    return !this.#around.bad.has(`${this.plan.name} ${kind}`);
  }

  /** The next time at which its probes ask, which may be now. */
  #nextProbeMs(): number {
    const periodMs = PROBE_SECONDS * 1000;
    const passed = Math.ceil((this.#around.nowMs - this.#sinceMs) / periodMs);
    return this.#sinceMs + passed * periodMs;
  }

  #over(ending: Ending): void {
    this.touchedMs = this.#around.nowMs;
    this.#ranMs = wholeSeconds(this.#around.nowMs) - wholeSeconds(this.#sinceMs);
    this.#doing = "ended";
    this.#ended = ending;
    this.#up = false;
    this.#ready = false;
    this.#leaving = false;
    this.#excused = false;
    this.#killMs = Infinity;
    if (!this.#replaced) return;
    this.#replaced = false;
    this.#pauseMs = undefined;
    this.#again();
  }

  /** What follows an ending. */
  #decide(): boolean {
    if (!this.#isRestarted()) return false;
    if (this.#pausedImage !== this.image) this.#pauseMs = undefined;
    if (this.#excused || this.#ended?.reason === "ContainerStatusUnknown") {
      this.#again();
      return true;
    }
    this.#pausedImage = this.image;
    // A run that the agent has ended says nothing, neither for its guest nor against it.
    if (this.#ranMs >= HEALTHY_MS) this.#pauseMs = undefined;
    // The first restart comes at once.
    this.#pauseMs = this.#pauseMs === undefined
      ? 0
      : Math.min(Math.max(2 * this.#pauseMs, BACKOFF_MS.first), BACKOFF_MS.max);
    if (this.#pauseMs === 0) this.#again();
    else {
      this.#doing = "pause";
      this.#pausedUntilMs = this.#around.nowMs + this.#pauseMs;
      this.#last = this.#ended;
      this.#ended = undefined;
    }
    return true;
  }

  #again(): void {
    this.#last = this.#ended ?? this.#last;
    this.#ended = undefined;
    this.#count++;
    this.#doing = "idle";
  }

  #isRestarted(): boolean {
    const { kind, policy, rules } = this.plan;
    const code = this.#ended?.code ?? 0;
    if (kind === "ephemeral") return false;
    if (kind === "sidecar") return true;
    if (kind === "init" && code === 0) return false;
    for (const { operator, values } of rules) {
      if (values.includes(code) === (operator === "In")) return true;
    }
    switch (policy ?? this.#pod.policy) {
      case "Always":
        return true;
      case "OnFailure":
        return code !== 0;
      case "Never":
        return false;
    }
  }
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
