/**
 * Which rules Landlock is given: decided here, enforced in `landlock.ts`. Numbers are those of the
 * kernel's `uapi/linux/landlock.h`.
 *
 * @module
 */
import { SandboxError, type SandboxWishes } from "./wishes.ts";

/** `LANDLOCK_ACCESS_FS_*`. */
export const ACCESS = {
  execute: 1n << 0n,
  writeFile: 1n << 1n,
  readFile: 1n << 2n,
  readDir: 1n << 3n,
  removeDir: 1n << 4n,
  removeFile: 1n << 5n,
  makeChar: 1n << 6n,
  makeDir: 1n << 7n,
  makeReg: 1n << 8n,
  makeSock: 1n << 9n,
  makeFifo: 1n << 10n,
  makeBlock: 1n << 11n,
  makeSym: 1n << 12n,
  refer: 1n << 13n,
  truncate: 1n << 14n,
  ioctlDev: 1n << 15n,
} as const;

/** `LANDLOCK_ACCESS_NET_*`. */
export const NET = { bindTcp: 1n, connectTcp: 2n } as const;

/** `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET` and `LANDLOCK_SCOPE_SIGNAL`. */
const SCOPES_ALL = 3n;

/** The ABI of the kernel that first knew each part: Linux 5.13, 6.2, 6.7, 6.10 and 6.12. */
const PARTS = { files: 1, truncation: 3, tcp: 4, devices: 5, signals: 6 } as const satisfies Record<
  LandlockPart,
  number
>;
/** The ABI that can tell a rename to another folder from one that is to be refused. */
const REFER_ABI = 2;
/** The ABI that can restrict all threads of a process at once: Linux 7.0. */
const ALL_THREADS_ABI = 8;

/** What Landlock can keep a guest from. */
export type LandlockPart = "files" | "truncation" | "tcp" | "devices" | "signals";

/** The parts that a kernel of this ABI covers, and those that it leaves open. */
export function landlockParts(
  abi: number,
): { covered: LandlockPart[]; open: LandlockPart[] } {
  const parts = Object.keys(PARTS) as LandlockPart[];
  return {
    covered: parts.filter((part) => PARTS[part] <= abi),
    open: parts.filter((part) => PARTS[part] > abi),
  };
}

/** True if a kernel of this ABI can restrict threads that run already. */
export function restrictsAllThreads(abi: number): boolean {
  return abi >= ALL_THREADS_ABI;
}

/** A ruleset and its rules. */
export interface LandlockPlan {
  /** What is refused unless a rule allows it. */
  readonly handled: { readonly files: bigint; readonly net: bigint; readonly scopes: bigint };
  readonly paths: readonly {
    readonly path: string;
    readonly kind: "folder" | "file";
    readonly access: bigint;
    /** There must be no link in the path of this folder. */
    readonly exact: boolean;
  }[];
  readonly ports: readonly { readonly port: number; readonly access: bigint }[];
}

/** Everything that a guest may do in a folder of its own. Nothing is ever executable or a device. */
const CHANGES = ACCESS.writeFile | ACCESS.removeDir | ACCESS.removeFile | ACCESS.makeDir |
  ACCESS.makeReg | ACCESS.makeSym | ACCESS.refer | ACCESS.truncate;
const READS = ACCESS.readFile | ACCESS.readDir;
/** What rotating a file takes. */
const LOGS = ACCESS.writeFile | ACCESS.readDir | ACCESS.removeFile | ACCESS.makeReg |
  ACCESS.truncate;
const PORT_MAX = 65_535;

/**
 * The rules for these wishes on a kernel of this ABI: what it does not know is left out.
 *
 * @throws {SandboxError} for a path that is not absolute, or a port that is none.
 */
export function planLandlock(wishes: SandboxWishes, abi: number): LandlockPlan {
  const files = knownAccess(abi);
  const exact = new Set(wishes.exact);
  const path = (kind: "folder" | "file", access: bigint) => (path: string) => {
    if (!path.startsWith("/") || path.includes("\0")) {
      throw new SandboxError(
        `Cannot allow ${kind} "${path}" in the sandbox: it is no absolute path`,
      );
    }
    return { path, kind, access: access & files, exact: kind === "folder" && exact.has(path) };
  };
  return {
    handled: {
      files,
      net: handledNet(wishes, abi),
      scopes: abi >= PARTS.signals ? SCOPES_ALL : 0n,
    },
    paths: [
      ...(wishes.readOnly ?? []).map(path("folder", READS)),
      ...(wishes.readWrite ?? []).map(path("folder", READS | CHANGES)),
      ...(wishes.logs ?? []).map(path("folder", LOGS)),
      ...(wishes.files ?? []).map(path("file", ACCESS.readFile)),
    ],
    ports: abi >= PARTS.tcp ? portRules(wishes) : [],
  };
}

function knownAccess(abi: number): bigint {
  let known = 0n;
  for (const access of Object.values(ACCESS)) known |= access;
  if (abi < REFER_ABI) known &= ~ACCESS.refer;
  if (abi < PARTS.truncation) known &= ~ACCESS.truncate;
  if (abi < PARTS.devices) known &= ~ACCESS.ioctlDev;
  return known;
}

/** What any port may be used for is not handled, because rules name single ports. */
function handledNet({ network }: SandboxWishes, abi: number): bigint {
  if (abi < PARTS.tcp) return 0n;
  return (network?.bindTcp === "any" ? 0n : NET.bindTcp) |
    (network?.connectTcp === "any" ? 0n : NET.connectTcp);
}

function portRules({ network }: SandboxWishes): LandlockPlan["ports"] {
  const { bindTcp = [], connectTcp = [] } = network ?? {};
  const rule = (access: bigint) => (port: number) => {
    if (!Number.isInteger(port) || port < 0 || port > PORT_MAX) {
      throw new SandboxError(
        `Cannot allow TCP port "${port}" in the sandbox: a port is from 0 to ${PORT_MAX}`,
      );
    }
    return { port, access };
  };
  return [
    ...(bindTcp === "any" ? [] : bindTcp.map(rule(NET.bindTcp))),
    ...(connectTcp === "any" ? [] : connectTcp.map(rule(NET.connectTcp))),
  ];
}
