import { join } from "node:path";
import type { Volume } from "../api/types.ts";
import { FAKE_FACTS, FakeObjects, podWith } from "./fake_objects.ts";
import { MemoryFolders } from "./memory_folders.ts";
import { PodObjects } from "./objects.ts";
import type { VolumeContext } from "./source.ts";
import { ServiceAccountTokens } from "./tokens.ts";
import { PodVolumes, type PodVolumesOptions } from "./volumes.ts";

/** What a test of volumes works with. */
export interface Room {
  readonly objects: FakeObjects;
  readonly volumes: PodVolumes;
  readonly podsDir: string;
  readonly root: string;
  readonly signal: AbortSignal;
  /** Mounts these volumes and gives the host path of the first. */
  mount(...volumes: Volume[]): Promise<string>;
}

/** What a source is given in a test of it alone. */
export function contextOf(more: Partial<VolumeContext> = {}): VolumeContext {
  const objects = new FakeObjects();
  const { signal } = new AbortController();
  const pod = podWith();
  return {
    pod,
    name: "data",
    folder: "",
    facts: FAKE_FACTS,
    objects: new PodObjects(pod, objects, signal),
    tokens: new ServiceAccountTokens(objects),
    storage: objects.storage,
    images: undefined,
    memory: new MemoryFolders("nowhere"),
    keepPrevious: false,
    layout: undefined,
    signal,
    ...more,
  };
}

/** Runs a test in a folder of its own. */
export async function inRoom(
  work: (room: Room) => Promise<void>,
  more: Pick<PodVolumesOptions, "images" | "layout"> = {},
): Promise<void> {
  const root = await Deno.makeTempDir();
  const podsDir = join(root, "pods");
  const objects = new FakeObjects();
  const nowMs = (): number => objects.nowMs;
  const volumes = new PodVolumes({ podsDir, objects, facts: FAKE_FACTS, nowMs, ...more });
  const { signal } = new AbortController();
  const mount = async (...list: Volume[]): Promise<string> => {
    const mounted = await volumes.mountAll(podWith(list), signal);
    return mounted.get(list[0]?.name ?? "")?.hostPath ?? "";
  };
  try {
    await work({ objects, volumes, podsDir, root, signal, mount });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** All files that a container sees, by path. */
export function look(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { name } of Deno.readDirSync(folder)) {
    if (name.startsWith("..")) continue;
    const path = join(folder, name);
    if (Deno.statSync(path).isDirectory) {
      for (const [sub, text] of Object.entries(look(path))) files[`${name}/${sub}`] = text;
    } else files[name] = Deno.readTextFileSync(path);
  }
  return files;
}

/** Names of everything in a folder. */
export function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map((entry) => entry.name);
}
