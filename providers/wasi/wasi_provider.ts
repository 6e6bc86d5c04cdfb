import { fileURLToPath } from "node:url";
import {
  type ContainerExec,
  type ContainerRun,
  type ExecControl,
  type Exit,
  type Figure,
  KubeletError,
  messageOf,
  type ModuleTerms,
  type Provider,
  type RunControl,
  type RunUsage,
} from "../../lib/mod.ts";
import type { SandboxLevel } from "../../wasi/mod.ts";
import type { CpuKeeper } from "./cpu_keeper.ts";
import { openCpuLimits } from "./cpu_limits.ts";
import { type GuestControl, GuestProcess } from "./guest_process.ts";
import { handlersOf, isolationOf } from "./isolation.ts";
import { type Launch, launch, type LaunchInput } from "./launch.ts";
import { findLibc } from "./libc_path.ts";
import {
  BOOT_RETRY_MS,
  BOOT_RETRY_MS_MAX,
  BOOTS_PER_CPU,
  FIRST_WORDS_MS,
  ORDER_BYTES_MAX,
  WARM_DEFAULT,
  WARM_IDLE_MS,
  WARM_MAX,
} from "./limits.ts";
import { dataBytesMax } from "./memory_wall.ts";
import { MODULE_TERMS } from "./module_terms.ts";
import { makeMountPoints } from "./mount_points.ts";
import { nodeSandbox } from "./node_sandbox.ts";
import { encodeLine, type LogLimits, type Order, type RunEnd } from "./protocol.ts";
import { type Admission, type AdmitOptions, type DeskKind, NetworkDesk } from "./network/desk.ts";
import { RunMeters } from "./run_meters.ts";
import { SharedProcess } from "./shared_process.ts";
import { SharedProcesses } from "./shared_processes.ts";
import { orderOf } from "./view.ts";
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
   * Entry of guest processes: in a release `providers/wasi/guest_main.js`, below a folder that holds all of its code.
   *
   * @default {guest_main.ts beside this file}
   */
  readonly guestEntry?: URL;
  /**
   * The program that guest processes are started from by {@linkcode GUEST_ARGUMENT}, instead of `guestEntry`, with the
   * flags of {@linkcode binaryV8Flags}.
   *
   * @default {this one, if it is a binary made by `deno compile`}
   */
  readonly binary?: GuestBinary;
  /**
   * `portable` reaches the operating system as on macOS and Windows: slower, without isolation class
   * `worker`, and contained by Deno's permissions instead of the kernel.
   *
   * @default {the fastest that this machine has}
   */
  readonly host?: "portable";
  /**
   * What must hold each guest. A machine that cannot give it is told at once, and a guest that would
   * not be held by it is not started.
   *
   * @default {whatever the machine has, which is in `sandbox`}
   */
  readonly requireSandbox?: SandboxLevel;
  /**
   * What guests ask over about their pods' networks; those on Linux's own host can by `unix` alone.
   *
   * @default {"unix"; on Windows "tcp", on 127.0.0.1}
   */
  readonly deskOver?: DeskKind;
  /** How much of the log of each run is kept. @default {10 MiB in each of 5 files} */
  readonly logLimits?: LogLimits;
  /**
   * Folder for the socket on which guests ask about their pods' networks, emptied when it is first needed;
   * nobody else's. @default {one among the system's temporary files}
   */
  readonly deskDir?: string;
  /** Hears what an operator should know, such as a log that could not be written. @default {nobody} */
  readonly warn?: (message: string) => void;
}

/** A program that is its own guest processes: what `deno compile` makes of `main.ts`. */
export interface GuestBinary {
  /** The program's file. */
  readonly path: string;
  /** Folders that its Workers are loaded from. @default {none: they are in the binary} */
  readonly codeDirs?: readonly string[];
}

/** Who controls a run, and the signal that it need not begin any more. */
interface Wanted {
  readonly control: RunControl;
  readonly unwanted: AbortSignal;
}

/** What a guest process did with an order. */
interface Ran {
  readonly end: RunEnd | "declined";
  readonly started: boolean;
}

/**
 * Runs containers as WASI guests: each in an operating-system process of its own, or, where its
 * RuntimeClass says so, in a Worker of a process that containers of the same module and namespace share.
 */
