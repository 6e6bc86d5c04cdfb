/**
 * Reads the config file: one JSON object.
 *
 * @module
 */
import { KubeletError, messageOf } from "../errors.ts";
import type { OptionTable } from "./option.ts";
import { didYouMean } from "./suggest.ts";

/** A config file that was read. Its values are not checked yet. */
export interface ConfigFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Parses the text of a config file.
 *
 * @throws {KubeletError} `invalid`, naming file and position, if it is no JSON object.
 */
export function parseConfigFile(path: string, content: string): ConfigFile {
  // Editors on Windows like to put a byte order mark in front.
  const json = content.replace(/^\uFEFF/, "");
  let values: unknown;
  try {
    values = JSON.parse(json);
  } catch (cause) {
    throw new KubeletError("invalid", `Cannot read config file "${path}": ${explain(json, cause)}`);
  }
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new KubeletError(
      "invalid",
      `Cannot read config file "${path}": it holds no JSON object; begin it with "{"`,
    );
  }
  return { path, values: { ...values } };
}

/**
 * Refuses keys that no option has: a key that is silently ignored is a setting that never works.
 *
 * @throws {KubeletError} `invalid`, naming the key and the one that was probably meant.
 */
export function checkKeys(file: ConfigFile, table: OptionTable): void {
  const known = Object.values(table).flatMap(({ key }) => key === undefined ? [] : [key]);
  for (const key of Object.keys(file.values)) {
    if (known.includes(key)) continue;
    throw new KubeletError(
      "invalid",
      `Cannot use key "${key}" in ${file.path}: there is no such key.` +
        (didYouMean(key, known) || ` The keys are: ${known.join(", ")}`),
    );
  }
}

/** The engine's own words; where they lack the position, it is added. */
function explain(json: string, cause: unknown): string {
  const message = messageOf(cause);
  if (/\(line \d+ column \d+\)/.test(message)) return message;
  const before = json.slice(0, errorAt(json)).split("\n");
  return `${message} (line ${before.length} column ${before.at(-1)!.length + 1})`;
}

/**
 * Where the unexpected token stands: the longest beginning of the text that does not have it. An
 * end that comes too early stands at the end.
 */
function errorAt(json: string): number {
  let [good, bad] = [0, json.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (hasUnexpectedToken(json.slice(0, middle))) bad = middle;
    else good = middle;
  }
  return good;
}

function hasUnexpectedToken(json: string): boolean {
  try {
    JSON.parse(json);
    return false;
  } catch (error) {
    return /^Unexpected (token|non-whitespace)/.test(messageOf(error));
  }
}
