import { guestV8Flags } from "../../wasi/mod.ts";
import { SHARED_HEAP_MIB_MAX } from "./limits.ts";

/**
 * The hidden first argument that makes a compiled binary a guest process: `main.ts` imports
 * `guest_main.ts` when it sees it.
 */
export const GUEST_ARGUMENT = "__guest";

/**
 * The flags of V8 that a binary made by `deno compile` must have for its guests: it has none but what it was made
 * with, whatever its environment says. They hold for all its processes, so the stack is one that Workers have too.
 */
export function binaryV8Flags(os: typeof Deno.build.os): string[] {
  return guestV8Flags({ os, inWorkers: true });
}

/** What a guest process's command line is made of. */
export interface LaunchInput {
  readonly os: typeof Deno.build.os;
  /** True for a binary made by `deno compile`: permissions and V8 flags are fixed in it. */
  readonly standalone: boolean;
  readonly execPath: string;
  /** The agent's own process id. */
  readonly parentPid: number;
  /** The entry file of guest processes, unless `standalone`. */
  readonly entry: URL;
  /** Path of the C library; absent where the portable host is used. */
  readonly libc?: string;
  readonly imagesDir: string;
  readonly logsDir: string;
  readonly podsDir: string;
  /** Folders elsewhere that this run mounts. Only the portable host needs leave for them. */
  readonly extraDirs?: readonly string[];
  /** The agent's Unix socket, where guests ask about their pods' networks. Only the portable host needs leave for it. */
  readonly deskPath?: string;
  /** Folders of this program's own code, which Workers are loaded from; a compiled binary has them in itself. */
  readonly codeDirs: readonly string[];
  /** True for a process that runs many guests, each in a Worker. Needs `libc`. */
  readonly shared?: boolean;
  /** True if somebody waits for this process: it makes nothing ready that its guest may not need. */
  readonly awaited?: boolean;
  /** The agent's own environment, of which little is passed on. */
  readonly env: Readonly<Record<string, string>>;
}

/** A command that `Deno.Command` takes. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * For malloc of glibc: one heap for all threads. One for each of them leaves 0.8 MiB unused in each Worker.
 * Other libraries do not know these names.
 */
const ONE_HEAP = { MALLOC_ARENA_MAX: "1", MALLOC_TRIM_THRESHOLD_: "65536" };

/** What Deno needs to find its cache, and Windows its libraries. The guest sees none of it. */
const PASSED_ON = [
  "DENO_DIR",
  "HOME",
  "XDG_CACHE_HOME",
  "LOCALAPPDATA",
  "SystemRoot",
  "TEMP",
  "TMPDIR",
  "USERPROFILE",
];

/**
 * How a guest process is started: no prompts, no configuration, and leave for the image
 * store, the log folder and its own code only. With the libc host the guest's folders and sockets are opened by system
 * calls, where the kernel contains them; the portable host needs Deno's leave for them.
 */
export function launch(input: LaunchInput): Launch {
  const shared = input.shared === true;
  const args = [String(input.parentPid), ...kindOf(input), ...input.codeDirs];
  const env: Record<string, string> = {
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    ...(shared ? ONE_HEAP : {}),
  };
  for (const name of PASSED_ON) {
    const value = input.env[name];
    if (value !== undefined) env[name] = value;
  }
  if (input.standalone) {
    return { command: input.execPath, args: [GUEST_ARGUMENT, ...args], env };
  }
  const flags = guestV8Flags({ os: input.os, inWorkers: shared || input.libc === undefined });
  if (shared) flags.push(`--max-heap-size=${SHARED_HEAP_MIB_MAX}`);
  return {
    command: input.execPath,
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-remote",
      "--no-npm",
      "--no-config",
      "--no-lock",
      "--cached-only",
      // 0.5 MiB and a database, which only Workers repay: they boot in half the time.
      ...(shared ? [] : ["--no-code-cache"]),
      `--v8-flags=${flags.join(",")}`,
      ...permissions(input),
      input.entry.href,
      ...args,
    ],
    env,
  };
}

function kindOf({ libc, shared, awaited }: LaunchInput): string[] {
  if (libc === undefined) return ["portable"];
  return [shared ? "shared" : awaited ? "awaited" : "alone", libc];
}

function permissions(input: LaunchInput): string[] {
  if (input.libc !== undefined) {
    return [
      allow("ffi", [input.libc]),
      allow("read", [input.imagesDir, input.logsDir, ...input.codeDirs]),
      allow("write", [input.logsDir]),
    ];
  }
  // Cut to one container's folders by the Worker that runs the guest, once they are known.
  const guestDirs = [input.podsDir, ...(input.extraDirs ?? [])];
  if (input.deskPath !== undefined) guestDirs.push(input.deskPath);
  return [
    "--unstable-worker-options",
    "--allow-net",
    allow("read", [input.imagesDir, input.logsDir, ...input.codeDirs, ...guestDirs]),
    allow("write", [input.logsDir, ...guestDirs]),
  ];
}

/** Deno splits the list at commas; a comma of a path is written twice. */
function allow(kind: string, paths: readonly string[]): string {
  return `--allow-${kind}=${paths.map((path) => path.replaceAll(",", ",,")).join(",")}`;
}
