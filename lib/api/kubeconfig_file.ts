/**
 * The kubeconfig format: from text to checked entries, and several files as one.
 *
 * @module
 */
import { KubeletError, messageOf } from "../errors.ts";

/** One named entry, and where it was written: paths in it are relative to that folder. */
export interface Entry {
  readonly name: string;
  readonly file: string;
  /** The entry's own settings, as `server` or `client-key-data`. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A kubeconfig whose shape has been checked, but whose names may lead nowhere. */
export interface Kubeconfig {
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, Entry>;
  readonly users: ReadonlyMap<string, Entry>;
  readonly contexts: ReadonlyMap<string, Entry>;
}

/**
 * Reads a kubeconfig, YAML or JSON. `file` is for messages and relative paths.
 *
 * Throws {@linkcode KubeletError} `invalid` that names the file and what is wrong with it.
 */
export async function parseKubeconfig(text: string, file: string): Promise<Kubeconfig> {
  const root = asRecord(await parseText(text, file));
  if (root === undefined) throw invalid(file, "it is not a mapping");
  if (root["kind"] !== undefined && root["kind"] !== "Config") {
    throw invalid(file, `its kind is ${JSON.stringify(root["kind"])}, not "Config"`);
  }
  const current = root["current-context"];
  if (current !== undefined && current !== null && typeof current !== "string") {
    throw invalid(file, "current-context is not a text");
  }
  return {
    currentContext: current === null || current === "" ? undefined : current,
    clusters: entries(root["clusters"], { file, list: "clusters", key: "cluster" }),
    users: entries(root["users"], { file, list: "users", key: "user" }),
    contexts: entries(root["contexts"], { file, list: "contexts", key: "context" }),
  };
}

/** Joins files as kubectl does: of each name, and of current-context, the first file's counts. */
export function mergeKubeconfigs(configs: readonly Kubeconfig[]): Kubeconfig {
  const first = (pick: (config: Kubeconfig) => ReadonlyMap<string, Entry>): Map<string, Entry> =>
    new Map([...configs].reverse().flatMap((config) => [...pick(config)]));
  return {
    currentContext: configs.find((config) => config.currentContext !== undefined)?.currentContext,
    clusters: first((config) => config.clusters),
    users: first((config) => config.users),
    contexts: first((config) => config.contexts),
  };
}

/** A setting that is a text; `undefined` if it is absent or empty. Throws if it is no text. */
export function textSetting(entry: Entry, key: string): string | undefined {
  const value = entry.settings[key];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  throw invalid(entry.file, `${key} of "${entry.name}" is not a text; put it into quotes`);
}

/** A setting that is true or false; absent is false. Throws if it is neither. */
export function flagSetting(entry: Entry, key: string): boolean {
  const value = entry.settings[key];
  if (value === undefined || value === null) return false;
  if (typeof value === "boolean") return value;
  throw invalid(entry.file, `${key} of "${entry.name}" is neither true nor false`);
}

/** The value if it is a mapping. */
export function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? { ...value }
    : undefined;
}

/** The error of everything that is wrong with a kubeconfig. */
export function invalid(file: string, state: string, cause?: unknown): KubeletError {
  return new KubeletError("invalid", `Cannot use kubeconfig "${file}": ${state}`, { cause });
}

async function parseText(text: string, file: string): Promise<unknown> {
  try {
    if (text.trimStart().startsWith("{")) return JSON.parse(text);
  } catch {
    // It may still be YAML's flow style, whose parser also has the better message.
  }
  try {
    const { parse } = await import("yaml");
    return parse(text);
  } catch (error) {
    throw invalid(file, `it is neither YAML nor JSON: ${messageOf(error)}`, error);
  }
}

function entries(
  value: unknown,
  { file, list, key }: { file: string; list: string; key: string },
): Map<string, Entry> {
  const found = new Map<string, Entry>();
  if (value === undefined || value === null) return found;
  if (!Array.isArray(value)) throw invalid(file, `${list} is not a list`);
  for (const [i, item] of value.entries()) {
    const record = asRecord(item);
    const name = record?.["name"];
    // An empty user is a person without credentials, which is legal.
    const settings = asRecord(record?.[key] ?? {});
    if (typeof name !== "string" || settings === undefined) {
      throw invalid(file, `${list}[${i}] is not a name with a ${key}`);
    }
    if (!found.has(name)) found.set(name, { name, file, settings });
  }
  return found;
}
