/**
 * The hosts that a pod may reach, as its annotations name them.
 *
 * @module
 */
import type { Pod } from "../../api/types.ts";
import { KubeletError } from "../../errors.ts";
import { type Cidr, formatIp, inCidr, parseCidr, parseIp, unmapIp } from "../ip.ts";

/** Annotation of a pod: a JSON array, or a list with commas, of what {@linkcode HostEntry} can be. */
export const ALLOWED_HOSTS = "krustlet.dev/allowed-hosts";
/** Krustlet's own annotation: a JSON array of URLs, of which only the host counts. */
export const ALLOWED_DOMAINS = "alpha.wasi.krustlet.dev/allowed-domains";
/** More are refused: each look-up compares with all of them. */
export const HOST_ENTRIES_MAX = 1_000;
/** RFC 1035 §2.3.4. */
const NAME_CHARS_MAX = 253;

/** One host, or some, on one port or on all. */
export type HostEntry =
  & { readonly port: number | undefined }
  & (
    /** `example.com` */
    | { readonly kind: "name"; readonly name: string }
    /** `*.example.com`: everything below, at any depth, and not `example.com` itself. */
    | { readonly kind: "below"; readonly suffix: string }
    /** `192.0.2.1`, `2001:db8::/32` */
    | { readonly kind: "range"; readonly range: Cidr }
  );

/**
 * What the annotations of a pod allow together; `undefined` for a pod that has none of them. Throws a
 * {@linkcode KubeletError} with code `rejected` if one cannot be read: a guess could open more than was meant.
 */
export function hostEntries(pod: Pod): readonly HostEntry[] | undefined {
  const { annotations = {} } = pod.metadata ?? {};
  const hosts = Object.hasOwn(annotations, ALLOWED_HOSTS) ? annotations[ALLOWED_HOSTS] : undefined;
  const domains = Object.hasOwn(annotations, ALLOWED_DOMAINS)
    ? annotations[ALLOWED_DOMAINS]
    : undefined;
  if (hosts === undefined && domains === undefined) return undefined;
  return [
    ...hosts === undefined ? [] : entriesOf(ALLOWED_HOSTS, listOf(hosts), parseEntry),
    ...domains === undefined ? [] : entriesOf(ALLOWED_DOMAINS, domains, parseUrl),
  ];
}

/** A name in its one form: small letters, and no dot at its end. */
export function normalizeName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

function entriesOf(
  key: string,
  value: string | readonly string[],
  parse: (text: string) => HostEntry | string,
): HostEntry[] {
  const texts = typeof value === "string" ? jsonTexts(value) : value;
  if (texts === undefined) throw unreadable(key, "it is not a JSON array of strings");
  if (texts.length > HOST_ENTRIES_MAX) {
    throw unreadable(key, `it has ${texts.length} entries, the most are ${HOST_ENTRIES_MAX}`);
  }
  return texts.map((text) => {
    const entry = parse(text.trim());
    if (typeof entry === "string") throw unreadable(key, `"${text}" ${entry}`);
    return entry;
  });
}

function unreadable(key: string, why: string): KubeletError {
  return new KubeletError("rejected", `Cannot read annotation "${key}": ${why}`, {
    reason: "AllowedHostsInvalid",
  });
}

/** The texts of a list with commas; a JSON array stays as it is. */
function listOf(value: string): string | readonly string[] {
  const text = value.trim();
  // Also an IPv6 address with a port begins with a bracket.
  if (/^\[\s*["\]]/.test(text)) return text;
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

function jsonTexts(text: string): string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return Array.isArray(value) && value.every((item) => typeof item === "string")
    ? value
    : undefined;
}

/** The entry, or what is wrong with it. */
function parseEntry(text: string): HostEntry | string {
  const whole = rangeOf(text);
  if (whole !== undefined) return { kind: "range", range: whole, port: undefined };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? undefined : Number(digits);
  if (host === undefined || (port !== undefined && !isPort(port))) return NO_HOST;
  const range = rangeOf(host);
  if (range !== undefined) return { kind: "range", range, port };
  if (bracketed !== undefined) return NO_HOST;
  return namedEntry(host, port) ?? NO_HOST;
}

const NO_HOST =
  "is none of host, host:port, *.example.com, an IP address (in brackets before a port) and a CIDR";

function namedEntry(host: string, port: number | undefined): HostEntry | undefined {
  const name = normalizeName(host);
  const isBelow = name.startsWith("*.");
  const rest = isBelow ? name.slice(2) : name;
  if (!isName(rest)) return undefined;
  return isBelow ? { kind: "below", suffix: `.${rest}`, port } : { kind: "name", name, port };
}

function parseUrl(text: string): HostEntry | string {
  // A URL such as "example.com:80" has a scheme and no host.
  const { hostname = "" } = URL.parse(text) ?? {};
  const range = rangeOf(hostname.replace(/^\[|\]$/g, ""));
  if (range !== undefined) return { kind: "range", range, port: undefined };
  const name = normalizeName(hostname);
  if (!isName(name)) return "is not a URL with a host, as https://example.com";
  return { kind: "name", name, port: undefined };
}

/** An address as a range of one. IPv4 in IPv6 is IPv4, as everywhere. */
function rangeOf(text: string): Cidr | undefined {
  const ip = parseIp(text);
  if (ip === undefined) return parseCidr(text);
  return parseCidr(`${formatIp(unmapIp(ip))}/${unmapIp(ip).length * 8}`);
}

/** Labels of a host name; also with `_`, as names of services have it. The last is no number, as in an address. */
function isName(name: string): boolean {
  return name.length <= NAME_CHARS_MAX &&
    name.split(".").every((label) => /^[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?$/.test(label)) &&
    !/(^|\.)\d+$/.test(name);
}

function isPort(port: number): boolean {
  return port > 0 && port <= 65_535;
}

/** True if the entry names this address itself. */
export function isOfRange(entry: HostEntry, ip: Uint8Array): boolean {
  return entry.kind === "range" && inCidr(ip, entry.range);
}

/** True if the entry names this host; `name` is in its one form. */
export function isNamed(entry: HostEntry, name: string): boolean {
  if (entry.kind === "name") return entry.name === name;
  return entry.kind === "below" && name.length > entry.suffix.length &&
    name.endsWith(entry.suffix);
}
