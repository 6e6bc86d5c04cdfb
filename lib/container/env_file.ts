/**
 * Variables from files that another container of the pod has written (KEP-3721).
 *
 * @module
 */
import type { FileKeySelector } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { hold } from "../hold.ts";
import { resolveSubPath } from "../volumes/sub_path.ts";
import type { MountedVolume } from "../volumes/volume.ts";

/** Bytes of a file of variables: as many as a ConfigMap may have. A guest has written it. */
export const ENV_FILE_BYTES_MAX = 1024 * 1024;

/**
 * The value of a key in a file of one of the pod's volumes. With `optional`, `undefined` if there is no such
 * file or key.
 *
 * Throws a {@linkcode KubeletError} with code `container_config` for a key, file or volume that is missing, a
 * file that is too large or malformed, and one outside of the volume.
 */
export async function readEnvFile(
  { volumeName, path, key, optional = false }: FileKeySelector,
  volumes: ReadonlyMap<string, MountedVolume>,
): Promise<string | undefined> {
  const volume = volumes.get(volumeName);
  if (volume === undefined) {
    throw configError(`cannot find the volume "${volumeName}" referenced by FileKeyRef`);
  }
  const text = await readText(volume, path);
  const value = text === undefined ? undefined : parseEnvFile(text, { key, path });
  if (value !== undefined || optional) return value;
  throw configError(`environment variable key "${key}" not found in file "${path}"`);
}

/**
 * The value of a key in a file of lines `KEY='value'`: the first one counts, and nothing behind it is looked
 * at. Within the quotes everything stands for itself, line ends too; behind them may be a comment. Blank lines
 * and lines that begin with `#` are skipped. Without quotes right behind `=` the value is empty, as a shell
 * would have it, if a blank follows. `undefined` if the key is not there.
 *
 * Throws a {@linkcode KubeletError} with code `container_config` for a line that is malformed.
 */
export function parseEnvFile(
  text: string,
  { key, path }: { readonly key: string; readonly path: string },
): string | undefined {
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const number = at + 1;
    const refuse = (why: string): never => {
      throw configError(`couldn't parse env file "${path}": line ${number}: ${why}`);
    };
    const line = (lines[at] ?? "").replace(/^[ \t]+/, "");
    if (line === "" || line.startsWith("#")) continue;
    const [, name, written] = /^([^=]*)=(.*)$/.exec(line) ?? refuse("missing '='");
    if (name === undefined || name === "") return refuse("empty variable name");
    if (/[ \t]$/.test(name)) return refuse("whitespace before '=' is not allowed");
    let value = written ?? "";
    if (/^[ \t]/.test(value)) {
      if (name === key) return "";
      continue;
    }
    if (!value.startsWith("'")) return refuse("value must be enclosed in single quotes");
    value = value.slice(1);
    const first = at;
    for (let last = value; !last.includes("'");) {
      const next = lines[++at];
      if (next === undefined) return refuse("unclosed single quote");
      last = next;
    }
    // Joined once: a file may be one value of a million lines.
    value = [value, ...lines.slice(first + 1, at + 1)].join("\n");
    const end = value.indexOf("'");
    if (!/^[ \t]*(#|$)/.test(value.slice(end + 1))) {
      return refuse("unexpected content after closing quote");
    }
    if (name === key) return value.slice(0, end);
  }
  return undefined;
}

/** The file's text, or nothing if it is not there. What a guest has put in its place is not followed. */
async function readText(
  { hostPath: volume }: MountedVolume,
  path: string,
): Promise<string | undefined> {
  const refuse = (why: string): never => {
    throw configError(`cannot read env file "${path}": ${why}`);
  };
  if (await isMissing(volume, path)) return undefined;
  const { hostPath } = await resolveSubPath(volume, path, { create: false });
  await using held = await hold(hostPath);
  if (held.path !== hostPath) refuse("it was swapped while it was read");
  if (held.kind !== "file") refuse("it is no regular file");
  const file = await held.openFile();
  try {
    const bytes = new Uint8Array(ENV_FILE_BYTES_MAX + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
      if (length > ENV_FILE_BYTES_MAX) refuse(`it has more than ${ENV_FILE_BYTES_MAX} bytes`);
    }
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(0, length),
    );
  } catch (error) {
    if (error instanceof TypeError) return refuse("it is not UTF-8 text");
    throw error;
  } finally {
    await file.close();
  }
}

async function isMissing(volume: string, path: string): Promise<boolean> {
  try {
    await Deno.lstat(`${volume}/${path}`);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

function configError(message: string): KubeletError {
  return new KubeletError("container_config", message);
}
