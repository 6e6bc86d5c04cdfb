/**
 * What an ephemeral container sees of the container that it looks into (KEP-277).
 *
 * @module
 */
import type { Container, EphemeralContainer } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";
import type { ContainerMount } from "../provider.ts";
import type { Running, RunningContainers } from "./running.ts";

/** Where people look for another container's files: the root of its first process. */
export const TARGET_PATH = "/proc/1/root";

/** Where the target is looked for. */
export interface TargetSearch {
  readonly uid: string;
  readonly running: RunningContainers | undefined;
}

/**
 * The target's root and mounts below {@linkcode TARGET_PATH}, with the target's own rights. None for a
 * container that looks into no other.
 *
 * Throws a `KubeletError` with code `container_config` while the target does not run.
 */
export function targetMounts(spec: Container, { uid, running }: TargetSearch): ContainerMount[] {
  const { targetContainerName: target } = spec as EphemeralContainer;
  if (target === undefined || target === "" || running === undefined) return [];
  const { run } = find(running, { podUid: uid, container: target });
  const root = {
    hostPath: run.rootPath,
    guestPath: TARGET_PATH,
    readOnly: run.readOnlyRoot ?? false,
  };
  return [
    ...(run.mounts.some(({ guestPath }) => guestPath === "/") ? [] : [root]),
    ...run.mounts.map((mount) => ({
      ...mount,
      guestPath: mount.guestPath === "/" ? TARGET_PATH : TARGET_PATH + mount.guestPath,
    })),
  ];
}

function find(
  running: RunningContainers,
  place: { readonly podUid: string; readonly container: string },
): Running {
  try {
    return running.get(place);
  } catch (error) {
    const message = `Cannot look into container "${place.container}": ${messageOf(error)}`;
    throw new KubeletError("container_config", message, { cause: error });
  }
}
