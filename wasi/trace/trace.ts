import type { Layout } from "../abi.ts";
import type { ImportedCall } from "../calls/mod.ts";
import { errnoName } from "../errno.ts";
import type { Eventual } from "../host/host.ts";
import type { GuestMemory } from "../memory.ts";
import { VALUES } from "./trace_values.ts";

/** What {@linkcode traceCalls} needs of the guest that makes the calls. */
export interface TraceOptions {
  readonly memory: GuestMemory;
  readonly layout: Layout;
  /** Takes each line, without line end. */
  readonly write: (line: string) => void;
}

/**
 * Wraps calls so that each is told when it has ended, like strace does it:
 * `path_open(3, "a", lookup=follow, …) = 5`, `fd_read(5, [4096]) = 3 "hi\n"`, `… = noent`. A call that
 * does not return, as `proc_exit`, is told with `= ?`.
 */
export function traceCalls(
  calls: Readonly<Record<string, ImportedCall>>,
  options: TraceOptions,
): Record<string, ImportedCall> {
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [name, traced(name, call, options)]),
  );
}

function traced(name: string, call: ImportedCall, options: TraceOptions): ImportedCall {
  const { memory, layout, write } = options;
  return (...args) => {
    const values = valuesOf(name, args);
    const context = { memory, layout, vectors: [0, 0] as [number, number] };
    const shown = values.flatMap((value) => value.shown(context) ?? []);
    const line = `${name}(${shown.join(", ")})`;
    const told = (errno: number): number => {
      const results = errno === 0 ? values.flatMap((value) => value.told(context) ?? []) : [];
      write(`${line} = ${errno === 0 ? results.join(" ") || "success" : errnoName(errno)}`);
      return errno;
    };
    const lost = (error: unknown): never => {
      write(`${line} = ?`);
      throw error;
    };
    let answer: Eventual;
    try {
      answer = call(...args);
    } catch (error) {
      return lost(error);
    }
    return typeof answer === "number" ? told(answer) : answer.then(told, lost);
  };
}

/** What each parameter is, in the order of the specification. One value may be two parameters. */
const SIGNATURES: Readonly<Record<string, readonly (keyof typeof VALUES)[]>> = {
  args_get: ["hidden", "hidden"],
  args_sizes_get: ["outU32", "outU32"],
  clock_res_get: ["clock", "outU64"],
  clock_time_get: ["clock", "hidden", "outU64"],
  environ_get: ["hidden", "hidden"],
  environ_sizes_get: ["outU32", "outU32"],
  fd_advise: ["fd", "unsigned", "unsigned", "advice"],
  fd_allocate: ["fd", "unsigned", "unsigned"],
  fd_close: ["fd"],
  fd_datasync: ["fd"],
  fd_fdstat_get: ["fd", "outFdstat"],
  fd_fdstat_set_flags: ["fd", "fdflags"],
  fd_fdstat_set_rights: ["fd", "rights", "inheriting"],
  fd_filestat_get: ["fd", "outFilestat"],
  fd_filestat_set_size: ["fd", "unsigned"],
  fd_filestat_set_times: ["fd", "atim", "mtim", "fstflags"],
  fd_pread: ["fd", "into", "offset", "outRead"],
  fd_prestat_dir_name: ["fd", "outText"],
  fd_prestat_get: ["fd", "outPrestat"],
  fd_pwrite: ["fd", "from", "offset", "outU32"],
  fd_read: ["fd", "into", "outRead"],
  fd_readdir: ["fd", "buffer", "cookie", "outU32"],
  fd_renumber: ["fd", "fd"],
  fd_seek: ["fd", "signed", "whence", "outU64"],
  fd_sync: ["fd"],
  fd_tell: ["fd", "outU64"],
  fd_write: ["fd", "from", "outU32"],
  path_create_directory: ["fd", "path"],
  path_filestat_get: ["fd", "pathByLookup", "outFilestat"],
  path_filestat_set_times: ["fd", "pathByLookup", "atim", "mtim", "fstflags"],
  path_link: ["fd", "pathByLookup", "fd", "path"],
  path_open: ["fd", "pathByLookup", "oflags", "rights", "inheriting", "fdflags", "outU32"],
  path_readlink: ["fd", "path", "buffer", "outBuffer"],
  path_remove_directory: ["fd", "path"],
  path_rename: ["fd", "path", "fd", "path"],
  path_symlink: ["path", "fd", "path"],
  path_unlink_file: ["fd", "path"],
  poll_oneoff: ["subscriptions", "outU32"],
  proc_exit: ["unsigned"],
  proc_raise: ["unsigned"],
  random_get: ["buffer"],
  sched_yield: [],
  sock_accept: ["fd", "fdflags", "outU32"],
  "sock_accept/2": ["fd", "outU32"], // of WasmEdge's first extension
  sock_recv: ["fd", "into", "riflags", "outRead", "outU16"],
  sock_send: ["fd", "from", "unsigned", "outU32"],
  sock_shutdown: ["fd", "sdflags"],
};

/** A value together with the arguments that it was given as. */
interface Bound {
  shown(context: Context): string | undefined;
  told(context: Context): string | undefined;
}

type Context = Parameters<typeof VALUES["fd"]["show"]>[0];

/** The arguments of a call by their meaning; numbers only for a function that is not of preview 1. */
function valuesOf(name: string, args: readonly (number | bigint)[]): Bound[] {
  const kinds = SIGNATURES[`${name}/${args.length}`] ?? SIGNATURES[name] ??
    args.map(() => "unsigned" as const);
  let start = 0;
  return kinds.map((kind) => {
    const value = VALUES[kind];
    const own = args.slice(start, start += value.width);
    return {
      shown: (context) => value.show(context, own),
      told: (context) => value.tell(context, own),
    };
  });
}

/** How many parameters a function of preview 1 has; undefined for a function of something else. */
export function parameterCount(name: string): number | undefined {
  return SIGNATURES[name]?.reduce((sum, kind) => sum + VALUES[kind].width, 0);
}
