/**
 * Values of the commands that push and pull images.
 *
 * @module
 */
import type { Kind } from "./option.ts";
import { textKind } from "./kinds.ts";

/** Keys that the OCI image specification defines, without their prefix. */
const OCI_KEYS: ReadonlySet<string> = new Set([
  "authors",
  "created",
  "description",
  "documentation",
  "licenses",
  "revision",
  "source",
  "title",
  "url",
  "vendor",
  "version",
]);
const OCI_PREFIX = "org.opencontainers.image.";
/** The last second of the year 9999: what RFC 3339 can write. */
const SECONDS_MAX = 253_402_300_799;

/**
 * One annotation `KEY=VALUE`; a flag that is given again adds one. A key that the OCI image specification
 * defines may stand without its prefix, as `version`.
 */
export const annotation: Kind<Readonly<Record<string, string>>> = {
  ...textKind("KEY=VALUE", "KEY=VALUE, as version=1.2.0 or dev.example.team=blue", (text) => {
    const at = text.indexOf("=");
    const key = text.slice(0, Math.max(at, 0)).trim();
    if (key === "") throw new RangeError("it has no key with = behind it");
    return { [OCI_KEYS.has(key) ? `${OCI_PREFIX}${key}` : key]: text.slice(at + 1) };
  }),
  toText: (value) => Object.entries(value).map(([key, entry]) => `${key}=${entry}`).join(" "),
  join: (earlier, later) => ({ ...earlier, ...later }),
};

/** A point in time in milliseconds since 1970: whole seconds since then, or RFC 3339. */
export const time: Kind<number> = {
  ...textKind("TIME", "seconds since 1970, or a time as 2030-01-31T12:00:00Z", (text) => {
    const seconds = /^\d{1,12}$/.test(text)
      ? Number(text)
      : /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)
      ? Math.floor(Date.parse(text) / 1_000)
      : NaN;
    if (!(seconds >= 0 && seconds <= SECONDS_MAX)) throw new RangeError("it is no such time");
    return seconds * 1_000;
  }),
  toText: (ms) => new Date(ms).toISOString(),
};

/** Where the result of a pull goes, and how it is printed. */
export interface PullOutput {
  readonly path?: string;
  readonly json?: boolean;
}

/**
 * A path, or one of the words `json` and `text` for how the result is printed; both can be given, one
 * after the other.
 */
export const pullOutput: Kind<PullOutput> = {
  ...textKind(
    "FILE|DIR|json|text",
    "a file, a folder, json or text",
    (text): PullOutput =>
      text === "json" || text === "text" ? { json: text === "json" } : { path: text },
  ),
  toText: ({ path, json }) => path ?? (json === true ? "json" : "text"),
  join: (earlier, later) => ({ ...earlier, ...later }),
};
