/**
 * The kinds of values that options have.
 *
 * @module
 */
import { isIP } from "node:net";
import type { Taint } from "../api/types.ts";
import { formatDuration, parseDuration } from "../durations.ts";
import {
  checkLabels,
  formatTaint,
  parseHostname,
  parseLabels,
  parseSubdomain,
  parseTaints,
  splitList,
} from "./names.ts";
import type { Kind } from "./option.ts";

/** Any text that is not empty. */
export const text: Kind<string> = textKind("TEXT", "a text", (value) => value);

/** A file or directory; a relative one is found from the current directory. */
export const path: Kind<string> = textKind("PATH", "a path", (value) => {
  if (value.includes("\0")) throw new RangeError("it has a NUL character");
  return value;
});

/** A node's name, lower-cased. */
export const subdomain: Kind<string> = textKind(
  "NAME",
  'a DNS name of letters, digits, "-" and ".", at most 253 characters',
  parseSubdomain,
);

/** A host name, lower-cased, that fits into a label. */
export const hostname: Kind<string> = textKind(
  "NAME",
  'a DNS name of letters, digits, "-" and ".", at most 63 characters',
  parseHostname,
);

/** An IPv4 or IPv6 address. */
export const ip: Kind<string> = textKind("IP", "an IPv4 or IPv6 address", (value) => {
  if (isIP(value) === 0) throw new RangeError("it is not an IP address");
  return value;
});

/** An address that others can reach one machine by. */
export const hostIp: Kind<string> = textKind(
  "IP",
  "the IPv4 or IPv6 address of this machine",
  (value) => {
    if (isIP(value) === 0) throw new RangeError("it is not an IP address");
    if (/^(0\.0\.0\.0|::|0:0:0:0:0:0:0:0)$/.test(value)) {
      throw new RangeError("it stands for every address");
    }
    if (/^(22[4-9]|23\d)\.|^ff/i.test(value)) throw new RangeError("it is a multicast address");
    return value;
  },
);

/** `true` or `false`; the flag alone means `true`. */
export const flag: Kind<boolean> = {
  placeholder: "true|false",
  allowed: "true or false",
  alone: true,
  fromText(value): boolean {
    if (value !== "true" && value !== "false") throw new RangeError("it is neither");
    return value === "true";
  },
  fromJson(value): boolean {
    if (typeof value !== "boolean") throw new RangeError("it is no boolean");
    return value;
  },
  toText: String,
};

/** A flag that takes no value at all, as `--help`. */
export const bareFlag: Kind<boolean> = { ...flag, placeholder: "" };

/** A whole number within limits that are both included. */
export function integer(min: number, max: number, placeholder = "NUMBER"): Kind<number> {
  const check = (value: number): number => {
    if (!Number.isInteger(value)) throw new RangeError("it is not a whole number");
    if (value < min || value > max) throw new RangeError("it is out of range");
    return value;
  };
  return {
    placeholder,
    allowed: `a whole number from ${min} to ${max}`,
    fromText: (value) => check(/^[+-]?\d+$/.test(value) ? Number(value) : NaN),
    fromJson: (value) => check(typeof value === "number" ? value : NaN),
    toText: String,
  };
}

/** A TCP port; 0 takes one that is free. */
export const port: Kind<number> = integer(0, 65_535, "PORT");

/** A duration in milliseconds, within limits that are both included. */
export function duration(minMs: number, maxMs: number): Kind<number> {
  const allowed = `a duration as 10s, 1m30s or 500ms, from ${formatDuration(minMs)} to ` +
    formatDuration(maxMs);
  const read = (value: string): number => {
    const ms = parseDuration(value);
    if (ms < minMs || ms > maxMs) throw new RangeError("it is out of range");
    return ms;
  };
  return { ...textKind("DURATION", allowed, read), toText: formatDuration };
}

/** One of a few words. */
export function choice<const Word extends string>(...words: readonly Word[]): Kind<Word> {
  return textKind(words.join("|"), words.join(", "), (value) => {
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw new RangeError("it is none of them");
    return word;
  });
}

/** A comma list of texts; in the file an array. A flag that is given twice adds to the list. */
export const list: Kind<readonly string[]> = {
  placeholder: "A,B",
  allowed: "a comma list (in the file an array of texts)",
  emptyIsValue: true,
  fromText: splitList,
  fromJson(value): string[] {
    if (!Array.isArray(value)) throw new RangeError("it is no array");
    return value.map((entry: unknown) => asText(entry).trim()).filter((entry) => entry !== "");
  },
  toText: (value) => value.join(","),
  join: (earlier, later) => [...earlier, ...later],
};

/** Labels `k=v,k=v`; in the file an object. A flag that is given twice adds to them. */
export const labels: Kind<Readonly<Record<string, string>>> = {
  placeholder: "K=V,…",
  allowed: "a comma list of key=value (in the file an object of texts)",
  emptyIsValue: true,
  fromText: parseLabels,
  fromJson(value): Record<string, string> {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new RangeError("it is no object");
    }
    const read: Record<string, string> = {};
    for (const [key, entry] of Object.entries(value)) read[key] = asText(entry);
    return checkLabels(read);
  },
  toText: (value) => Object.entries(value).map(([key, entry]) => `${key}=${entry}`).join(","),
  join: (earlier, later) => ({ ...earlier, ...later }),
};

/** A kubelet's taints `k=v:Effect,…`; in the file an array of such texts. Empty means none. */
export const taints: Kind<readonly Taint[]> = {
  placeholder: "K=V:EFFECT,…",
  allowed:
    "a comma list of key=value:Effect with the effect NoSchedule, PreferNoSchedule or NoExecute " +
    "(in the file an array of such texts)",
  emptyIsValue: true,
  fromText: parseTaints,
  fromJson: (value) => parseTaints(list.fromJson(value).join(",")),
  toText: (value) => value.map(formatTaint).join(","),
  join: (earlier, later) => parseTaints([...earlier, ...later].map(formatTaint).join(",")),
};

/** Makes a kind whose values are texts, in the file as well. */
export function textKind<T>(
  placeholder: string,
  allowed: string,
  read: (value: string) => T,
): Kind<T> {
  const fromText = (value: string): T => {
    if (value.trim() === "") throw new RangeError("it is empty");
    return read(value);
  };
  return {
    placeholder,
    allowed,
    fromText,
    fromJson: (value) => fromText(asText(value)),
    toText: String,
  };
}

function asText(value: unknown): string {
  if (typeof value !== "string") throw new RangeError(`${JSON.stringify(value)} is no text`);
  return value;
}
