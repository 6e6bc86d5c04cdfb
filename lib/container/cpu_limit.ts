/**
 * The CPU limit of a container, as the node has agreed to it.
 *
 * @module
 */
import type { Container, Pod } from "../api/types.ts";
import type { ContainerRun, Provider } from "../provider.ts";
import { parseQuantity, quantityMillis } from "../quantity.ts";
import type { WatchedContainer } from "./image_watch.ts";

/**
 * Thousandths of a CPU; `undefined` for no limit, which 0 means as well. A container that says nothing itself can have
 * no more than its whole pod (KEP-2837).
 */
export function cpuLimitMillis({ resources }: Container, pod: Pod): number | undefined {
  const text = resources?.limits?.["cpu"] ?? pod.spec?.resources?.limits?.["cpu"];
  if (text === undefined) return undefined;
  const millis = Number(quantityMillis(parseQuantity(text)));
  return millis > 0 ? millis : undefined;
}

/** Whom {@linkcode followCpuLimit} follows. */
export interface CpuLimitFollower extends WatchedContainer {
  /** The newest version of the pod. */
  pod(): Pod;
  readonly run: ContainerRun;
  readonly provider: Provider;
  /** Hears, once, that a limit is not kept. */
  unkept(message: string): void;
}

/**
 * Gives a run that has begun each new CPU limit of its container (KEP-1287), until the signal aborts: the run is over.
 */
export async function followCpuLimit(follower: CpuLimitFollower, over: AbortSignal): Promise<void> {
  const { run, provider } = follower;
  let inForce = run.limits.cpuMillis;
  let told = false;
  for (let first = true; !over.aborted; first = false) {
    const wanted = cpuLimitMillis(follower.spec(), follower.pod());
    // What it was begun with may be out of date by now.
    const isNews = wanted !== inForce || (first && wanted !== undefined);
    if (isNews && !(provider.limitCpu?.(run.id, wanted) ?? false) && !told) {
      told = true;
      follower.unkept(unkeptMessage(run));
    }
    inForce = wanted;
    await follower.podChanged(over);
  }
}

function unkeptMessage({ container, runtimeHandler }: ContainerRun): string {
  const where = runtimeHandler === undefined
    ? "this machine cannot do it"
    : `a container of handler "${runtimeHandler}" shares its process, or this machine cannot do it`;
  return `Cannot keep container "${container}" within its CPU limit: ${where}`;
}
