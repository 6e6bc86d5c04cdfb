/**
 * A real Kubernetes control plane on free ports of this machine.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { goProgram } from "../parts/go_program.ts";
import { type KubernetesProgram, kubernetesProgram } from "../parts/kubernetes.ts";
import { runTool } from "../parts/run.ts";
import { Cluster } from "./cluster.ts";
import * as flags from "./component_flags.ts";
import { eventually, GiveUp } from "./eventually.ts";
import { freePort } from "./ports.ts";
import { type Process, startProcess } from "./processes.ts";
import { tempFolder } from "./temp_folder.ts";

/** A port may be taken between its choice and its use; thrice in a row means something else. */
const ATTEMPTS_MAX = 3;
/** On a busy machine of two cores it takes half of this. */
const READY_WITHIN_MS = 120_000;

const FLAGS = {
  "etcd": flags.etcdFlags,
  "kube-apiserver": flags.apiServerFlags,
  "kube-controller-manager": flags.controllerManagerFlags,
  "kube-scheduler": flags.schedulerFlags,
} as const satisfies Partial<Record<KubernetesProgram, unknown>>;
type Component = keyof typeof FLAGS;

/**
 * Starts etcd, API server, controller manager and scheduler, and waits until all of them work.
 *
 * Costs about 5 s and 600 MB. Everything is gone when it is disposed of, or when this process ends.
 */
export async function startControlPlane(
  options: flags.PlaneOptions = {},
): Promise<ControlPlane> {
  const folder = await tempFolder();
  for (let attempt = 1;; attempt++) {
    const place = { dir: folder.path, etcdPort: freePort(), apiPort: freePort(), ...options };
    const plane = new ControlPlane(place, folder);
    try {
      await plane.start();
      return plane;
    } catch (error) {
      const portTaken = /address already in use/.test(await plane.logs());
      if (!portTaken || attempt === ATTEMPTS_MAX) {
        console.error(await plane.tails());
        await plane[Symbol.asyncDispose]();
        throw error;
      }
      await plane.stopAll();
      await Deno.remove(join(folder.path, "etcd"), { recursive: true }).catch(() => {});
    }
  }
}

/** A running control plane, whose parts can be made to fail. */
export class ControlPlane implements AsyncDisposable {
  readonly dir: string;
  readonly server: string;
  readonly #place: flags.Place;
  readonly #folder: AsyncDisposable;
  readonly #processes = new Map<Component, Process>();
  #cluster: Cluster | undefined;

  constructor(place: flags.Place, folder: AsyncDisposable) {
    this.dir = place.dir;
    this.server = `https://127.0.0.1:${place.apiPort}`;
    this.#place = place;
    this.#folder = folder;
  }

  /** An administrator's view of it. */
  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error("The control plane was not started");
    return this.#cluster;
  }

  /** Called by {@linkcode startControlPlane}. */
  async start(): Promise<void> {
    await runTool([await goProgram("aide"), "certs", join(this.dir, "certs")]);
    const json = (file: string, content: unknown): Promise<void> =>
      Deno.writeTextFile(join(this.dir, file), JSON.stringify(content, undefined, 2));
    for (const user of ["admin", "controller-manager", "scheduler"]) {
      await json(`${user}.kubeconfig`, flags.kubeconfigOf(this.dir, this.server, user));
    }
    await json("scheduler.json", flags.schedulerConfig(this.dir));
    await Deno.writeTextFile(join(this.dir, "server"), this.server);
    this.#cluster = await Cluster.open(this.dir);
    await this.#startComponent("etcd");
    await this.#startComponent("kube-apiserver");
    await this.waitForApiServer();
    await this.#startComponent("kube-controller-manager");
    await this.#startComponent("kube-scheduler");
    const rbac = fileURLToPath(new URL("./bootstrap_rbac.yaml", import.meta.url));
    await this.cluster.kubectl(["apply", "-f", rbac]);
    await eventually(
      "the controller manager to make a service account",
      async () => {
        await this.#mustRun();
        return await this.cluster.find("/api/v1/namespaces/default/serviceaccounts/default");
      },
      { withinMs: READY_WITHIN_MS },
    );
  }

  /** Waits until `/readyz` says ok. */
  async waitForApiServer(): Promise<void> {
    await eventually("the API server to be ready", async () => {
      await this.#mustRun();
      const response = await this.cluster.request("GET", "/readyz");
      const body = await response.text();
      if (!response.ok) throw new Error(body);
      return true;
    }, { withinMs: READY_WITHIN_MS });
  }

  /** Ends the API server as a crash would: no connection is closed in good order. */
  async stopApiServer(): Promise<void> {
    const server = this.#processOf("kube-apiserver");
    server.signal("SIGKILL");
    await server.stop();
    this.#processes.delete("kube-apiserver");
  }

  /** Starts it again on the same port, and waits until it is ready. */
  async startApiServer(): Promise<void> {
    await this.#startComponent("kube-apiserver");
    await this.waitForApiServer();
  }

  /** Connections stay open, but nothing is answered any more. */
  pauseApiServer(): void {
    this.#processOf("kube-apiserver").signal("SIGSTOP");
  }

  resumeApiServer(): void {
    this.#processOf("kube-apiserver").signal("SIGCONT");
  }

  /** Everything that the programs have said. */
  async logs(): Promise<string> {
    return (await Promise.all([...this.#processes.values()].map((one) => one.log()))).join("\n");
  }

  /** The ends of their logs, for a failure's report. */
  async tails(): Promise<string> {
    return (await Promise.all([...this.#processes.values()].map((one) => one.tail()))).join("\n");
  }

  async stopAll(): Promise<void> {
    this.#cluster?.[Symbol.dispose]();
    // Nothing of it is kept, so nothing needs to end in good order.
    for (const process of this.#processes.values()) process.signal("SIGKILL");
    for (const process of this.#processes.values()) await process.stop();
    this.#processes.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAll();
    await this.#folder[Symbol.asyncDispose]();
  }

  async #startComponent(name: Component): Promise<void> {
    const command = await kubernetesProgram(name);
    const process = await startProcess([...command, ...FLAGS[name](this.#place)], {
      name,
      logPath: join(this.dir, `${name}.log`),
      cwd: this.dir,
    });
    this.#processes.set(name, process);
  }

  #processOf(name: Component): Process {
    const process = this.#processes.get(name);
    if (process === undefined) throw new GiveUp(`${name} does not run`);
    return process;
  }

  async #mustRun(): Promise<void> {
    for (const process of this.#processes.values()) await process.mustRun();
  }
}