export class WasiProvider implements Provider {
  readonly arch = "wasm32-wasi";
  readonly architecture = "wasm-wasi";
  readonly runtimeVersion: string;
  readonly handlers: readonly string[];
  readonly sandbox: string;
  readonly cpuLimits?: string;
  readonly takes: ModuleTerms = MODULE_TERMS;
  readonly #options: WasiProviderOptions;
  readonly #libc: string | undefined;
  readonly #binary: GuestBinary | undefined;
  readonly #env = Deno.env.toObject();
  readonly #pool: WarmPool<GuestProcess>;
  readonly #shared: SharedProcesses<SharedProcess>;
  readonly #meters = new RunMeters();
  /** The CPU limits of the runs under way, as they are by now. */
  readonly #cpuMillis = new Map<ContainerRun["id"], number | undefined>();
  readonly #cpu: CpuKeeper | undefined;
  #desk: Promise<NetworkDesk> | undefined;

  /**
   * Begins to boot the warm processes; {@linkcode close} ends them. Throws a `KubeletError` of kind
   * `invalid` on a machine that has less than `requireSandbox`.
   */
  constructor(options: WasiProviderOptions) {
    this.#options = options;
    this.#binary = options.binary ??
      (Deno.build.standalone ? { path: Deno.execPath() } : undefined);
    this.runtimeVersion = `krustlet-wasi://${options.version}`;
    this.#libc = options.host === "portable" ? undefined : findLibc();
    this.handlers = handlersOf(this.#libc);
    this.sandbox = nodeSandbox({ libc: this.#libc, level: options.requireSandbox });
    this.#cpu = openCpuLimits((message) => options.warn?.(message));
    if (this.#cpu !== undefined) this.cpuLimits = this.#cpu.how;
    this.#shared = new SharedProcesses({
      boot: (signal) => SharedProcess.boot(this.#launch({ shared: true }), signal),
    });
    const size = options.poolSize ?? WARM_DEFAULT;
    this.#pool = new WarmPool({
      boot: (signal, awaited) => this.#boot(signal, { awaited }),
      size,
      sizeMax: size === 0 ? 0 : WARM_MAX,
      bootsMax: BOOTS_PER_CPU * Math.max(1, navigator.hardwareConcurrency),
      idleMs: WARM_IDLE_MS,
      retryMs: BOOT_RETRY_MS,
      retryMsMax: BOOT_RETRY_MS_MAX,
    });
  }

  /**
   * See {@linkcode Provider.run}. WASI has no signals, so `stop` reaches only a guest that has not
   * begun: it never begins.
   */
  async run(container: ContainerRun, control: RunControl): Promise<Exit> {
    this.#cpuMillis.set(container.id, container.limits.cpuMillis);
    try {
      return await this.#run(container, control);
    } finally {
      this.#cpuMillis.delete(container.id);
      await control.stdin?.cancel().catch(() => {}); // of a guest that never read
    }
  }

  async #run(container: ContainerRun, control: RunControl): Promise<Exit> {
    const unwanted = AbortSignal.any([control.stop, control.kill]);
    if (unwanted.aborted) return { kind: "killed" };
    try {
      await makeMountPoints(container);
    } catch (error) {
      return { kind: "start_error", message: messageOf(error) };
    }
    const wanted = this.#isolationOf(container);
    // A Worker has no standard input of its own.
    const isolation = control.stdin === undefined ? wanted : "process";
    for (let again = false;; again = true) {
      let ran: Ran | undefined;
      try {
        if (isolation === "worker") ran = await this.#runShared(container, { control, unwanted });
        // Threads need a process of their own, which is the stronger wall anyway.
        if (ran === undefined || ran.end === "declined") {
          ran = await this.#runAlone(container, { control, unwanted });
        }
      } catch (error) {
        if (unwanted.aborted) return { kind: "killed" };
        throw new KubeletError("container_start", messageOf(error), { cause: error });
      }
      const { end, started } = ran;
      if (end === "declined") throw new Error("Cannot run guest: a process of its own declined it");
      // A warm process may have died unseen. No instruction of the guest has run, so once more.
      if (end.exit.kind === "crashed" && !started && !again) continue;
      this.#warnOfLoss(container, end);
      return end.exit;
    }
  }

