/**
 * A pod manager with everything around it real but the runtime and the cluster.
 *
 * @module
 */
import type { ObjectSource } from "../api/object_source.ts";
import type { ContainerStatus, Pod, PodStatus } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { Happening } from "../events/happening.ts";
import type { Exit } from "../exit.ts";
import type { Images } from "../images/images.ts";
import type { ContainerRun, Provider, RunControl } from "../provider.ts";
import type { PodKey } from "../status/writer.ts";
import type { Ledger } from "../resources/ledger.ts";
import { PodVolumes } from "../volumes/volumes.ts";
import { PodManager } from "./manager.ts";
import { RecordStore } from "./record_store.ts";
import { RejectionThrottle } from "./rejection_throttle.ts";
import type { PodServices, StatusSink } from "./services.ts";

/** What a fake guest does; it is the container's image. */
type Guest = (control: RunControl, run: ContainerRun) => Promise<Exit>;

const GUESTS: Readonly<Record<string, Guest>> = {
  ok: () => Promise.resolve({ kind: "exited", code: 0 }),
  three: () => Promise.resolve({ kind: "exited", code: 3 }),
  trap: () => Promise.resolve({ kind: "trapped", message: "unreachable\n  at main" }),
  broken: () => Promise.reject(new Error("a defect")),
  spin: (control) => until(control.kill),
  flaky: (control, { attempt }) =>
    attempt === 0 ? Promise.resolve({ kind: "exited", code: 3 }) : until(control.kill),
  /** As an init container that needs a second try. */
  second: (_, { attempt }) => Promise.resolve({ kind: "exited", code: attempt === 0 ? 3 : 0 }),
  /** Its process cannot be started at first. */
  heavy: () => Promise.resolve({ kind: "exited", code: 0 }),
  polite: (control) => until(control.stop).then(() => ({ kind: "exited", code: 0 })),
};

function until(signal: AbortSignal): Promise<Exit> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve({ kind: "killed" });
    signal.addEventListener("abort", () => resolve({ kind: "killed" }), { once: true });
  });
}

/** How long a test waits for what must come. */
const EVENTUALLY_MS = 60_000;

/** A machine with its disk. Agents come and go on it. */
export class World implements AsyncDisposable, StatusSink {
  readonly dir: string;
  readonly runs: ContainerRun[] = [];
  readonly events: Happening[] = [];
  /** Every status that was said, in order. */
  readonly said: { pod: PodKey; status: PodStatus }[] = [];
  readonly released: string[] = [];
  readonly trouble: string[] = [];
  /** Called at each point at which an agent may die: between any two of its deeds. */
  onPoint: (point: string) => void = () => {};
  /** Programs that were run beside the containers' own, as `container: argv`. */
  readonly execs: string[] = [];
  /** How such a program ends; "hang" waits to be killed. */
  program: (argv: readonly string[]) => number | "hang" = () => 0;
  /** CPU limits that runs were given once they had begun, in thousandths. */
  readonly cpuLimits: (number | undefined)[] = [];
  /** Whether the runtime keeps such limits. */
  keepsCpuLimits = true;
  /** What the node has room for; without one, for everything. */
  ledger: Ledger | undefined;
  /** What the pull of an image waits for. */
  readonly gates = new Map<string, Promise<void>>();
  /** Images that cannot be had, with the error. */
  readonly missing = new Map<string, KubeletError>();
  /** Guests of the test's own, by image. */
  readonly guests = new Map<string, Guest>();
  /** What images say of how their containers are told to end. */
  readonly stopSignals = new Map<string, string>();
  /** RuntimeClasses of the cluster, and their handlers. The provider has `dense`. */
  readonly runtimeClasses = new Map<string, string>();
  readonly objects: ObjectSource = {
    configMap: () => Promise.resolve(undefined),
    secret: () => Promise.resolve(undefined),
    token: () => Promise.reject(new Error("no tokens here")),
    runtimeClass: (name) => {
      const handler = this.runtimeClasses.get(name);
      return Promise.resolve(handler === undefined ? undefined : { handler });
    },
  };
  /** How often volumes are refreshed though nothing is known to have changed. */
  refreshMs = 20;
  readonly #changed = new Set<() => void>();
  #waiting: (() => void)[] = [];

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async open(): Promise<World> {
    return new World(await Deno.makeTempDir({ prefix: "krustlet-pods-" }));
  }

  /** A machine with a disk that another one has left. */
  static at(dir: string): World {
    return new World(dir);
  }

