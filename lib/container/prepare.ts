/**
 * From a container's spec to everything that one run of it needs.
 *
 * @module
 */
import type { Container, Pod } from "../api/types.ts";
import type { ImageOnDisk } from "../images/images.ts";
import type { ContainerRun } from "../provider.ts";
import { parseQuantity, quantityBytes } from "../quantity.ts";
import { containerMounts } from "../volumes/mounts.ts";
import type { MountedVolume } from "../volumes/volume.ts";
import { cpuLimitMillis } from "./cpu_limit.ts";
import { expandArgs, resolveEnv } from "./env.ts";
import { hostFiles, hostnameSeen, placeHostFiles } from "./host_files.ts";
import { containerLogDir, namesDir, rootDir, wordsDir } from "./places.ts";
import { checkNonRoot } from "./non_root.ts";
import { placeFile } from "./place_file.ts";
import { findProgram } from "./program.ts";
import { makeRoot, mountsThroughLinks, placeInRoot } from "./root.ts";
import { sharedNames } from "./shared_names.ts";
import { resolveServiceEnv } from "./service_env.ts";
import { type ContainerServices, factsOf } from "./services.ts";
import { targetMounts } from "./target.ts";
import { terminationFolder } from "./termination_message.ts";
import { insidePath, isInImage, makeWorkingDir, workingDirOf } from "./working_dir.ts";

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
 * Throws a `KubeletError` with code `container_config` if something that the spec names
 * is missing, which may appear later; and with code `entrypoint` if the image holds no such program.
 */
export async function prepareRun(
  services: ContainerServices,
  { pod, spec, image, mounted, attempt, runtimeHandler, signal }: Preparation,
): Promise<ContainerRun> {
  const { objects, networks, podsDir, logsDir } = services;
  const facts = factsOf(services, pod.metadata?.uid ?? "");
  checkNonRoot(pod, { spec, image });
  const serviceEnv = await resolveServiceEnv(pod, { objects, signal });
  const env = await resolveEnv({
    pod,
    container: spec,
    facts,
    objects,
    serviceEnv,
    volumes: mounted,
    signal,
  });
  const { mounts: wanted, files } = await containerMounts(spec, mounted, env);
  const mounts = [
    ...mountsThroughLinks(wanted, image.tree),
    ...targetMounts(spec, { uid: pod.metadata?.uid ?? "", running: services.running }),
  ];
  const { uid = "", namespace = "", name = "" } = pod.metadata ?? {};
  // As container runtimes do it: below all that anybody says, and unknown to `$(HOSTNAME)`.
  const program: ContainerRun["env"] = { HOSTNAME: hostnameSeen(pod), ...image.imageEnv, ...env };
  const argv = argvOf(spec, image, env);
  const workingDir = workingDirOf(spec, image);
  const module = findProgram(image, {
    name: argv[0],
    path: program["PATH"],
    workingDir: workingDir ?? "/",
  });
  const readOnlyRoot = spec.securityContext?.readOnlyRootFilesystem === true ||
    image.tree?.readOnly === true;
  const names = await hostFiles(pod, {
    podIPs: facts.podIPs,
    mounts: [...mounts, ...files],
    resolvConf: await networks?.resolvConf?.(pod),
    clusterDomain: networks?.clusterDomain,
  });
  const aliases = (pod.spec?.hostAliases ?? []).length > 0;
  const network = networks?.guest(uid, spec.name);
  const logDir = containerLogDir(logsDir, pod, spec.name);
  await Deno.mkdir(logDir, { recursive: true, mode: 0o700 });
  const own = rootDir(podsDir, uid, spec.name, attempt);
  const root = await makeRoot({
    own,
    tree: image.tree,
    readOnly: readOnlyRoot && files.length === 0 && !aliases &&
      // A copy of data, which may be large, is too much for a folder.
      (workingDir === undefined || image.tree?.readOnly === true ||
        isInImage(workingDir, { tree: image.tree, mounts })),
    mountPaths: mounts.map(({ guestPath }) => guestPath),
    signal,
  });
  const rootPath = await Deno.realPath(root); // whoever opens it follows no link
  const words = terminationFolder(spec, mounts);
  const lastWords = words !== undefined && readOnlyRoot && !holdsFiles(image.tree, words)
    ? [await wordsMount(words, own)]
    : [];
  // A root that is shared with other pods has nobody's names in it: they are mounted over it.
  const shared = root === own ? undefined : await sharedNames(names, {
    path: namesDir(own),
    tree: image.tree,
    mountPaths: [...mounts, ...lastWords].map(({ guestPath }) => guestPath),
    signal,
  });
  await Promise.all([
    words !== undefined && !readOnlyRoot ? makeFolderIn(rootPath, words, image.tree) : undefined,
    root === own ? placeHostFiles(names, { rootPath, tree: image.tree }) : undefined,
  ]);
  if (workingDir !== undefined) {
    await makeWorkingDir(workingDir, { rootPath, tree: image.tree, mounts });
  }
  for (const file of files) {
    const guestPath = placeInRoot(file.guestPath, image.tree);
    await placeFile({ ...file, guestPath }, { rootPath, signal });
  }
  return {
    id: randomId(),
    pod: { uid, namespace, name },
    container: spec.name,
    attempt,
    module,
    argv: argv.length > 0 ? argv : [module.path.slice(module.path.lastIndexOf("/") + 1)],
    env: program,
    ...(workingDir === undefined ? {} : { workingDir }),
    rootPath,
    ...(readOnlyRoot ? { readOnlyRoot } : {}),
    mounts: [...mounts, ...lastWords, ...(shared === undefined ? [] : [shared])],
    logPath: `${logDir}/${attempt}.log`,
    ...(spec.tty === true ? { tty: true } : {}),
    ...(spec.tty === true || spec.stdin === true ? { promptly: true } : {}),
    limits: limitsOf(spec, pod),
    ...(runtimeHandler === undefined ? {} : { runtimeHandler }),
    ...(network === undefined ? {} : { network }),
  };
}