  /** See {@linkcode Provider.exec}. The program has a process of its own, whatever the container's class. */
  async exec(program: ContainerExec, control: ExecControl): Promise<Exit> {
    const { container } = program;
    const { kill, onOutput, stdin } = control;
    try {
      kill.throwIfAborted();
      using admission = await this.#admit(container, { listens: false });
      const order = { ...this.#execOrderOf(program), ...ticketOf(admission) };
      const { item, settled } = await this.#take(container, kill);
      using meter = this.#meters.beside(container.id, item.pid);
      try {
        await using _bounds = await this.#bind(container, order, item);
        let started = false;
        const { exit, cpuNanos } = await item.run(order, {
          kill,
          onStarted: () => {
            started = true;
          },
          onOutput,
          ...(stdin === undefined ? {} : { stdin }),
        });
        meter.ended(cpuNanos);
        if (exit.kind === "exited" && !started) control.onMissing?.();
        return exit;
      } finally {
        settled();
      }
    } catch (error) {
      if (kill.aborted) return { kind: "killed" };
      throw new KubeletError("container_start", messageOf(error), { cause: error });
    } finally {
      await stdin?.cancel().catch(() => {}); // of a program that never read
    }
  }

  /** See {@linkcode Provider.usage}. Containers that share a process have equal parts of its memory. */
  async usage(id: ContainerRun["id"]): Promise<RunUsage | undefined> {
    return await this.#meters.read(id);
  }

  /** See {@linkcode Provider.figures}. */
  figures(): readonly Figure[] {
    return [
      {
        name: "warm_processes",
        help: "Guest processes that wait for a container.",
        value: this.#pool.warm,
      },
      {
        name: "shared_processes",
        help: "Guest processes that containers of one module share.",
        value: this.#shared.size,
      },
      { name: "runs", help: "Containers that the runtime runs.", value: this.#meters.size },
    ];
  }

  /** See {@linkcode Provider.limitCpu}. */
  limitCpu(id: ContainerRun["id"], cpuMillis: number | undefined): boolean {
    if (this.#cpuMillis.has(id)) this.#cpuMillis.set(id, cpuMillis);
    const changed = this.#cpu?.change(id, cpuMillis) ?? false;
    // Programs beside a container that shares its process are not the container.
    return changed && this.#meters.isAlone(id);
  }

  /** See {@linkcode Provider.close}. */
  async close(): Promise<void> {
    await Promise.all([this.#pool.close(), this.#shared.close()]);
    this.#cpu?.close();
    const desk = await this.#desk?.catch(() => undefined);
    await desk?.[Symbol.asyncDispose]();
  }

  #isolationOf({ runtimeHandler }: ContainerRun): "process" | "worker" {
    const isolation = isolationOf(runtimeHandler);
    if (runtimeHandler === undefined || this.handlers.includes(runtimeHandler)) return isolation;
    throw new KubeletError(
      "container_start",
      `Cannot use runtime handler "${runtimeHandler}": this machine has ${
        this.handlers.join(", ")
      }`,
    );
  }

  /** Runs the container in a process of its own. Rejects if there is none to be had. */
  async #runAlone(
    container: ContainerRun,
    { control, unwanted }: Wanted,
  ): Promise<Ran> {
    using admission = await this.#admit(container, { listens: true, stop: control.stop });
    const order = { ...this.#orderOf(container), ...ticketOf(admission) };
    const { item, settled } = await this.#take(container, unwanted);
    using _meter = this.#meters.own(container.id, item.pid);
    try {
      await using _bounds = await this.#bind(container, order, item);
      return await see(control, (guest) => item.run(order, guest), settled);
    } finally {
      settled();
    }
  }

  /** Holds a process within what its container may have, until it is gone. */
  async #bind(
    { id, limits }: ContainerRun,
    order: Order,
    process: GuestProcess,
  ): Promise<AsyncDisposable | undefined> {
    if (this.#cpu === undefined) return undefined;
    const memoryBytes = await dataBytesMax(order, process.pid);
    const cpuMillis = this.#cpuMillis.has(id) ? this.#cpuMillis.get(id) : limits.cpuMillis;
    const bounds = {
      ...(cpuMillis === undefined ? {} : { cpuMillis }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    };
    return await this.#cpu.hold(id, process, bounds);
  }

  /** Runs the container beside others of its module and namespace. */
  async #runShared(container: ContainerRun, { control, unwanted }: Wanted): Promise<Ran> {
    // What one container of a namespace could take from another, its owner can have by other means.
    const key = JSON.stringify([container.pod.namespace, container.module.digest]);
    using admission = await this.#admit(container, { listens: true, stop: control.stop });
    const order = { ...this.#orderOf(container), ...ticketOf(admission) };
    return await this.#shared.use(key, {
      signal: unwanted,
      use: async (process) => {
        using meter = this.#meters.within(container.id, process);
        return await see(control, (guest) => process.run(order, meter.watch(guest)));
      },
    });
  }

  #execOrderOf({ container, module, otherwise, argv, tty = false }: ContainerExec): Order {
    const { logPath: _, promptly: __, modulePath: ___, ...order } = this.#orderOf({
      ...container,
      module: module ?? container.module,
      argv,
      tty,
    });
    return {
      ...order,
      ...(module === undefined ? {} : { modulePath: module.path }),
      ...(otherwise === undefined ? {} : { otherwisePath: otherwise.path }),
    };
  }

