/**
 * What a backend promises to the kubelet, and what it is given.
 *
 * The kubelet resolves everything (the module on disk by digest, environment expanded, volumes
 * mounted) and hands it over. A provider never asks the cluster for anything.
 *
 * @module
 */
import type { Pod } from "./api/types.ts";
import type { Exit } from "./exit.ts";
import type { GuestNetwork } from "./guest_network.ts";

/** A folder of the machine that the guest sees under a path of its own. */
export interface ContainerMount {
  /**
   * Absolute path of an existing directory on this machine, without a link in it. Whoever opens it must
   * refuse links: another guest that can write to the volume may have put one there by then.
   */
  readonly hostPath: string;
  /** Absolute path inside the container, normalised, without a trailing slash. */
  readonly guestPath: string;
  /** True if the guest may not write there. */
  readonly readOnly: boolean;
  /** True if no folder need show it in its container's root: it is found by its path alone. @default false */
  readonly unlisted?: boolean;
}

/** Everything about one run of one container. Nothing here changes during the run. */
export interface ContainerRun {
  /** 64 hexadecimal digits, new for each run: the `containerID` without its scheme. */
  readonly id: string;
  /** The pod that the container belongs to. */
  readonly pod: { readonly uid: string; readonly namespace: string; readonly name: string };
  /** The container's name in the pod. */
  readonly container: string;
  /** 0 for the first run; the container's `restartCount`. */
  readonly attempt: number;
  /** What to run. */
  readonly module: {
    /** Absolute path of the module's bytes, verified against `digest`. */
    readonly path: string;
    /** `sha256:` and 64 hexadecimal digits. */
    readonly digest: string;
  };
  /** argv, the program's name first. */
  readonly argv: readonly string[];
  /** All variables that the guest sees, expanded. Nothing of this machine is added. */
  readonly env: Readonly<Record<string, string>>;
  /** The container's current directory. @default "/" */
  readonly workingDir?: string;
  /**
   * Folder that becomes the container's `/`: empty, or with the files of its image; no link is on the
   * way to it. It is the run's own, unless it is read-only and has a folder for each mount already:
   * then runs may share it.
   */
  readonly rootPath: string;
  /**
   * `securityContext.readOnlyRootFilesystem`, or an image that is data for its module: the guest may
   * change nothing under `/` but what is mounted there. The backend may still make folders in it for
   * mounts that have none. @default false
   */
  readonly readOnlyRoot?: boolean;
  /** Everything else that the guest sees of this machine's files. */
  readonly mounts: readonly ContainerMount[];
  /** File that stdout and stderr are appended to, in the CRI log format. Its folder exists. */
  readonly logPath: string;
  /**
   * `tty`: the guest is told that its standard streams are a terminal, and what it writes to stderr goes
   * where stdout goes. @default false
   */
  readonly tty?: boolean;
  /**
   * Somebody may be reading along, as of a container with `stdin` or `tty`: what the guest writes is in the
   * log at once, also before its line ends. @default false
   */
  readonly promptly?: boolean;
  /** `resources.limits`; absent means no limit. */
  readonly limits: {
    readonly memoryBytes?: number;
    /** Thousandths of a CPU; {@linkcode Provider.limitCpu} may change it during the run. */
    readonly cpuMillis?: number;
  };
  /**
   * One of the backend's {@linkcode Provider.handlers}: what the pod's RuntimeClass asks for.
   *
   * @default {the backend's usual way to run a container}
   */
  readonly runtimeHandler?: string;
  /** The pod's network. @default {every address is refused, and there is no name} */
  readonly network?: GuestNetwork;
}

/** How the kubelet and a running container talk to each other. */
export interface RunControl {
  /** Called once, when the guest is about to execute its first instruction. */
  onStarted(): void;
  /**
   * What the guest reads; no faster than it does. Its end is the end of the guest's stdin. The backend cancels
   * it when the guest is gone. @default {stdin is at its end}
   */
  readonly stdin?: ReadableStream<Uint8Array>;
  /** Aborted when the grace period begins: the guest may end on its own from now on. */
  readonly stop: AbortSignal;
  /** Aborted when the guest must be gone. `run` then settles with `killed` without delay. */
  readonly kill: AbortSignal;
}

/** Another program in a container that runs, as `kubectl exec`, an exec probe or a hook asks for it. */
export interface ContainerExec {
  /** The run in whose view it works: the same root, mounts and limits. */
  readonly container: ContainerRun;
  /**
   * What to run. Absent: what argv[0] names in the container's view, as a shell finds it; else one of the
   * backend's own small programs; else {@linkcode otherwise}. If there is none of these, the program ends
   * with code 127, or 126 for a file that is no program, and says so on its stderr.
   */
  readonly module?: ContainerRun["module"];
  /** What to run if `module` is absent and argv[0] names nothing else. */
  readonly otherwise?: ContainerRun["module"];
  /** argv, the program's name first. */
  readonly argv: readonly string[];
  /** As {@linkcode ContainerRun.tty}, for this program; all it writes is `stdout`. @default false */
  readonly tty?: boolean;
}

