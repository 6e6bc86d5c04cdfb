/**
 * One run from its first instruction to its end: hooks, probes, and what they lead to.
 *
 * @module
 */
import type { Container, LifecycleHandler, Pod, Probe } from "../api/types.ts";
import { isKubeletError, messageOf } from "../errors.ts";
import type { Exit } from "../exit.ts";
import { attempt, type ExecOutcome, type ProbeTarget } from "../probes/attempt.ts";
import { type Health, initialHealth, runProbes } from "../probes/container_probes.ts";
import type { Outcome } from "../probes/outcome.ts";
import type { ProbeKind } from "../probes/spec.ts";
import { aborted, sleep, TIMER_MS_MAX } from "../time.ts";
import { expandProbes } from "./env.ts";
import { execAndKeep, type RunningContainer } from "./exec.ts";
import { ContainerInput } from "./input.ts";
import { RunEnd } from "./run_end.ts";
import { type ContainerServices, factsOf } from "./services.ts";
import { endsAtOnce } from "./stop_signal.ts";

/** What HTTP and gRPC servers see; a kubelet's own words. */
const USER_AGENT = { probe: "kube-probe/1.36", hook: "kube-lifecycle/1.36" } as const;
/** What a pod gets that names no grace period, in seconds. */
const GRACE_SECONDS = 30;

/** What a run's life needs of its container. */
export interface RunLifeOptions extends RunningContainer {
  readonly services: ContainerServices;
  /** The newest version of the pod. */
  pod(): Pod;
  readonly spec: Container;
  /** Aborted when the end of its pod begins. */
  readonly stop: AbortSignal;
  /** Aborted when it is told to end: for a sidecar that is later. */
  readonly leave: AbortSignal;
  /** Aborted when the guest must be gone. */
  readonly kill: AbortSignal;
  /** Aborted when the container is to have another image. */
  readonly replacing: AbortSignal;
  /** The guest's first instruction comes next. */
  onStarted(startedMs: number): void;
  /** It runs, its start hook has ended, and it is as well as this. Called at each change. */
  onHealth(health: Health): void;
  tell(type: "Normal" | "Warning", reason: string, message: string): void;
}

/** Runs a guest, with its hooks and probes around it. Settles as `Provider.run` does. */
export async function liveRun(options: RunLifeOptions): Promise<Exit> {
  return await new RunLife(options).run();
}

class RunLife {
  readonly #options: RunLifeOptions;
  readonly #end: RunEnd;
  readonly #target: ProbeTarget;
  /** Aborted when the guest is gone. */
  readonly #gone = new AbortController();
  readonly #input: ContainerInput | undefined;
  #life: Promise<void> | undefined;
  /** While others find it among those that run. */
  #shown: Disposable | undefined;

