/**
 * Names, label keys, label values and taints as the API server accepts them.
 *
 * @module
 */
import type { Taint, TaintEffect } from "../api/types.ts";

/** RFC 1123 limits a subdomain to 253 characters; the API server does the same. */
const SUBDOMAIN_LENGTH_MAX = 253;
/** The API server's limit for a label's value and for the part of a key behind the slash. */
const LABEL_LENGTH_MAX = 63;

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const EFFECTS: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/**
 * Lower-cases a host or node name and checks it.
 *
 * @throws {RangeError} If it is no RFC 1123 subdomain.
 */
export function parseSubdomain(text: string): string {
  const name = text.trim().toLowerCase();
  if (name.length > SUBDOMAIN_LENGTH_MAX) {
    throw new RangeError(`it has ${name.length} characters`);
  }
  if (!SUBDOMAIN.test(name)) throw new RangeError("it is not a DNS name");
  return name;
}

/**
 * Lower-cases a host name and checks that it fits into the label `kubernetes.io/hostname` too.
 *
 * @throws {RangeError} If it is no RFC 1123 subdomain of at most 63 characters.
 */
export function parseHostname(text: string): string {
  const name = parseSubdomain(text);
  if (name.length > LABEL_LENGTH_MAX) throw new RangeError(`it has ${name.length} characters`);
  return name;
}

/**
 * Reads `key=value,key=value`; a key alone has an empty value.
 *
 * @throws {RangeError} Naming the entry that the API server would refuse.
 */
export function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const entry of splitList(text)) {
    const at = entry.indexOf("=");
    const key = (at < 0 ? entry : entry.slice(0, at)).trim();
    labels[key] = at < 0 ? "" : entry.slice(at + 1).trim();
  }
  return checkLabels(labels);
}

/**
 * Gives back labels that the API server accepts.
 *
 * @throws {RangeError} Naming the first one that it would refuse.
 */
export function checkLabels(labels: Record<string, string>): Record<string, string> {
  for (const [key, value] of Object.entries(labels)) {
    checkLabelKey(key);
    checkLabelValue(key, value);
  }
  return labels;
}

/**
 * Reads a kubelet's `key=value:Effect,key:Effect`; an empty text is no taint at all.
 *
 * @throws {RangeError} Naming the taint that the API server would refuse.
 */
export function parseTaints(text: string): Taint[] {
  const taints = splitList(text).map(parseTaint);
  const seen = new Set<string>();
  for (const { key, effect } of taints) {
    const identity = `${key}:${effect}`;
    if (seen.has(identity)) throw new RangeError(`taint "${identity}" is there twice`);
    seen.add(identity);
  }
  return taints;
}

/** Prints a taint as {@linkcode parseTaints} reads it. */
export function formatTaint(taint: Taint): string {
  const value = taint.value === undefined || taint.value === "" ? "" : `=${taint.value}`;
  return `${taint.key}${value}:${taint.effect}`;
}

/** A text for messages, without what stands before the `@` of an address: it may be a password. */
export function withoutUsers(text: string): string {
  return text.replace(/\/\/[^/\s]*@/g, "//…@");
}

/** The trimmed, non-empty entries of a comma list. */
export function splitList(text: string): string[] {
  return text.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
}

function parseTaint(text: string): Taint {
  const colon = text.lastIndexOf(":");
  if (colon < 0) throw new RangeError(`taint "${text}" has no effect`);
  const effect = text.slice(colon + 1);
  if (!isEffect(effect)) throw new RangeError(`taint "${text}" has an unknown effect`);
  const [key = "", value, more] = text.slice(0, colon).split("=");
  if (more !== undefined) throw new RangeError(`taint "${text}" has two "="`);
  checkLabelKey(key);
  if (value === undefined) return { key, effect };
  checkLabelValue(key, value);
  return { key, value, effect };
}

function isEffect(text: string): text is TaintEffect {
  return EFFECTS.includes(text);
}

function checkLabelKey(key: string): void {
  const parts = key.split("/");
  const name = parts.at(-1)!;
  const prefix = parts.length === 2 ? parts[0]! : undefined;
  const valid = parts.length <= 2 && name.length <= LABEL_LENGTH_MAX && LABEL_PART.test(name) &&
    (prefix === undefined || (prefix.length <= SUBDOMAIN_LENGTH_MAX && SUBDOMAIN.test(prefix)));
  if (!valid) throw new RangeError(`key "${key}" is not [dns.name/]name`);
}

function checkLabelValue(key: string, value: string): void {
  if (value === "" || (value.length <= LABEL_LENGTH_MAX && LABEL_PART.test(value))) return;
  throw new RangeError(
    `value "${value}" of "${key}" is not made of at most 63 letters, digits, "-", "_" and "."`,
  );
}