/**
 * `[...command, ...args]`. Without a command the image's entry point, else its module's name if it has a
 * module of its own; without args what the image says in their place. Empty if nobody says anything.
 */
function argvOf(
  spec: Container,
  image: ImageOnDisk,
  env: Readonly<Record<string, string>>,
): string[] {
  const { command, args } = expandArgs(spec.command, spec.args, env);
  if (command.length > 0) return [...command, ...args];
  const program = image.entrypoint ?? (image.module === undefined ? [] : [image.moduleName]);
  return [...program, ...(spec.args === undefined ? image.cmd ?? [] : args)];
}

/** Makes the folder of the last words, through no link of the image that leads elsewhere. */
async function makeFolderIn(
  rootPath: string,
  folder: string,
  tree: ImageOnDisk["tree"],
): Promise<void> {
  const place = tree === undefined ? insidePath(folder).slice(1) : tree.index.place(folder);
  // Not worth a start: a guest that wants to leave words finds that it cannot.
  if (place === undefined) return;
  await Deno.mkdir(`${rootPath}/${place}`, { recursive: true }).catch(() => {});
}

/** True if the image has something in this folder, which a mount would hide. */
function holdsFiles(tree: ImageOnDisk["tree"], folder: string): boolean {
  return tree?.index.entries.some(({ path }) => `/${path}`.startsWith(`${folder}/`)) ?? false;
}

/** A folder for last words over a root in which nothing can be written. */
async function wordsMount(guestPath: string, own: string): Promise<ContainerRun["mounts"][number]> {
  const path = wordsDir(own);
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  return { hostPath: await Deno.realPath(path), guestPath, readOnly: false, unlisted: true };
}

/** A container that says nothing itself can have no more than its whole pod (KEP-2837). */
function limitsOf(spec: Container, pod: Pod): ContainerRun["limits"] {
  const text = spec.resources?.limits?.["memory"] ?? pod.spec?.resources?.limits?.["memory"];
  const cpuMillis = cpuLimitMillis(spec, pod);
  return {
    ...(text === undefined || text === "0"
      ? {}
      : { memoryBytes: quantityBytes(parseQuantity(text)) }),
    ...(cpuMillis === undefined ? {} : { cpuMillis }),
  };
}

function randomId(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}
