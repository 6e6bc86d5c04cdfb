import { posix } from "node:path";
import type { Container, VolumeMount } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";
import type { ContainerMount } from "../provider.ts";
import { expandReferences } from "./expand.ts";
import { recursiveProblem } from "./mount_status.ts";
import type { MountedVolume } from "./source.ts";
import { type ResolvedSubPath, resolveSubPath } from "./sub_path.ts";

/** Where a container sees the volumes of its pod. Paths nearer to the root come first. */
export interface ContainerMounts {
  readonly mounts: ContainerMount[];
  /** Mounts of a single regular file. */
  readonly files: ContainerMount[];
}

/**
 * Turns `volumeMounts` into paths of this machine. Missing `subPath` folders are made in volumes that
 * guests may write to; `env` is what a `subPathExpr` may refer to.
 *
 * Throws a {@linkcode KubeletError} with code `container_config` that names the mount.
 */
export async function containerMounts(
  container: Container,
  mounted: ReadonlyMap<string, MountedVolume>,
  env: Readonly<Record<string, string>>,
): Promise<ContainerMounts> {
  const all: (ContainerMount & { isFile: boolean })[] = [];
  const taken = new Set<string>();
  for (const mount of container.volumeMounts ?? []) {
    const volume = mounted.get(mount.name);
    if (volume === undefined) {
      throw new KubeletError(
        "container_config",
        `cannot find volume "${mount.name}" to mount into container "${container.name}"`,
      );
    }
    const problem = recursiveProblem(mount);
    if (problem !== undefined) throw refusal(container, mount, problem);
    const guestPath = guestPathOf(container, mount);
    if (taken.has(guestPath)) throw refusal(container, mount, `"${guestPath}" is mounted twice`);
    taken.add(guestPath);
    const readOnly = volume.readOnly || (mount.readOnly ?? false);
    all.push({ ...await locate(container, mount, { volume, env }), guestPath, readOnly });
  }
  all.sort((a, b) => depth(a.guestPath) - depth(b.guestPath));
  const [mounts, files]: [ContainerMount[], ContainerMount[]] = [[], []];
  for (const { isFile, ...mount } of all) (isFile ? files : mounts).push(mount);
  for (const { guestPath } of files) demandUncovered(container, { guestPath, mounts });
  return { mounts, files };
}

/** A file is put into the container's root, where a folder that is mounted around it would hide it. */
function demandUncovered(
  { name }: Container,
  { guestPath, mounts }: { readonly guestPath: string; readonly mounts: readonly ContainerMount[] },
): void {
  const around = mounts.find((mount) => guestPath.startsWith(`${mount.guestPath}/`));
  if (around === undefined) return;
  throw new KubeletError(
    "container_config",
    `cannot mount a single file at "${guestPath}" of container "${name}": the volume at ` +
      `"${around.guestPath}" covers it; mount the folder of the file, or put the file elsewhere`,
  );
}

function guestPathOf(container: Container, mount: VolumeMount): string {
  // To a container a backslash is part of a name; to Windows it is a separator, even before "..".
  if (/[:\\\0]/.test(mount.mountPath)) {
    throw refusal(container, mount, "mountPath must not contain ':', a backslash or a zero byte");
  }
  const path = posix.normalize(`/${mount.mountPath}`).replace(/(?<=.)\/$/, "");
  if (path === "/") throw refusal(container, mount, "mountPath must not be the root");
  return path;
}

async function locate(
  container: Container,
  mount: VolumeMount,
  { volume, env }: { volume: MountedVolume; env: Readonly<Record<string, string>> },
): Promise<ResolvedSubPath> {
  try {
    const subPath = mount.subPathExpr ? expandStrictly(mount.subPathExpr, env) : mount.subPath;
    const place = subPath
      ? await resolveSubPath(volume.hostPath, subPath, { create: !volume.readOnly })
      : { hostPath: await Deno.realPath(volume.hostPath), isFile: volume.isFile ?? false };
    if (place.isFile) await checkRegular(place.hostPath);
    return place;
  } catch (error) {
    throw refusal(container, mount, messageOf(error), error);
  }
}

/** Refuses sockets, devices and pipes: opening or copying one may never end. */
async function checkRegular(path: string): Promise<void> {
  if ((await Deno.lstat(path)).isFile) return;
  throw new KubeletError(
    "container_config",
    `"${path}" is a socket, device or pipe: only files and folders can be mounted`,
  );
}

/** Expands as elsewhere, but a path must not be made of a reference to nothing. */
function expandStrictly(text: string, env: Readonly<Record<string, string>>): string {
  return expandReferences(text, (name) => {
    if (Object.hasOwn(env, name)) return env[name];
    throw new KubeletError("container_config", `missing value for "${name}" in "${text}"`);
  });
}

function depth(path: string): number {
  return path.split("/").length;
}

function refusal(
  container: Container,
  mount: VolumeMount,
  problem: string,
  cause?: unknown,
): KubeletError {
  return new KubeletError(
    "container_config",
    `failed to prepare volumeMount "${mount.name}" of container "${container.name}": ${problem}`,
    { cause },
  );
}
