import type { NetworkWishes, SandboxWishes } from "../../wasi/mod.ts";
import type { Order } from "./protocol.ts";

/** Paths that a run may touch, for the walls behind path resolution. */
export interface Grants {
  /** May be read: files, or folders with all that is in them. */
  readonly read: readonly string[];
  /** May be read and changed. */
  readonly write: readonly string[];
}

/**
 * The paths of the machine that a run needs, and no others: its module, the folder of its log (which
 * is rotated there), its root and its mounts. What is mounted read-only is in no `write`, unless a
 * writable mount lies in it or around it.
 */
export function grantsOf(order: Order): Grants {
  const logDirs = logDirsOf(order);
  const writable = order.preopens.filter((preopen) => !preopen.readOnly);
  return {
    read: unique([
      ...modulesOf(order),
      ...logDirs,
      ...order.preopens.map(({ hostPath }) => hostPath),
    ]),
    write: unique([...logDirs, ...writable.map(({ hostPath }) => hostPath)]),
  };
}

/** The modules of the machine that it may run. */
export function modulesOf({ modulePath, otherwisePath }: Order): string[] {
  return [modulePath, otherwisePath].filter((path) => path !== undefined);
}

/**
 * What the kernel lets a guest's thread touch once its module is read: its log's folder, its root and
 * its mounts; for a guest with threads also what their Workers are loaded from.
 */
export function wishesOf(order: Order, { program, sockets = false }: Inside = {}): SandboxWishes {
  const paths = (readOnly: boolean): string[] =>
    order.preopens.filter((preopen) => preopen.readOnly === readOnly)
      .map(({ hostPath }) => hostPath);
  const readWrite = unique(paths(false));
  const readOnly = unique(paths(true)).filter((path) => !readWrite.includes(path));
  return {
    readOnly: [...readOnly, ...program?.codeDirs ?? []],
    readWrite,
    exact: [...readWrite, ...readOnly],
    logs: logDirsOf(order),
    files: program === undefined ? [] : [program.libc],
    ...(sockets && order.network !== undefined ? { network: SOCKETS } : {}),
  };
}

/** What the guest inside needs beside its order's files. */
export interface Inside {
  /** What its Workers are loaded from, if it will start threads. @default {it will not} */
  readonly program?: ProgramFiles | undefined;
  /** It may make sockets, if its order has a network. @default false */
  readonly sockets?: boolean;
}

/** Any address: which ones may be used is decided for each, by the agent. */
const SOCKETS: NetworkWishes = { bindTcp: "any", connectTcp: "any", udp: true };

/** Where a guest process's own program lies. */
export interface ProgramFiles {
  /** Folders; none in a compiled binary, which is open already. */
  readonly codeDirs: readonly string[];
  /** Path of the C library. */
  readonly libc: string;
}

/** The folder of its log, which is rotated there; none for a guest without one. */
function logDirsOf({ logPath: path }: Order): string[] {
  if (path === undefined) return [];
  return [path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")))];
}

function unique(paths: readonly string[]): string[] {
  return [...new Set(paths)];
}