  /** Lets a guest's process ask about its pod's network; `undefined` if it has none. */
  async #admit(
    { network }: ContainerRun,
    options: AdmitOptions,
  ): Promise<Admission | undefined> {
    if (network === undefined) return undefined;
    return (await this.#openDesk()).admit(network, options);
  }

  /** Where guests ask about their pods' networks, opened when it is first needed. */
  #openDesk(): Promise<NetworkDesk> {
    const { deskDir, deskOver } = this.#options;
    this.#desk ??= NetworkDesk.open(deskDir, deskOver === undefined ? {} : { over: deskOver });
    this.#desk.catch(() => {
      this.#desk = undefined; // the next one tries again
    });
    return this.#desk;
  }

  /** Starts a process. On the portable host it must be told beforehand where it may ask about the network. */
  async #boot(
    signal: AbortSignal,
    options: Pick<LaunchInput, "awaited" | "extraDirs">,
  ): Promise<GuestProcess> {
    if (this.#libc !== undefined) return await GuestProcess.boot(this.#launch(options), signal);
    const { address } = await this.#openDesk();
    const desk = "path" in address ? { deskPath: address.path } : {};
    return await GuestProcess.boot(this.#launch({ ...desk, ...options }), signal);
  }

  /** Throws for one that a guest process would not read to its end. */
  #orderOf(container: ContainerRun): Order {
    const { requireSandbox, logLimits } = this.#options;
    const order = {
      ...orderOf(container),
      ...(requireSandbox === undefined ? {} : { requireSandbox }),
      ...(logLimits === undefined ? {} : { logLimits }),
    };
    const bytes = encodeLine(order).length;
    if (bytes <= ORDER_BYTES_MAX) return order;
    throw new Error(
      `Cannot run container "${container.container}": its arguments and environment have ${bytes} ` +
        `bytes; the limit is ${ORDER_BYTES_MAX}`,
    );
  }

  /** A warm process, or one of its own for a run that needs leave for more folders. */
  async #take(container: ContainerRun, signal: AbortSignal): Promise<Taken<GuestProcess>> {
    const extraDirs = this.#extraDirs(container);
    if (extraDirs.length === 0) return await this.#pool.take(signal);
    return {
      item: await this.#boot(signal, { extraDirs }),
      settled: () => {},
    };
  }

  /** Mounted folders outside of the pods' own; with the libc host no leave is needed for them. */
  #extraDirs(container: ContainerRun): string[] {
    if (this.#libc !== undefined || this.#binary !== undefined) return [];
    const folder = this.#options.podsDir.replace(/[/\\]?$/, "");
    return [container.rootPath, ...container.mounts.map((mount) => mount.hostPath)]
      .filter((path) => !path.startsWith(`${folder}/`) && !path.startsWith(`${folder}\\`));
  }

  #launch(
    options: Pick<LaunchInput, "shared" | "awaited" | "extraDirs" | "deskPath">,
  ): Launch {
    const entry = this.#options.guestEntry ?? new URL("./guest_main.ts", import.meta.url);
    return launch({
      os: Deno.build.os,
      standalone: this.#binary !== undefined,
      execPath: this.#binary?.path ?? Deno.execPath(),
      parentPid: Deno.pid,
      entry,
      codeDirs: this.#binary === undefined ? codeDirs(entry) : this.#binary.codeDirs ?? [],
      ...(this.#libc === undefined ? {} : { libc: this.#libc }),
      imagesDir: this.#options.imagesDir,
      logsDir: this.#options.logsDir,
      podsDir: this.#options.podsDir,
      ...options,
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

function ticketOf(admission: Admission | undefined): Pick<Order, "network"> {
  return admission === undefined ? {} : { network: admission.ticket };
}

/** Sees a guest through, and notes whether its first instruction was reached. */
async function see(
  control: RunControl,
  run: (guest: GuestControl) => Promise<RunEnd | "declined">,
  settled: () => void = () => {},
): Promise<Ran> {
  let started = false;
  let resting: ReturnType<typeof setTimeout> | undefined;
  try {
    const end = await run({
      kill: control.kill,
      ...(control.stdin === undefined ? {} : { stdin: control.stdin }),
      onStarted(): void {
        started = true;
        // Booting another would hold up this thread, and the guest's first words, for some milliseconds.
        resting = setTimeout(settled, FIRST_WORDS_MS);
        control.onStarted();
      },
    });
    return { end, started };
  } finally {
    clearTimeout(resting);
  }
}

/** Where the code of guest processes lies: in a release, or in the repository. */
function codeDirs(entry: URL): string[] {
  const folders = entry.pathname.endsWith(".js") ? ["../../"] : [".", "../../wasi/"];
  return folders.map((folder) => fileURLToPath(new URL(folder, entry)));
}
