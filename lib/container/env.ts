/**
 * The environment of a container, as a kubelet computes it.
 *
 * @module
 */
import type { ObjectSource } from "../api/object_source.ts";
import type { Container, EnvFromSource, EnvVar, KeySelector, Pod } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";
import { type FieldFacts, fieldValue, findContainer, resourceFieldValue } from "../fields.ts";
import { expandReferences } from "../volumes/expand.ts";
import { PodObjects, secretData } from "../volumes/objects.ts";
import type { MountedVolume } from "../volumes/volume.ts";
import { readEnvFile } from "./env_file.ts";

type Env = Readonly<Record<string, string>>;

/** What {@linkcode resolveEnv} works with. */
export interface EnvOptions {
  readonly pod: Pod;
  readonly container: Container;
  readonly facts: FieldFacts;
  readonly objects: ObjectSource;
  /** Variables of the services of the pod's namespace. @default {none} */
  readonly serviceEnv?: Env;
  /** The pod's volumes by name, for variables of files. @default {none} */
  readonly volumes?: ReadonlyMap<string, MountedVolume>;
  readonly signal: AbortSignal;
}

/**
 * Resolves all variables: those of services, then `envFrom` in its order, then `env` in its order,
 * later ones replacing earlier ones. `$(NAME)` in a value of `env` refers to what was set before it.
 *
 * Throws a {@linkcode KubeletError} with code `container_config` for a source that is missing and not
 * optional, or that cannot be read at the moment.
 */
export async function resolveEnv(options: EnvOptions): Promise<Record<string, string>> {
  const { pod, container, objects, serviceEnv = {}, signal } = options;
  const sources = new PodObjects(pod, objects, signal);
  const env = new Map(Object.entries(serviceEnv));
  try {
    for (const source of container.envFrom ?? []) {
      const prefix = source.prefix ?? "";
      for (const [key, value] of await allOf(source, sources)) {
        // Any name that can be represented is good enough since Kubernetes 1.34.
        if (isRepresentable(prefix + key)) env.set(prefix + key, checkedValue(prefix + key, value));
      }
    }
    for (const variable of container.env ?? []) {
      const { name } = variable;
      if (!isRepresentable(name)) throw configError(`Cannot set variable "${name}": invalid name`);
      const value = variable.value
        ? expandReferences(variable.value, (reference) => env.get(reference))
        : await valueFrom(variable, { ...options, sources });
      if (value !== undefined) env.set(name, checkedValue(name, value));
    }
  } catch (error) {
    signal.throwIfAborted();
    throw configError(messageOf(error), error);
  }
  return Object.fromEntries(env);
}

/** Expands `$(NAME)` and `$$` in a text; names that are not in `env` stay as they are written. */
export function expand(text: string, env: Env): string {
  return expandReferences(text, (name) => Object.hasOwn(env, name) ? env[name] : undefined);
}

/** Expands `command` and `args` of a container; an absent one is empty. */
export function expandArgs(
  command: readonly string[] | undefined,
  args: readonly string[] | undefined,
  env: Env,
): { command: string[]; args: string[] } {
  return {
    command: (command ?? []).map((text) => expand(text, env)),
    args: (args ?? []).map((text) => expand(text, env)),
  };
}

/**
 * The container with `$(NAME)` expanded in the commands of its probes. As a kubelet does it there, only plain
 * values of `env` count, just as they are written; one that comes from elsewhere is empty. Commands of hooks
 * are not expanded.
 */
export function expandProbes(spec: Container): Container {
  const env = Object.fromEntries((spec.env ?? []).map(({ name, value = "" }) => [name, value]));
  const probes = PROBES.flatMap((kind) => {
    const probe = spec[kind];
    const command = probe?.exec?.command;
    if (command === undefined) return [];
    const exec = { command: command.map((text) => expand(text, env)) };
    return [[kind, { ...probe, exec }] as const];
  });
  return { ...spec, ...Object.fromEntries(probes) };
}

const PROBES = ["startupProbe", "livenessProbe", "readinessProbe"] as const;

/** All variables of one `envFrom` source. */
async function allOf(
  source: EnvFromSource,
  sources: PodObjects,
): Promise<Iterable<[string, string | Uint8Array]>> {
  if (source.configMapRef) {
    const { name = "", optional = false } = source.configMapRef;
    const configMap = await sources.configMap(name);
    if (configMap === undefined && !optional) throw configError(`configmap "${name}" not found`);
    return Object.entries(configMap?.data ?? {});
  }
  if (source.secretRef) {
    const { name = "", optional = false } = source.secretRef;
    const secret = await sources.secret(name);
    if (secret === undefined && !optional) throw configError(`secret "${name}" not found`);
    return secret === undefined ? [] : secretData(secret);
  }
  throw configError("Cannot read envFrom: neither configMapRef nor secretRef is set");
}

/** The value of one variable that states none; `undefined` leaves the variable as it was. */
async function valueFrom(
  { name, valueFrom: source }: EnvVar,
  { pod, container, facts, sources, volumes = new Map() }: EnvOptions & { sources: PodObjects },
): Promise<string | Uint8Array | undefined> {
  if (!source) return "";
  if (source.fieldRef) return fieldValue(pod, source.fieldRef.fieldPath, facts);
  if (source.resourceFieldRef) {
    const { containerName } = source.resourceFieldRef;
    const of = containerName ? findContainer(pod, containerName) : container;
    return resourceFieldValue(of, source.resourceFieldRef, facts.allocatable);
  }
  if (source.configMapKeyRef) return await configMapKey(source.configMapKeyRef, sources);
  if (source.secretKeyRef) return await secretKey(source.secretKeyRef, sources);
  if (source.fileKeyRef) return await readEnvFile(source.fileKeyRef, volumes);
  throw configError(
    `Cannot set variable "${name}": valueFrom "${Object.keys(source)}" is not supported; ` +
      `supported: fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef`,
  );
}

async function configMapKey(
  { name = "", key, optional = false }: KeySelector,
  sources: PodObjects,
): Promise<string | undefined> {
  const configMap = await sources.configMap(name);
  if (configMap === undefined && !optional) throw configError(`configmap "${name}" not found`);
  const data = configMap?.data ?? {};
  if (Object.hasOwn(data, key)) return data[key];
  if (optional) return undefined;
  throw configError(`couldn't find key ${key} in ConfigMap ${sources.namespace}/${name}`);
}

async function secretKey(
  { name = "", key, optional = false }: KeySelector,
  sources: PodObjects,
): Promise<Uint8Array | undefined> {
  const secret = await sources.secret(name);
  if (secret === undefined && !optional) throw configError(`secret "${name}" not found`);
  const value = secret === undefined ? undefined : secretData(secret).get(key);
  if (value !== undefined || optional) return value;
  throw configError(`couldn't find key ${key} in Secret ${sources.namespace}/${name}`);
}

function isRepresentable(name: string): boolean {
  return name !== "" && !/[=\0]/.test(name);
}

/** The value as text. No runtime can pass on a zero byte or bytes that are not UTF-8. */
function checkedValue(name: string, value: string | Uint8Array): string {
  const text = typeof value === "string" ? value : decode(value);
  if (text === undefined || text.includes("\0")) {
    throw configError(`Cannot set variable "${name}": its value is not UTF-8 text`);
  }
  return text;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function configError(message: string, cause?: unknown): KubeletError {
  return cause instanceof KubeletError && cause.code === "container_config"
    ? cause
    : new KubeletError("container_config", message, { cause });
}
