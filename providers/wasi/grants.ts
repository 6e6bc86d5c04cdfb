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
  const logDir = folderOf(order.logPath);
  const writable = order.preopens.filter((preopen) => !preopen.readOnly);
  return {
    read: unique([order.modulePath, logDir, ...order.preopens.map(({ hostPath }) => hostPath)]),
    write: unique([logDir, ...writable.map(({ hostPath }) => hostPath)]),
  };
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")));
}

function unique(paths: readonly string[]): string[] {
  return [...new Set(paths)];
}