  /** An agent starts, with these services in the place of the world's own. */
  agent(others: Partial<PodServices> = {}): PodManager {
    const facts = {
      nodeName: "node-1",
      hostIPs: ["10.0.0.1"],
      podIPs: ["10.0.0.1"],
      allocatable: {},
    };
    const podsDir = `${this.dir}/pods`;
    return new PodManager({
      provider: this.#provider(),
      images: this.#images(),
      objects: this.objects,
      facts,
      podsDir,
      logsDir: `${this.dir}/logs`,
      volumes: new PodVolumes({ podsDir, objects: this.objects, facts }),
      refreshMs: this.refreshMs,
      refreshPauseMs: 1,
      onChange: (_pod, listener) => {
        this.#changed.add(listener);
        return { [Symbol.dispose]: () => void this.#changed.delete(listener) };
      },
      measureMs: 20,
      ...(this.ledger === undefined ? {} : { ledger: this.ledger }),
      records: new RecordStore(podsDir, (message) => this.trouble.push(message), {
        onPoint: (point, uid) => this.onPoint(`record of ${uid} ${point}`),
      }),
      rejections: new RejectionThrottle(),
      status: this,
      events: {
        tell: (happening): void => {
          this.events.push(happening);
          this.#wake();
        },
      },
      onState: () => this.#wake(),
      ...others,
    });
  }

  say(pod: PodKey, status: PodStatus): void {
    this.said.push({ pod, status: structuredClone(status) });
    this.onPoint(`status of ${pod.uid} said`);
    this.#wake();
  }

  release(pod: PodKey): Promise<void> {
    this.released.push(pod.name);
    this.onPoint(`${pod.uid} released`);
    this.#wake();
    return Promise.resolve();
  }

  forget(): void {}

  /** Tells all pods that an object which they name has changed. */
  objectChanged(): void {
    for (const tell of this.#changed) tell();
  }

  /** How many pods listen for changes. */
  get listeners(): number {
    return this.#changed.size;
  }

  /** Waits until something is as it should be; looks whenever anything has happened. */
  async eventually(what: string, is: () => boolean): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, EVENTUALLY_MS);
    try {
      while (!is()) {
        if (late) throw new Error(`Waited in vain until ${what}`);
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** The newest status that was said of a pod. */
  status(name: string): PodStatus {
    return this.said.findLast(({ pod }) => pod.name === name)?.status ?? {};
  }

  container(pod: string, name = "app"): ContainerStatus | undefined {
    const { containerStatuses = [], initContainerStatuses = [] } = this.status(pod);
    return [...initContainerStatuses, ...containerStatuses].find((one) => one.name === name);
  }

  /** Waits until a pod has this phase. */
  phase(name: string, phase: string): Promise<void> {
    return this.eventually(`pod ${name} is ${phase}`, () => this.status(name).phase === phase);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #provider(): Provider {
    return {
      arch: "wasm32-wasi",
      architecture: "wasm-wasi",
      runtimeVersion: "fake://1",
      handlers: ["dense"],
      run: async (run, control) => {
        this.runs.push(run);
        this.onPoint(`${run.pod.uid}/${run.container} run`);
        this.#wake();
        if (run.argv[0] === "booting") return await until(control.stop);
        if (run.argv[0] === "heavy" && this.runs.length === 1) {
          throw new KubeletError("container_start", "no memory is left");
        }
        control.onStarted();
        const name = run.argv[0] ?? "";
        return await (this.guests.get(name) ?? GUESTS[name])!(control, run);
      },
      exec: async ({ container, argv }, control) => {
        this.execs.push(`${container.container}: ${argv.join(" ")}`);
        this.#wake();
        const code = this.program(argv);
        if (code === "hang") return await until(control.kill);
        await control.onOutput("stdout", new TextEncoder().encode(`${argv[0]} says ${code}`));
        return { kind: "exited", code };
      },
      limitCpu: (_id, cpuMillis) => {
        this.cpuLimits.push(cpuMillis);
        this.#wake();
        return this.keepsCpuLimits;
      },
      close: () => Promise.resolve(),
    };
  }

  #images(): Images {
    return {
      ensure: async ({ image }) => {
        await this.gates.get(image);
        const error = this.missing.get(image);
        if (error !== undefined) throw error;
        const stopSignal = this.stopSignals.get(image);
        return {
          ...(stopSignal === undefined ? {} : { stopSignal }),
          image,
          imageId: `sha256:${image}`,
          module: { path: "/nowhere", digest: "sha256:0" },
          moduleName: image,
          sizeBytes: 1,
          pulled: false,
          tookMs: 1,
          pullMs: 0,
        };
      },
    };
  }
}

/** A pod of one container `app` with this guest, and more where it is asked for. */
export function podOf(
  guest: string,
  options: { name?: string; uid?: string; spec?: object } = {},
): Pod {
  const { name = "web", uid = `uid-${name}`, spec = {} } = options;
  return {
    metadata: { name, namespace: "default", uid, generation: 1 },
    spec: { restartPolicy: "Never", containers: [{ name: "app", image: guest }], ...spec },
  };
}

/** The same pod, about to be deleted. */
export function deleted(pod: Pod, seconds = 0): Pod {
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      deletionTimestamp: "2026-11-21T12:00:00Z",
      deletionGracePeriodSeconds: seconds,
    },
  };
}
