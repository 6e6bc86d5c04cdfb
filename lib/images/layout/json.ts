/**
 * Reading JSON that nobody vouches for.
 *
 * @module
 */
import { PullFailure } from "../oci/failure.ts";

/** The object in these bytes. Throws a `PullFailure` for anything else. */
export function parseJson(bytes: Uint8Array): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isObject(body)) return body;
  } catch {
    // Said below: it is of no use to know where the text stops being JSON.
  }
  throw new PullFailure("its manifest or config is not a JSON object; push it again");
}

/** True for an object that is no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The texts in a list; none if it is no list. */
export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** `os/architecture` of a platform object. */
export function platformOf({ os, architecture }: Record<string, unknown>): string | undefined {
  return typeof os === "string" && typeof architecture === "string"
    ? `${os}/${architecture}`
    : undefined;
}
