/**
 * The world in which a script is played: an API server with users, a registry, guests, and agents that
 * come and go on one machine with a real disk. What of it is seen can be compared with the model.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { ContainerStatus, Pod, PodPhase, PodStatus } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { Exit } from "../exit.ts";
import { namesIn } from "../files.ts";
import type { ImageOnDisk } from "../images/images.ts";
import type { ContainerRun, ExecControl, Provider, RunControl } from "../provider.ts";
import { type Heard, type PodKey, StatusWriter } from "../status/writer.ts";
import { sleep } from "../time.ts";
import { PodVolumes } from "../volumes/volumes.ts";
import type { Expected } from "./_life_model.ts";
import { LifeApi, manifestOf } from "./_life_api.ts";
import {
  type ContainerPlan,
  ODD_MS,
  PROBE_KINDS,
  type Script,
  type Step,
  STOP_SECONDS,
} from "./_life_script.ts";
import { World } from "./_world.ts";
import type { PodManager } from "./manager.ts";
import { removeOrphans } from "./orphans.ts";
import { RecordStore } from "./record_store.ts";

/** Volumes need no look at what nobody has told of: their objects do not change behind our back. */
const REFRESH_MS = 3_600_000;
/** Words that are on their way when the agent ends get this long, as in a real agent. */
const LAST_WORDS_MS = 10_000;

/** One process of the agent. */
interface Agent {
  readonly pods: PodManager;
  readonly status: StatusWriter;
  /** False once it is dead: nothing that it begins then ever happens. */
  alive: boolean;
  /** False once it has been asked to end: it no longer listens. */
  listens: boolean;
  /** True once it has listed all pods. */
  listed: boolean;
}

/** A guest that runs. */
interface Guest {
  readonly uid: string;
  readonly name: string;
  readonly end: (exit: Exit) => void;
}

/** Plays one script. */
export class LifeWorld implements AsyncDisposable {
  readonly #script: Script;
  readonly #world: World;
  readonly #api = new LifeApi((pod, what) => this.#deliver(pod, what));
  readonly #broken = new Set<string>();
  readonly #bad = new Set<string>();
  readonly #guests = new Set<Guest>();
  #config: boolean;
  #linked = true;
  #created = 0;
  #agent: Agent | undefined;

  private constructor(script: Script, world: World) {
    this.#script = script;
    this.#world = world;
    this.#config = script.config;
    world.refreshMs = REFRESH_MS;
  }

  static async open(script: Script): Promise<LifeWorld> {
    const life = new LifeWorld(script, await World.open());
    life.#start();
    return life;
  }

  /** Does what a step says, and lets its time pass. */
  async play(step: Step): Promise<void> {
    this.#act(step);
    if (step.thenSeconds > 0) await sleep(step.thenSeconds * 1000 + ODD_MS);
  }

