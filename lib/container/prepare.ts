/**
 * From a container's spec to everything that one run of it needs.
 *
 * @module
 */
import { dirname, join, sep } from "node:path";
import type { Container, Pod } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { removeTree } from "../files.ts";
import type { ImageOnDisk } from "../images/images.ts";
import type { ContainerMount, ContainerRun } from "../provider.ts";
import { parseQuantity, quantityBytes } from "../quantity.ts";
import { containerMounts } from "../volumes/mounts.ts";
import type { MountedVolume } from "../volumes/volume.ts";
import { expandArgs, resolveEnv } from "./env.ts";
import { containerLogDir, rootDir } from "./places.ts";
import type { ContainerServices } from "./services.ts";

/** What {@linkcode prepareRun} works from. */
export interface Preparation {
  readonly pod: Pod;
  readonly spec: Container;
  readonly image: ImageOnDisk;
  readonly mounted: ReadonlyMap<string, MountedVolume>;
  /** The run's number: the container's `restartCount`. */
  readonly attempt: number;
  /** What the pod's RuntimeClass asks the backend for. @default {nothing special} */
  readonly runtimeHandler?: string;
  readonly signal: AbortSignal;
}

/**
 * Resolves env, arguments and mounts, and makes the run's folders.
 *
 * Throws a {@linkcode KubeletError} with code `container_config` if something that the spec names
 * is missing; it may appear later.
 */
export async function prepareRun(
  services: ContainerServices,
  { pod, spec, image, mounted, attempt, runtimeHandler, signal }: Preparation,
): Promise<ContainerRun> {
  const { objects, facts, podsDir, logsDir } = services;
  const env = await resolveEnv({ pod, container: spec, facts, objects, signal });
  const { mounts, files } = await containerMounts(spec, mounted, env);
  const { uid = "", namespace = "", name = "" } = pod.metadata ?? {};
  const rootPath = rootDir(podsDir, uid, spec.name, attempt);
  const logDir = containerLogDir(logsDir, pod, spec.name);
  await Promise.all([
    makeEmpty(rootPath),
    Deno.mkdir(logDir, { recursive: true, mode: 0o700 }),
  ]);
  for (const file of files) await placeFile(file, rootPath);
  return {
    id: randomId(),
    pod: { uid, namespace, name },
    container: spec.name,
    attempt,
    module: image.module,
    argv: argvOf(spec, image, env),
    env: { ...(image.imageEnv ?? {}), ...env },
    ...(spec.workingDir === undefined ? {} : { workingDir: spec.workingDir }),
    rootPath,
    ...(spec.securityContext?.readOnlyRootFilesystem === true ? { readOnlyRoot: true } : {}),
    mounts,
    logPath: `${logDir}/${attempt}.log`,
    limits: memoryLimit(spec),
    ...(runtimeHandler === undefined ? {} : { runtimeHandler }),
  };
}

/** Makes a folder that is surely new: what an attempt before has left could hold links. */
async function makeEmpty(path: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    await removeTree(path);
    await Deno.mkdir(path, { mode: 0o700 });
  }
}

/**
 * `[...command, ...args]`. Without a command the image's entry point, else its module's name; without
 * args what the image says in their place.
 */
function argvOf(
  spec: Container,
  image: ImageOnDisk,
  env: Readonly<Record<string, string>>,
): string[] {
  const { command, args } = expandArgs(spec.command, spec.args, env);
  if (command.length > 0) return [...command, ...args];
  const program = image.entrypoint ?? [image.moduleName];
  return [...program, ...(spec.args === undefined ? image.cmd ?? [] : args)];
}

function memoryLimit(spec: Container): ContainerRun["limits"] {
  const text = spec.resources?.limits?.memory;
  if (text === undefined || text === "0") return {};
  return { memoryBytes: quantityBytes(parseQuantity(text)) };
}

// A single file in a volume (subPath) is never updated, so a copy serves; see docs/volumes.
async function placeFile(
  { hostPath, guestPath }: ContainerMount,
  rootPath: string,
): Promise<void> {
  const to = join(rootPath, guestPath);
  const refused = `Cannot mount file "${hostPath}" at "${guestPath}"`;
  if (!to.startsWith(`${join(rootPath)}${sep}`)) {
    throw new KubeletError("container_config", `${refused}: that is not below the root`);
  }
  try {
    await Deno.mkdir(dirname(to), { recursive: true });
    await Deno.copyFile(hostPath, to);
  } catch (error) {
    throw new KubeletError("container_config", refused, { cause: error });
  }
}

function randomId(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}
