/**
 * Reads what `krustlet run` is given: manifests, or a bare Wasm module.
 *
 * @module
 */
import type { ConfigMap, KubeObject, Pod, Secret } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";
import { objectsIn } from "../object_text.ts";
import { podProblem } from "../pod/pod_problem.ts";
import { completePod } from "./defaults.ts";

/** Everything that the given files hold. */
export interface Manifest {
  /** With the API server's defaults and a UID each, in the order in which they were read. */
  readonly pods: readonly Pod[];
  /** What pods may name; in namespace `default` unless they say otherwise. */
  readonly configMaps: readonly ConfigMap[];
  /** Like the ConfigMaps; `stringData` is as it was written. */
  readonly secrets: readonly Secret[];
}

/** Bytes of a manifest file: the API server itself takes no object over 1.5 MiB. */
const MANIFEST_BYTES_MAX = 16 * 1024 * 1024;
/** How every Wasm binary begins: NUL and "asm". */
const WASM_MAGIC = [0x00, 0x61, 0x73, 0x6d];

/**
 * Reads manifests (YAML or JSON, several documents, Lists) and Wasm modules.
 *
 * A module becomes a pod of one container that never restarts, with `moduleArgs` as its arguments.
 * Relative `file:` images are looked for beside the manifest. Throws a {@linkcode KubeletError}
 * with code `invalid` that names the file and the place.
 */
export async function readManifests(
  paths: readonly string[],
  moduleArgs: readonly string[] = [],
): Promise<Manifest> {
  const found = { pods: [] as Pod[], configMaps: [] as ConfigMap[], secrets: [] as Secret[] };
  for (const path of paths) {
    const bytes = await read(path);
    if (isWasm(bytes, path)) {
      found.pods.push(modulePod(await Deno.realPath(path), moduleArgs));
      continue;
    }
    if (moduleArgs.length > 0) {
      throw invalid(path, "arguments after -- go to a .wasm module; a manifest has its own args");
    }
    const folder = path === "-" ? Deno.cwd() : parent(await Deno.realPath(path));
    for (const object of objectsOf(path, new TextDecoder().decode(bytes))) {
      sort(path, object, folder, found);
    }
  }
  if (found.pods.length === 0) throw invalid(paths.join(", "), "there is no Pod in it");
  refuseTwins(found.pods);
  return found;
}

function isWasm(bytes: Uint8Array, path: string): boolean {
  return WASM_MAGIC.every((byte, index) => bytes[index] === byte) || path.endsWith(".wasm");
}

function modulePod(path: string, args: readonly string[]): Pod {
  const file = path.slice(path.replaceAll("\\", "/").lastIndexOf("/") + 1);
  const name = file.replace(/\.wasm$/, "").toLowerCase().replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "") || "module";
  return completePod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: name.slice(0, 63) },
    spec: {
      restartPolicy: "Never",
      containers: [{
        name: name.slice(0, 63),
        image: `file:${path}`,
        ...(args.length === 0 ? {} : { args: [...args] }),
      }],
    },
  });
}

function objectsOf(path: string, text: string): KubeObject[] {
  try {
    return [...objectsIn(text)];
  } catch (error) {
    throw invalid(path, messageOf(error));
  }
}

function sort(
  path: string,
  object: KubeObject,
  folder: string,
  found: { pods: Pod[]; configMaps: ConfigMap[]; secrets: Secret[] },
): void {
  const name = object.metadata?.name;
  if (name === undefined || name === "") {
    throw invalid(path, `a ${object.kind ?? "document"} has no metadata.name`);
  }
  const metadata = { namespace: "default", ...object.metadata };
  switch (object.kind) {
    case "Pod":
      found.pods.push(absoluteImages(checkPod(path, completePod(object)), folder));
      break;
    case "ConfigMap":
      found.configMaps.push({ ...object, metadata });
      break;
    case "Secret":
      found.secrets.push({ ...object, metadata });
      break;
    default:
      throw invalid(
        path,
        `${object.kind} "${name}" needs a cluster; without one, Pods run, and ConfigMaps and \
Secrets beside them are used`,
      );
  }
}

function checkPod(path: string, pod: Pod): Pod {
  const problem = podProblem(pod);
  if (problem !== undefined) throw invalid(path, problem);
  return pod;
}

function absoluteImages(pod: Pod, folder: string): Pod {
  for (const container of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) {
    const path = /^file:(?!\/|[a-zA-Z]:[\\/])(.+)$/.exec(container.image ?? "")?.[1];
    if (path !== undefined) container.image = `file:${folder}/${path.replace(/^\.\//, "")}`;
  }
  return pod;
}

function refuseTwins(pods: readonly Pod[]): void {
  const seen = new Set<string>();
  for (const { metadata } of pods) {
    const key = `${metadata?.namespace}/${metadata?.name}`;
    if (seen.has(key)) {
      throw new KubeletError("invalid", `Cannot run pod "${key}": it is there twice`);
    }
    seen.add(key);
  }
}

async function read(path: string): Promise<Uint8Array> {
  try {
    if (path === "-") return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
    const { size } = await Deno.stat(path);
    // A module may be large and is not read here: its first bytes tell what it is.
    if (size > MANIFEST_BYTES_MAX) return await head(path);
    return await Deno.readFile(path);
  } catch (error) {
    const state = error instanceof Deno.errors.NotFound ? "no such file" : String(error);
    throw new KubeletError("invalid", `Cannot read "${path}": ${state}`, { cause: undefined });
  }
}

async function head(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(WASM_MAGIC.length);
  await file.read(bytes);
  if (!isWasm(bytes, path)) {
    throw new Error(`larger than ${MANIFEST_BYTES_MAX} bytes, so it is no manifest`);
  }
  return bytes;
}

function parent(path: string): string {
  const slash = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return slash <= 0 ? "/" : path.slice(0, slash);
}

function invalid(path: string, state: string): KubeletError {
  return new KubeletError("invalid", `Cannot use "${path}": ${state}`);
}