  constructor(options: RunLifeOptions) {
    this.#options = options;
    const { services, spec, run, leave, kill } = options;
    const { podIPs, hostIPs } = factsOf(services, run.pod.uid);
    this.#end = new RunEnd({ stop: leave, kill });
    if (spec.stdin === true) this.#input = new ContainerInput({ once: spec.stdinOnce === true });
    this.#target = {
      container: spec,
      podIP: podIPs[0] ?? hostIPs[0] ?? "127.0.0.1",
      userAgent: USER_AGENT.probe,
      exec: (command, signal) => this.#exec(command, signal),
    };
  }

  async run(): Promise<Exit> {
    const { services, run } = this.#options;
    using end = this.#end;
    const leave = new AbortController();
    const leaving = this.#prepareToLeave(leave);
    void this.#makeWay();
    const input = this.#input;
    try {
      return await services.provider.run(run, {
        stop: leave.signal,
        kill: end.kill,
        ...(input === undefined ? {} : { stdin: input.readable }),
        onStarted: () => {
          this.#shown ??= services.running?.add({
            ...this.#options,
            input,
            gone: this.#gone.signal,
          });
          this.#life ??= this.#begin();
        },
      });
    } catch (error) {
      if (isKubeletError(error, "container_start")) throw error;
      // A defect of the backend must not look like the guest's own ending, nor take the pod along.
      return { kind: "start_error", message: `The Wasm runtime failed: ${messageOf(error)}` };
    } finally {
      this.#gone.abort();
      this.#shown?.[Symbol.dispose]();
      await Promise.all([this.#life, leaving]);
    }
  }

  async #exec(command: readonly string[], signal: AbortSignal): Promise<ExecOutcome> {
    const { services: { provider, observer } } = this.#options;
    const beganMs = performance.now();
    let failed = true;
    try {
      const outcome = await execAndKeep(provider, this.#options, { command, signal });
      failed = outcome.exitCode === undefined;
      return outcome;
    } finally {
      observer?.programRan(performance.now() - beganMs, { failed });
    }
  }

  async #begin(): Promise<void> {
    const { spec, stop, onStarted, onHealth } = this.#options;
    const startedMs = performance.now();
    onStarted(Date.now());
    if (!await this.#postStart()) return;
    if (this.#gone.signal.aborted) return onHealth(initialHealth(spec));
    await runProbes({
      spec: expandProbes(spec),
      target: this.#target,
      startedMs,
      onHealth,
      onAttempt: (kind, { result }, ms) => {
        const { services, run: { pod } } = this.#options;
        services.observer?.probed({ kind, result, container: spec.name, pod }, ms);
      },
      onTrouble: (kind, outcome) => this.#tellTrouble(kind, outcome),
      onFailed: (kind, probe) => this.#failed(kind, probe),
      stop: AbortSignal.any([stop, this.#end.stop]),
      ended: this.#gone.signal,
    });
  }

  /** Ends the run when another image is to take its place. */
  async #makeWay(): Promise<void> {
    const { spec, stop, replacing, tell } = this.#options;
    await aborted(AbortSignal.any([replacing, this.#gone.signal]));
    // Nothing would come in its place.
    if (this.#gone.signal.aborted || this.#end.stop.aborted || stop.aborted) return;
    tell("Normal", "Killing", `Container ${spec.name} definition changed, will be restarted`);
    this.#end.begin(this.#graceMs());
  }

  /** When its end begins: first what it wants done before, then it is told. */
  async #prepareToLeave(leave: AbortController): Promise<void> {
    await aborted(AbortSignal.any([this.#end.stop, this.#gone.signal]));
    const { spec, image, tell } = this.#options;
    const hook = spec.lifecycle?.preStop;
    if (hook !== undefined && this.#life !== undefined && !this.#gone.signal.aborted) {
      const outcome = await this.#hook(hook);
      if (outcome?.result === "failure" || outcome?.result === "error") {
        tell("Warning", "FailedPreStopHook", `PreStopHook failed: ${outcome.message}`);
      }
    }
    if (endsAtOnce(spec, image)) this.#end.begin(0);
    else leave.abort();
  }

  /** False if the hook has failed: then the run's end has begun. */
  async #postStart(): Promise<boolean> {
    const { spec, tell } = this.#options;
    const hook = spec.lifecycle?.postStart;
    if (hook === undefined) return true;
    const outcome = await this.#hook(hook);
    if (outcome === undefined || outcome.result === "success" || outcome.result === "warning") {
      return true;
    }
    tell("Warning", "FailedPostStartHook", `PostStartHook failed: ${outcome.message}`);
    tell("Normal", "Killing", `FailedPostStartHook`);
    this.#end.begin(this.#graceMs());
    return false;
  }

  /** `undefined` if the guest was gone, or had to be, before the hook has ended. */
  async #hook({ sleep: rest, ...handler }: LifecycleHandler): Promise<Outcome | undefined> {
    const signal = AbortSignal.any([this.#gone.signal, this.#end.kill]);
    if (rest !== undefined) {
      const passed = await sleep(Math.min(rest.seconds * 1000, TIMER_MS_MAX), signal);
      return passed ? { result: "success", message: "" } : undefined;
    }
    try {
      const target: ProbeTarget = {
        ...this.#target,
        userAgent: USER_AGENT.hook,
        anyAnswer: true,
        onPlain: (host) =>
          this.#options.tell(
            "Warning",
            "LifecycleHTTPFallback",
            `request to HTTPS lifecycle hook ${host} got HTTP response, retry with HTTP succeeded`,
          ),
      };
      return await attempt(handler, target, { timeoutMs: TIMER_MS_MAX, signal });
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  #tellTrouble(kind: ProbeKind, { result, message }: Outcome): void {
    const name = `${kind[0]!.toUpperCase()}${kind.slice(1)}`;
    const { tell } = this.#options;
    if (result === "warning") tell("Warning", "ProbeWarning", `${name} probe warning: ${message}`);
    else if (result === "failure") tell("Warning", "Unhealthy", `${name} probe failed: ${message}`);
    else {
      tell(
        "Warning",
        "Unhealthy",
        `${name} probe errored and resulted in unknown state: ${message}`,
      );
    }
  }

  #failed(kind: "startup" | "liveness", probe: Probe): void {
    const { spec, pod, tell } = this.#options;
    const never = (spec.restartPolicy ?? pod().spec?.restartPolicy) === "Never";
    const again = never ? "" : ", will be restarted";
    tell("Normal", "Killing", `Container ${spec.name} failed ${kind} probe${again}`);
    this.#end.begin(this.#graceMs(probe));
  }

  #graceMs(probe?: Probe): number {
    const seconds = probe?.terminationGracePeriodSeconds ??
      this.#options.pod().spec?.terminationGracePeriodSeconds ?? GRACE_SECONDS;
    return seconds * 1000;
  }
}
