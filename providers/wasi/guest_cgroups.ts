/**
 * Control groups (version 2) for guests: the kernel keeps each container within its CPU limit, and its
 * processes within a bound of memory.
 *
 * @module
 */
import type { BoundProcess, CpuKeeper, GuestBounds } from "./cpu_keeper.ts";
import { CPU_PERIOD_MS, CPU_QUOTA_US_MIN } from "./limits.ts";

/** Where to look; the rest is for tests. */
export interface GuestCgroupsOptions {
  /** @default "/sys/fs/cgroup" */
  readonly root?: string;
  /** Text of `/proc/self/cgroup`. @default {that file's} */
  readonly membership?: string;
  /** @default {Deno.pid} */
  readonly pid?: number;
}

/** The agent's own group beside those of its guests: a group with processes may have no others below it. */
const AGENT = "agent";
const GUESTS = "guests";

/** One container's group. */
interface Group {
  readonly path: string;
  /** The bounds of each process that is in it, or is about to be. */
  readonly holders: Set<GuestBounds>;
  /** What `memory.max` says. */
  memory: string;
  /** Settles when it is there and says what its holders may have, or could not be made. */
  ready: Promise<void>;
}

/** `memory.max` of a group without a bound, as the kernel makes it. */
const UNBOUND = "max";

/**
 * Makes a group for each container below the agent's own one. That has to be the agent's alone, as systemd's is
 * with `Delegate=yes`, and writable: what other programs live in is not touched.
 */
export class GuestCgroups implements CpuKeeper {
  readonly how = "control groups (cpu.max)";
  readonly #folder: string;
  readonly #memory: boolean;
  readonly #groups = new Map<string, Group>();

  private constructor(folder: string, memory: boolean) {
    this.#folder = folder;
    this.#memory = memory;
  }

  /**
   * Prepares the groups. `undefined` where the system has none for this program; everything is then as it was before.
   * Call it before the agent has children.
   */
  static open(options: GuestCgroupsOptions = {}): GuestCgroups | undefined {
    if (Deno.build.os !== "linux") return undefined;
    const own = ownFolder(options);
    if (own === undefined) return undefined;
    const pid = String(options.pid ?? Deno.pid);
    const undo: (() => void)[] = [];
    try {
      const controllers = words(`${own.folder}/cgroup.controllers`);
      if (!controllers.includes("cpu")) return undefined;
      const memory = controllers.includes("memory");
      const wanted = memory ? "+cpu +memory" : "+cpu";
      if (!own.isRoot) {
        if (words(`${own.folder}/cgroup.procs`).some((other) => other !== pid)) return undefined;
        const agent = `${own.folder}/${AGENT}`;
        makeFolder(agent);
        undo.unshift(() => Deno.removeSync(agent));
        write(`${agent}/cgroup.procs`, pid);
        undo.unshift(() => write(`${own.folder}/cgroup.procs`, pid));
      }
      write(`${own.folder}/cgroup.subtree_control`, wanted);
      const folder = own.isRoot ? `${own.folder}/krustlet-${pid}` : `${own.folder}/${GUESTS}`;
      if (own.isRoot) removeLeftovers(own.folder);
      makeFolder(folder);
      undo.unshift(() => Deno.removeSync(folder));
      write(`${folder}/cgroup.subtree_control`, wanted);
      return new GuestCgroups(folder, memory);
    } catch {
      for (const step of undo) attempt(step);
      return undefined;
    }
  }

