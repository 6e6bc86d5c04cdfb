/**
 * `/etc/resolv.conf`: whom a machine or a pod asks for names, and how (resolv.conf(5)).
 *
 * @module
 */
import { normalizeIp } from "../ip.ts";

/** What is in such a file. */
export interface ResolvConf {
  /** Addresses, the first one asked first. */
  readonly nameservers: readonly string[];
  /** Domains in which short names are looked for. */
  readonly searches: readonly string[];
  /** As `ndots:5` or `rotate`. */
  readonly options: readonly string[];
}

/** What the options say that count here. */
export interface ResolverOptions {
  /** Names with so many dots are taken as they are before they are looked for in domains. @default {1} */
  readonly ndots: number;
  /** How long one server may take. @default {5 s} */
  readonly timeoutMs: number;
  /** How often all servers are asked. @default {2} */
  readonly attempts: number;
}

/** As the C library's limits. */
const NDOTS_MAX = 15;
const TIMEOUT_SECONDS_MAX = 30;
const ATTEMPTS_MAX = 5;
/** Files of any length could be given. */
const LINES_MAX = 1_000;

/** Reads such a file; what is not understood is left out, and the last `search` or `domain` counts. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  const options: string[] = [];
  let searches: string[] = [];
  for (const line of text.split("\n", LINES_MAX)) {
    const [word, ...values] = line.replace(/[#;].*/, "").trim().split(/\s+/);
    // A zone (`%eth0`) says by which interface: the address alone has to do.
    const address = normalizeIp(values[0]?.replace(/%.*/, "") ?? "");
    if (word === "nameserver" && address !== undefined) nameservers.push(address);
    if (word === "search" || word === "domain") {
      searches = values.map((each) => each === "." ? each : each.replace(/\.$/, ""));
    }
    if (word === "options") options.push(...values);
  }
  return { nameservers, searches, options };
}

/** Writes such a file. */
export function formatResolvConf({ nameservers, searches, options }: ResolvConf): string {
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(" ")}`] : []),
    ...nameservers.map((each) => `nameserver ${each}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** What the options say, within limits. */
export function readResolverOptions(options: readonly string[]): ResolverOptions {
  const number = (name: string, { otherwise, max }: { otherwise: number; max: number }): number => {
    const text = options.findLast((option) => option.startsWith(`${name}:`))?.slice(
      name.length + 1,
    );
    return text !== undefined && /^\d{1,6}$/.test(text) ? Math.min(Number(text), max) : otherwise;
  };
  const seconds = number("timeout", { otherwise: 5, max: TIMEOUT_SECONDS_MAX });
  return {
    ndots: number("ndots", { otherwise: 1, max: NDOTS_MAX }),
    timeoutMs: Math.max(1, seconds) * 1_000,
    attempts: Math.max(1, number("attempts", { otherwise: 2, max: ATTEMPTS_MAX })),
  };
}
