/**
 * Measures what a pod takes of the machine.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { filledMark, podDir, podLogDir } from "../container/places.ts";
import { namesIn } from "../files.ts";
import type { Provider } from "../provider.ts";
import { folderUsage } from "../folder_usage.ts";
import type { PodUsage } from "./manager.ts";

/** Where to look. */
export interface UsageSources {
  readonly podsDir: string;
  readonly logsDir: string;
  /** The folder of what a pod's volumes have in memory. It need not be there. */
  memoryFolder(podUid: string): string | undefined;
  readonly provider: Pick<Provider, "usage">;
  readonly signal: AbortSignal;
}

/** Measures the pod's containers and volumes. What is not there counts as nothing. */
export async function podUsage(pod: Pod, sources: UsageSources): Promise<PodUsage> {
  const { podsDir, logsDir, signal } = sources;
  const uid = pod.metadata?.uid ?? "";
  const own = podDir(podsDir, uid);
  const [containers, logs, volumes] = [
    new Map<string, number>(),
    new Map<string, number>(),
    new Map<string, number>(),
  ];
  let [inodes, whole] = [0, true];
  const add = (to: Map<string, number>, name: string, more: Measured): void => {
    to.set(name, (to.get(name) ?? 0) + more.bytes);
    inodes += more.inodes;
    whole &&= more.whole;
  };
  for (const { name } of [...pod.spec?.initContainers ?? [], ...pod.spec?.containers ?? []]) {
    const runs = `${own}/containers/${name}`;
    for (const run of await namesIn(runs).catch(() => [])) {
      add(containers, name, await rootUsage(`${runs}/${run}`, signal));
    }
    const written = await folderUsage(`${podLogDir(logsDir, pod)}/${name}`, { signal });
    add(containers, name, written);
    logs.set(name, written.bytes);
  }
  for (const kind of await namesIn(`${own}/volumes`).catch(() => [])) {
    for (const name of await namesIn(`${own}/volumes/${kind}`).catch(() => [])) {
      add(volumes, name, await folderUsage(`${own}/volumes/${kind}/${name}`, { signal }));
    }
  }
  const inMemory = sources.memoryFolder(uid);
  return {
    disk: { containers, logs, volumes, inodes, whole },
    memory: await memoryOf(pod, sources),
    pids: await pidsOf(pod, sources),
    memoryVolumes: inMemory === undefined
      ? { bytes: 0, whole: true }
      : await folderUsage(inMemory, { signal }),
  };
}

type Measured = Awaited<ReturnType<typeof folderUsage>>;

/** The files of its image are not the container's: like a runtime's, its own layer counts. */
async function rootUsage(root: string, signal: AbortSignal): Promise<Measured> {
  const filled = await Deno.lstat(filledMark(root)).catch(() => undefined);
  const afterMs = filled?.mtime?.getTime();
  return await folderUsage(root, { ...(afterMs === undefined ? {} : { afterMs }), signal });
}

async function memoryOf(
  { status }: Pod,
  { provider }: UsageSources,
): Promise<PodUsage["memory"]> {
  const found = new Map<string, number | undefined>();
  for (const { name, id } of running(status)) {
    found.set(name, (await provider.usage?.(id))?.memoryBytes);
  }
  return found;
}

/** A container that nobody can count is one. */
async function pidsOf({ status }: Pod, { provider }: UsageSources): Promise<number> {
  const counts = running(status).map(async ({ id }) => (await provider.usage?.(id))?.threads ?? 1);
  return (await Promise.all(counts)).reduce((one, other) => one + other, 0);
}

/** The containers that run, by the ids of their runs. */
function running(status: Pod["status"]): { name: string; id: string }[] {
  const all = [...status?.initContainerStatuses ?? [], ...status?.containerStatuses ?? []];
  return all.flatMap(({ name, containerID, state }) =>
    state.running === undefined || containerID === undefined
      ? []
      : [{ name, id: containerID.slice(containerID.indexOf("://") + 3) }]
  );
}
