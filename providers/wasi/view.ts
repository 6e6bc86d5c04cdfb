/**
 * What a guest sees of the machine: its folders, its environment.
 *
 * @module
 */
import type { ContainerRun } from "../../lib/mod.ts";
import type { Order, OrderPreopen } from "./protocol.ts";

/** Everything that a guest process needs to know of a run. */
export function orderOf(run: ContainerRun): Order {
  return {
    modulePath: run.module.path,
    args: run.argv,
    env: environmentOf(run),
    preopens: preopensOf(run),
    logPath: run.logPath,
    ...(run.workingDir === undefined ? {} : { workingDir: run.workingDir }),
    ...(run.tty === true ? { tty: true } : {}),
    ...(run.promptly === true ? { promptly: true } : {}),
    ...(run.limits.memoryBytes === undefined ? {} : { memoryBytes: run.limits.memoryBytes }),
  };
}

/**
 * WASI has no current directory: what there is of one is a convention of the C library and of Go, and
 * Go's is the variable `PWD`. A `PWD` that the pod asks for wins.
 */
function environmentOf(run: ContainerRun): Record<string, string> {
  return run.workingDir === undefined ? { ...run.env } : { PWD: run.workingDir, ...run.env };
}

/**
 * The root first, then the mounts, outer before inner. The C libraries take the longest name that
 * matches, whatever the order; Go starts in the first one. Each is `exact`, since the kubelet gives paths
 * without links, and a guest that shares a volume may put one there before this one's is opened.
 */
function preopensOf(run: ContainerRun): OrderPreopen[] {
  const mounts = run.mounts.map(({ hostPath, guestPath, readOnly }) => {
    return { hostPath, guestPath, readOnly, exact: true } as const;
  });
  mounts.sort((a, b) => a.guestPath.length - b.guestPath.length);
  const root = {
    hostPath: run.rootPath,
    guestPath: "/",
    readOnly: run.readOnlyRoot ?? false,
    exact: true,
  } as const;
  return mounts.some((mount) => mount.guestPath === "/") ? mounts : [root, ...mounts];
}

/**
 * The folders to create in the container's root so that `readdir` shows the mounts, as paths
 * relative to it. A mount inside another mount is left out: that folder belongs to a volume, which
 * other guests can change under our feet.
 */
export function mountPoints(run: ContainerRun): string[] {
  const paths = run.mounts.map((mount) => mount.guestPath);
  const nested = (path: string) =>
    paths.some((outer) => outer !== path && path.startsWith(outer === "/" ? "/" : `${outer}/`));
  return run.mounts.filter(({ guestPath, unlisted }) =>
    unlisted !== true && guestPath !== "/" && !nested(guestPath)
  ).map(({ guestPath }) => guestPath.slice(1));
}
