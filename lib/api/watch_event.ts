/**
 * One line of a watch, read.
 *
 * @module
 */
import { ApiError } from "./api_error.ts";
import type { KubeObject } from "./types.ts";

/** What a line of a watch says. */
export type WatchEvent<T extends KubeObject> =
  | { readonly type: "applied"; readonly object: T }
  | { readonly type: "deleted"; readonly object: T }
  /** Only the resource version is news. */
  | { readonly type: "bookmark"; readonly object: T }
  /** A kind of event that this program does not know. */
  | { readonly type: "unknown" };

/**
 * Reads one line. Throws {@linkcode ApiError} for an `ERROR` event, and another error for a line
 * that is no event: half of one, or a proxy's page.
 */
export function parseWatchEvent<T extends KubeObject>(line: string, path: string): WatchEvent<T> {
  const event = parseLine(line, path);
  const object = event.object as T;
  switch (event.type) {
    case "ADDED":
    case "MODIFIED":
      return { type: "applied", object };
    case "DELETED":
      return { type: "deleted", object };
    case "BOOKMARK":
      return { type: "bookmark", object };
    case "ERROR":
      throw new ApiError({
        method: "WATCH",
        path,
        status: "code" in object && typeof object.code === "number" ? object.code : 500,
        body: JSON.stringify({ kind: "Status", ...object }),
      });
    default:
      return { type: "unknown" };
  }
}

function parseLine(line: string, path: string): { type: string; object: object } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw notAnEvent(line, path, { cause: error });
  }
  if (
    typeof value !== "object" || value === null ||
    !("type" in value) || typeof value.type !== "string" ||
    !("object" in value) || typeof value.object !== "object" || value.object === null
  ) throw notAnEvent(line, path);
  return { type: value.type, object: value.object };
}

/** Characters of a strange line that go into the message. */
const EXCERPT_CHARS_MAX = 100;

function notAnEvent(line: string, path: string, options?: ErrorOptions): Error {
  const words = line.slice(0, EXCERPT_CHARS_MAX);
  return new Error(`Cannot watch "${path}": a line is not a watch event: ${words}`, options);
}