  /** Compares all that can be seen with what the model says. */
  async check({ api, node, guests, gone, lastWords }: Expected): Promise<void> {
    const pod = this.#api.pod;
    assert.deepEqual(
      pod && { uid: pod.metadata?.uid, lines: linesOf(pod.status ?? {}) },
      api && { uid: api.uid, lines: api.lines },
      "the API server's pod",
    );
    if (node !== undefined) {
      const known = this.#agent?.pods.pods().find(({ metadata }) =>
        metadata?.uid === this.#api.lastUid
      );
      assert.deepEqual(linesOf(known?.status ?? {}), node, "the node's pod");
      if (this.#linked) assert.deepEqual(pod?.status, known?.status, "what was said is what is");
    }
    const running = [...this.#guests].map(({ uid, name }) => `${uid}/${name}`).sort();
    assert.deepEqual(running, guests, "guests");
    for (const [uid, lines] of lastWords) {
      assert.deepEqual(linesOf(this.#api.lastWords.get(uid) ?? {}), lines, `last words of ${uid}`);
    }
    const left = [
      ...await namesIn(`${this.#world.dir}/pods`),
      ...await namesIn(`${this.#world.dir}/logs`),
    ];
    for (const uid of gone) {
      assert.deepEqual(left.filter((name) => name.endsWith(uid)), [], `files of ${uid}`);
    }
    assert.deepEqual(this.#world.trouble, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#agent !== undefined) this.#agent.alive = false;
    await this.#world[Symbol.asyncDispose]();
  }

  #act(step: Step): void {
    const api = this.#api;
    switch (step.do) {
      case "create": {
        if (api.pod !== undefined) return;
        const { plans } = this.#script;
        const plan = plans[this.#created % plans.length]!;
        return api.create(manifestOf(plan, `uid-${this.#created++}`));
      }
      case "exit":
        return this.#exit(step.at, step.code);
      case "probe": {
        const name = this.#planned(step.at)?.name;
        if (name !== undefined) this.#bad[step.good ? "delete" : "add"](`${name} ${step.kind}`);
        return;
      }
      case "registry":
        this.#broken[step.has ? "delete" : "add"](step.image);
        return;
      case "config":
        this.#config = step.there;
        return this.#world.objectChanged();
      case "kill":
        return this.#kill();
      case "stop":
        return void this.#stop();
      case "start":
        return this.#agent === undefined ? this.#start() : undefined;
      case "outage":
        this.#linked = false;
        return;
      case "reunion":
        if (this.#linked) return;
        this.#linked = true;
        return void this.#list();
      default:
        api.request(step);
    }
  }

  #planned(at: number): ContainerPlan | undefined {
    const { plans } = this.#script;
    if (this.#created === 0) return undefined;
    const { containers } = plans[(this.#created - 1) % plans.length]!;
    return containers[at % containers.length];
  }

  #exit(at: number, code: number | "trap"): void {
    const uid = this.#api.pod?.metadata?.uid;
    const name = this.#planned(at)?.name;
    const exit: Exit = code === "trap"
      ? { kind: "trapped", message: "unreachable" }
      : { kind: "exited", code };
    for (const guest of this.#guests) if (guest.uid === uid && guest.name === name) guest.end(exit);
  }

  #deliver(pod: Pod, what: "applied" | "deleted"): void {
    const agent = this.#agent;
    if (!this.#linked || agent === undefined || !agent.listed || !agent.listens) return;
    if (what === "applied") agent.pods.apply(pod);
    else agent.pods.remove(pod);
  }

  #start(): void {
    const agent: Agent = this.#agent = this.#newAgent();
    void this.#list(agent);
  }

  async #list(agent: Agent | undefined = this.#agent): Promise<void> {
    if (agent === undefined || !this.#linked || !agent.listens) return;
    const pods = (): Pod[] => this.#api.pod === undefined ? [] : [this.#api.pod];
    if (!agent.listed) {
      const { dir, objects, trouble } = this.#world;
      const podsDir = `${dir}/pods`;
      const facts = { nodeName: "node-1", hostIPs: [], podIPs: [], allocatable: {} };
      await removeOrphans({
        podsDir,
        logsDir: `${dir}/logs`,
        volumes: new PodVolumes({ podsDir, objects, facts }),
        records: new RecordStore(podsDir, (message) => trouble.push(message)),
      }, (uid) => pods().some(({ metadata }) => metadata?.uid === uid));
    }
    agent.listed = true;
    agent.pods.sync(pods());
  }

  #kill(): void {
    if (this.#agent === undefined) return;
    this.#agent.alive = this.#agent.listens = false;
    this.#agent = undefined;
    this.#guests.clear();
  }

  async #stop(): Promise<void> {
    const agent = this.#agent;
    if (agent === undefined) return;
    agent.listens = false;
    await agent.pods.shutdown(STOP_SECONDS * 1000);
    const late = new AbortController();
    const settled = new AbortController();
    void sleep(LAST_WORDS_MS, settled.signal).then(() => late.abort());
    await agent.status.flushed(late.signal);
    settled.abort();
    agent.status.close();
    agent.alive = false;
    this.#agent = undefined;
  }

  #newAgent(): Agent {
    const agent = { alive: true };
    const world = this.#world;
    const podsDir = `${world.dir}/pods`;
    const mortal = <Result>(work: () => Promise<Result>): Promise<Result> =>
      agent.alive ? work() : new Promise<Result>(() => {});
    const status = new StatusWriter({
      transport: {
        writeStatus: (pod, words) => mortal(() => this.#hear(pod, words)),
        release: (pod) => mortal(() => this.#release(pod)),
      },
      onTrouble: () => {},
    });
    const facts = { nodeName: "node-1", hostIPs: ["10.0.0.1"], podIPs: [], allocatable: {} };
    const objects = {
      ...world.objects,
      configMap: () =>
        mortal(() => Promise.resolve(this.#config ? { data: { key: "value" } } : undefined)),
    };
    class Records extends RecordStore {
      override save(uid: string, json: string): Promise<void> {
        return mortal(() => super.save(uid, json));
      }
    }
    class Volumes extends PodVolumes {
      override mountAll(
        ...args: Parameters<PodVolumes["mountAll"]>
      ): ReturnType<PodVolumes["mountAll"]> {
        return mortal(() => super.mountAll(...args));
      }
      override refresh(...args: Parameters<PodVolumes["refresh"]>): Promise<void> {
        return mortal(() => super.refresh(...args));
      }
      override unmountAll(uid: string): Promise<void> {
        return mortal(() => super.unmountAll(uid));
      }
    }
    const pods = world.agent({
      status: {
        say: (pod, words) => {
          if (agent.alive) status.say(pod, structuredClone(words));
        },
        release: (pod) => mortal(() => status.release(pod)),
        forget: (uid) => status.forget(uid),
      },
      objects,
      volumes: new Volumes({ podsDir, objects, facts }),
      records: new Records(podsDir, (message) => world.trouble.push(message)),
      provider: this.#provider(mortal),
      images: {
        ensure: ({ image }) => mortal(() => this.#pull(image)),
      },
    });
    return Object.assign(agent, { pods, status, listens: true, listed: false });
  }

  #pull(image: string): Promise<ImageOnDisk> {
    if (this.#broken.has(image)) {
      return Promise.reject(new KubeletError("image_pull", `no image "${image}" today`));
    }
    return Promise.resolve({
      image,
      imageId: `sha256:${image}`,
      module: { path: "/nowhere", digest: "sha256:0" },
      moduleName: image,
      sizeBytes: 1,
      pulled: false,
      tookMs: 1,
      pullMs: 0,
    });
  }

  #hear(pod: PodKey, status: PodStatus): Promise<Heard> {
    if (!this.#linked) return Promise.reject(new Error("the API server is away"));
    return Promise.resolve(this.#api.writeStatus(pod, status));
  }

  #release(pod: PodKey): Promise<Heard> {
    if (!this.#linked) return Promise.reject(new Error("the API server is away"));
    return Promise.resolve(this.#api.release(pod));
  }

  #provider(mortal: <Result>(work: () => Promise<Result>) => Promise<Result>): Provider {
    return {
      arch: "wasm32-wasi",
      architecture: "wasm-wasi",
      runtimeVersion: "fake://1",
      run: (run, control) => mortal(() => this.#run(run, control)),
      exec: ({ argv }, control) => mortal(() => this.#exec(argv, control)),
      close: () => Promise.resolve(),
    };
  }

  #run(run: ContainerRun, control: RunControl): Promise<Exit> {
    const { uid } = run.pod;
    const name = run.container;
    const running = `${uid}/${name}`;
    for (const guest of this.#guests) {
      assert.notEqual(`${guest.uid}/${guest.name}`, running, "it runs twice");
    }
    return new Promise((resolve) => {
      const guest: Guest = {
        uid,
        name,
        end: (exit) => {
          this.#guests.delete(guest);
          resolve(exit);
        },
      };
      this.#guests.add(guest);
      const manner = run.env["MANNER"] ?? "deaf";
      control.kill.addEventListener("abort", () => guest.end({ kind: "killed" }), { once: true });
      if (manner !== "deaf") {
        const exit: Exit = { kind: "exited", code: Number(manner) };
        control.stop.addEventListener("abort", () => guest.end(exit), { once: true });
      }
      control.onStarted();
    });
  }

  async #exec([what = "", name = ""]: readonly string[], { kill }: ExecControl): Promise<Exit> {
    if (what === "hang") {
      await new Promise<void>((resolve) => {
        if (kill.aborted) resolve();
        kill.addEventListener("abort", () => resolve(), { once: true });
      });
      return { kind: "killed" };
    }
    const isProbe = PROBE_KINDS.some((kind) => kind === what);
    const good = isProbe ? !this.#bad.has(`${name} ${what}`) : what === "good";
    return { kind: "exited", code: good ? 0 : 1 };
  }
}

/** A pod's status in the words of the model. */
function linesOf(status: PodStatus): string[] {
  const { phase = "Pending" satisfies PodPhase, conditions = [] } = status;
  if (Object.keys(status).length === 0) return [];
  const is = (type: string): boolean =>
    conditions.find((condition) => condition.type === type)?.status === "True";
  const ended = phase === "Succeeded" || phase === "Failed";
  assert.equal(is("Ready"), is("ContainersReady"));
  assert.ok(is("PodScheduled"));
  return [
    `${phase}${is("Initialized") ? " Initialized" : ""}${is("Ready") ? " Ready" : ""}`,
    ...(status.initContainerStatuses ?? []).map(lineOf),
    ...(status.containerStatuses ?? []).map(lineOf),
    ...(status.ephemeralContainerStatuses ?? [])
      .filter(({ state }) => !ended && state.waiting === undefined)
      .map(lineOf),
  ];
}

function lineOf({ name, restartCount, state, lastState, ready, started }: ContainerStatus): string {
  const { terminated: last } = lastState;
  const before = last === undefined ? "" : `, before ${last.exitCode} ${last.reason}`;
  const now = state.running !== undefined
    ? `runs${started ? "" : ", not yet up"}`
    : state.terminated !== undefined
    ? `${state.terminated.exitCode} ${state.terminated.reason}`
    : WAITS[state.waiting?.reason ?? ""] ?? `waits ${state.waiting?.reason}`;
  return `${name} #${restartCount} ${now}${ready ? " ready" : ""}${before}`;
}

const WAITS: Readonly<Record<string, string>> = {
  ContainerCreating: "waits",
  PodInitializing: "waits",
  ErrImagePull: "waits for its image",
  ImagePullBackOff: "waits for its image",
};