/** How the kubelet and such a program talk to each other. */
export interface ExecControl {
  /** As {@linkcode RunControl.stdin}. @default {stdin is at its end} */
  readonly stdin?: ReadableStream<Uint8Array>;
  /** Called when argv[0] names no program, before `exec` settles with code 126 or 127: nothing has run. */
  onMissing?(): void;
  /** Aborted when the program must be gone. `exec` then settles with `killed` without delay. */
  readonly kill: AbortSignal;
  /**
   * Takes what the program writes. It waits until this has settled; the bytes are good until then.
   */
  onOutput(stream: "stdout" | "stderr", bytes: Uint8Array): Promise<void> | void;
}

/** Which modules a backend can run, so that an image with another one is refused before its download. */
export interface ModuleTerms {
  /** Bytes of a module. */
  readonly bytesMax: number;
  /**
   * What a module may import: all of a module's names (`wasi_snapshot_preview1`), or one of them
   * (`wasi.thread-spawn`). @default {anything}
   */
  readonly imports?: readonly string[];
  /** True if components (WASI 0.2) run as well as core modules. */
  readonly components: boolean;
}

/** What a run takes of the machine, with the programs beside it. Nobody can tell what is absent. */
export interface RunUsage {
  /** CPU time in nanoseconds since the run began, of all CPUs together. It never goes back. */
  readonly cpuNanos?: number;
  /** Bytes of memory that it has for itself: what would be free without it. */
  readonly memoryBytes?: number;
  /** The same, and what it shares with others, such as the runtime's own code. */
  readonly residentBytes?: number;
  /** Processes, or for a run that shares one: 0. */
  readonly processes?: number;
  /** Threads of its processes, or for a run that shares one: 1. */
  readonly threads?: number;
}

/** A number of the backend's own, for the node's metrics. */
export interface Figure {
  /** In a metric's spelling, without the `krustlet_` before it, as `warm_processes`. */
  readonly name: string;
  /** One sentence for people. */
  readonly help: string;
  /** Now. */
  readonly value: number;
}

/** A backend that runs containers. */
export interface Provider {
  /** Value of the node label `kubernetes.io/arch`, as `wasm32-wasi`. */
  readonly arch: string;
  /** `nodeInfo.architecture`, as `wasm-wasi`. */
  readonly architecture: string;
  /** `nodeInfo.containerRuntimeVersion`, as `krustlet-wasi://2.0.0`. */
  readonly runtimeVersion: string;
  /**
   * What holds guests on this machine, in one line for people, as
   * `landlock (ABI 7: files, tcp), seccomp, openat2`. The node tells it in its annotation
   * `krustlet.dev/sandbox`. Absent: the backend cannot say.
   */
  readonly sandbox?: string;

  /**
   * What keeps runs within `limits.cpuMillis`, in words for people. The node tells it in its annotation
   * `krustlet.dev/cpu-limits`. Absent: nothing does.
   */
  readonly cpuLimits?: string;

  /**
   * Ways to run a container that a RuntimeClass can name as its `handler` (KEP-585). A pod that asks
   * for another one waits. @default {none: every RuntimeClass is refused}
   */
  readonly handlers?: readonly string[];
  /** What can be run at all. @default {nothing is refused before it is tried} */
  readonly takes?: ModuleTerms;

  /**
   * Throws a {@linkcode KubeletError} with code `rejected` for a pod that this backend can never run, beside
   * those that the kubelet refuses by itself. Absent: it runs all others.
   */
  validate?(pod: Pod): void;

  /**
   * Runs one container until it ends. Settles exactly once; whatever the guest does is an
   * {@linkcode Exit}. Rejects with a {@linkcode KubeletError} of code `container_start` if the machine
   * could not start it, and with anything else only for a defect of the backend.
   */
  run(container: ContainerRun, control: RunControl): Promise<Exit>;

  /**
   * Runs a program beside a container's own, until it ends. Settles and rejects as {@linkcode run} does. What
   * it says and how it ends is its caller's alone. Absent: nothing can be run in containers of this backend.
   */
  exec?(program: ContainerExec, control: ExecControl): Promise<Exit>;

  /**
   * What a run takes of the machine now; `undefined` if it does not run. Cheap: it may be asked of a
   * hundred runs every few seconds. Absent: the backend can never tell.
   */
  usage?(id: ContainerRun["id"]): Promise<RunUsage | undefined>;

  /** Numbers of its own that the node shows beside its metrics; always the same names. @default {none} */
  figures?(): readonly Figure[];

  /**
   * Gives a run that has begun another CPU limit at once; `undefined` takes it away. False if this run is kept
   * within none, as where it shares its process. Absent: no run is.
   */
  limitCpu?(id: ContainerRun["id"], cpuMillis: number | undefined): boolean;

  /** Ends what the backend keeps warm. No run is under way. */
  close(): Promise<void>;
}
