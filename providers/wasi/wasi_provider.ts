import {
  type ContainerRun,
  type Exit,
  KubeletError,
  messageOf,
  type Pod,
  type Provider,
  type RunControl,
} from "../../lib/mod.ts";
import { GuestProcess, type RunEnd } from "./guest_process.ts";
import { type Launch, launch } from "./launch.ts";
import { findLibc } from "./libc_path.ts";
import {
  BOOT_RETRY_MS,
  BOOT_RETRY_MS_MAX,
  BOOTS_PER_CPU,
  WARM_DEFAULT,
  WARM_IDLE_MS,
  WARM_MAX,
} from "./limits.ts";
import { validatePod } from "./validate.ts";
import { mountPoints, orderOf } from "./view.ts";
import { type Taken, WarmPool } from "./warm_pool.ts";

/** Where a {@linkcode WasiProvider} works. All folders are absolute and exist. */
export interface WasiProviderOptions {
  /** The program's version, for `nodeInfo.containerRuntimeVersion`. */
  readonly version: string;
  /** Folder that holds every module. Guest processes read it. */
  readonly imagesDir: string;
  /** Folder that holds every log file. Guest processes write it. */
  readonly logsDir: string;
  /** Folder that holds the pods' volumes and roots. */
  readonly podsDir: string;
  /** Processes kept warm, about 10 MiB each. 0 boots one for each start. @default {2} */
  readonly poolSize?: number;
  /**
   * Entry of guest processes. Set it where this code was bundled, to the bundle of `guest_main.ts`.
   *
   * @default {guest_main.ts beside this file}
   */
  readonly guestEntry?: URL;
  /** Hears what an operator should know, such as a log that could not be written. @default {nobody} */
  readonly warn?: (message: string) => void;
}

/** Runs each container as a WASI guest in an operating-system process of its own. */
export class WasiProvider implements Provider {
  readonly arch = "wasm32-wasi";
  readonly architecture = "wasm-wasi";
  readonly runtimeVersion: string;
  readonly #options: WasiProviderOptions;
  readonly #libc = findLibc();
  readonly #env = Deno.env.toObject();
  readonly #pool: WarmPool<GuestProcess>;

  /** Begins to boot the warm processes; {@linkcode close} ends them. */
  constructor(options: WasiProviderOptions) {
    this.#options = options;
    this.runtimeVersion = `krustlet-wasi://${options.version}`;
    const size = options.poolSize ?? WARM_DEFAULT;
    this.#pool = new WarmPool({
      boot: (signal) => GuestProcess.boot(this.#launch(), signal),
      size,
      sizeMax: size === 0 ? 0 : WARM_MAX,
      bootsMax: BOOTS_PER_CPU * Math.max(1, navigator.hardwareConcurrency),
      idleMs: WARM_IDLE_MS,
      retryMs: BOOT_RETRY_MS,
      retryMsMax: BOOT_RETRY_MS_MAX,
    });
  }

  /** See {@linkcode Provider.validate}. */
  validate(pod: Pod): void {
    validatePod(pod);
  }

  /**
   * See {@linkcode Provider.run}. WASI has no signals, so `stop` reaches only a guest that has not
   * begun: it never begins.
   */
  async run(container: ContainerRun, control: RunControl): Promise<Exit> {
    const unwanted = AbortSignal.any([control.stop, control.kill]);
    if (unwanted.aborted) return { kind: "killed" };
    try {
      await makeMountPoints(container);
    } catch (error) {
      return { kind: "start_error", message: messageOf(error) };
    }
    for (let again = false;; again = true) {
      let taken: Taken<GuestProcess>;
      try {
        taken = await this.#take(container, unwanted);
      } catch (error) {
        if (unwanted.aborted) return { kind: "killed" };
        throw new KubeletError("container_start", messageOf(error), { cause: error });
      }
      const { end, started } = await this.#order(taken, container, control);
      // A warm process may have died unseen. No instruction of the guest has run, so once more.
      const unseen = end.exit.kind === "crashed" && !started && !again;
      if (!unseen) return end.exit;
    }
  }

  /** See {@linkcode Provider.close}. */
  async close(): Promise<void> {
    await this.#pool.close();
  }

  /** Gives a process its order, and sees it through. */
  async #order(
    { item, settled }: Taken<GuestProcess>,
    container: ContainerRun,
    control: RunControl,
  ): Promise<{ readonly end: RunEnd; readonly started: boolean }> {
    let started = false;
    try {
      const end = await item.run(orderOf(container), {
        kill: control.kill,
        onStarted(): void {
          started = true;
          settled();
          control.onStarted();
        },
      });
      this.#warnOfLoss(container, end);
      return { end, started };
    } finally {
      settled();
    }
  }

  /** A warm process, or one of its own for a run that needs leave for more folders. */
  async #take(container: ContainerRun, signal: AbortSignal): Promise<Taken<GuestProcess>> {
    const extraDirs = this.#extraDirs(container);
    if (extraDirs.length === 0) return await this.#pool.take(signal);
    return {
      item: await GuestProcess.boot(this.#launch(extraDirs), signal),
      settled: () => {},
    };
  }

  /** Mounted folders outside of the pods' own; with the libc host no leave is needed for them. */
  #extraDirs(container: ContainerRun): string[] {
    if (this.#libc !== undefined || Deno.build.standalone) return [];
    const folder = this.#options.podsDir.replace(/[/\\]?$/, "");
    return [container.rootPath, ...container.mounts.map((mount) => mount.hostPath)]
      .filter((path) => !path.startsWith(`${folder}/`) && !path.startsWith(`${folder}\\`));
  }

  #launch(extraDirs: readonly string[] = []): Launch {
    return launch({
      os: Deno.build.os,
      standalone: Deno.build.standalone,
      execPath: Deno.execPath(),
      parentPid: Deno.pid,
      entry: this.#options.guestEntry ?? new URL("./guest_main.ts", import.meta.url),
      ...(this.#libc === undefined ? {} : { libc: this.#libc }),
      imagesDir: this.#options.imagesDir,
      logsDir: this.#options.logsDir,
      podsDir: this.#options.podsDir,
      extraDirs,
      env: this.#env,
    });
  }

  #warnOfLoss({ pod, container }: ContainerRun, { droppedLogBytes }: RunEnd): void {
    if (droppedLogBytes === 0) return;
    this.#options.warn?.(
      `Container "${container}" of pod "${pod.namespace}/${pod.name}" lost ${droppedLogBytes} ` +
        "bytes of its output: its log file could not be written",
    );
  }
}

async function makeMountPoints(container: ContainerRun): Promise<void> {
  for (const path of mountPoints(container)) {
    let folder = container.rootPath;
    for (const name of path.split("/")) {
      folder = `${folder}/${name}`;
      await makeFolder(folder);
    }
  }
}

/** Makes a folder in the container's root, or finds it there: never a link, which may lead out. */
async function makeFolder(folder: string): Promise<void> {
  const last = folder.slice(folder.lastIndexOf("/") + 1);
  if (["", ".", ".."].includes(last) || last.includes("\\")) {
    throw new Error(`Cannot make mount point "${folder}": "${last}" is no name of a folder`);
  }
  try {
    await Deno.mkdir(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    if ((await Deno.lstat(folder)).isDirectory) return;
    throw new Error(`Cannot make mount point "${folder}": something else is there`);
  }
}