  /** See {@linkcode CpuKeeper.hold}. Rejects if the kernel refuses; the process is where it was then. */
  async hold(id: string, process: BoundProcess, bounds: GuestBounds): Promise<AsyncDisposable> {
    const group = this.#groups.get(id) ?? this.#open(id, bounds);
    const holder = { ...bounds };
    group.holders.add(holder);
    const leave = async (): Promise<void> => {
      group.holders.delete(holder);
      // What bounds too few is no reason to end a container for; it goes with the next change.
      if (group.holders.size > 0) return await this.#boundMemory(group).catch(() => {});
      this.#groups.delete(id);
      // It is empty, or will be soon; what stays goes with the tree.
      await Deno.remove(group.path).catch(() => {});
    };
    try {
      await this.#boundMemory(group);
      await Deno.writeTextFile(`${group.path}/cgroup.procs`, String(process.pid), NO_CREATE);
      return { [Symbol.asyncDispose]: leave };
    } catch (error) {
      await leave();
      throw new Error(`Cannot put container "${id}" into a control group: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** See {@linkcode CpuKeeper.change}. */
  change(id: string, cpuMillis: number | undefined): boolean {
    const group = this.#groups.get(id);
    if (group === undefined) return false;
    return attempt(() => write(`${group.path}/cpu.max`, cpuMax(cpuMillis)));
  }

  /** See {@linkcode CpuKeeper.close}. */
  close(): void {
    attempt(() => Deno.removeSync(this.#folder));
  }

  #open(id: string, { cpuMillis }: GuestBounds): Group {
    const path = `${this.#folder}/${id}`;
    const make = async (): Promise<void> => {
      await Deno.mkdir(path);
      await Deno.writeTextFile(`${path}/cpu.max`, cpuMax(cpuMillis), NO_CREATE);
    };
    const group = { path, holders: new Set<GuestBounds>(), memory: UNBOUND, ready: make() };
    this.#groups.set(id, group);
    return group;
  }

  /** Lets the group have what its processes may have together: a program beside a container must not end it. */
  #boundMemory(group: Group): Promise<void> {
    if (!this.#memory) return group.ready;
    group.ready = group.ready.then(async () => {
      const memory = memoryMax(group.holders);
      if (memory === group.memory) return;
      await Deno.writeTextFile(`${group.path}/memory.max`, memory, NO_CREATE);
      group.memory = memory;
    });
    return group.ready;
  }
}

/** `memory.max` for all of them: none if one of them has no bound. */
function memoryMax(holders: ReadonlySet<GuestBounds>): string {
  let bytes = 0;
  for (const { memoryBytes } of holders) {
    if (memoryBytes === undefined) return UNBOUND;
    bytes += memoryBytes;
  }
  return String(bytes);
}

const NO_CREATE = { create: false } as const;

/** `cpu.max`: a quota and a period in µs, or no quota. */
function cpuMax(cpuMillis: number | undefined): string {
  const periodUs = CPU_PERIOD_MS * 1_000;
  if (cpuMillis === undefined) return `max ${periodUs}`;
  return `${Math.max(CPU_QUOTA_US_MIN, Math.round(cpuMillis * CPU_PERIOD_MS))} ${periodUs}`;
}

/** The agent's own group; `isRoot` if it is that of the whole machine, which knows no such rules. */
function ownFolder(
  { root = "/sys/fs/cgroup", membership }: GuestCgroupsOptions,
): { folder: string; isRoot: boolean } | undefined {
  try {
    const text = membership ?? Deno.readTextFileSync("/proc/self/cgroup");
    const path = /^0::(\/.*)$/m.exec(text)?.[1];
    if (path === undefined) return undefined;
    const folder = path === "/" ? root : `${root}${path}`;
    return { folder, isRoot: !exists(`${folder}/cgroup.type`) };
  } catch {
    return undefined; // there is no /proc
  }
}

/** Groups that agents left behind which were killed: they are empty, for their guests died with them. */
function removeLeftovers(root: string): void {
  for (const { name } of Deno.readDirSync(root)) {
    const [, pid] = /^krustlet-(\d+)$/.exec(name) ?? [];
    if (pid === undefined || exists(`/proc/${pid}`)) continue;
    for (const { name: guest, isDirectory } of Deno.readDirSync(`${root}/${name}`)) {
      if (isDirectory) attempt(() => Deno.removeSync(`${root}/${name}/${guest}`));
    }
    attempt(() => Deno.removeSync(`${root}/${name}`));
  }
}

function makeFolder(path: string): void {
  try {
    Deno.mkdirSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

function write(path: string, text: string): void {
  Deno.writeTextFileSync(path, text, NO_CREATE);
}

function words(path: string): string[] {
  return Deno.readTextFileSync(path).split(/\s+/).filter((word) => word !== "");
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
