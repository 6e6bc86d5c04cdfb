/**
 * Resolving a name as a program in a pod would: hosts file, search path, cluster, other servers.
 *
 * @module
 */
import type { Pod } from "../../api/types.ts";
import { Deadline, untilAborted } from "../../api/deadline.ts";
import { normalizeIp } from "../ip.ts";
import { NameRefused } from "../name_refused.ts";
import type { Found, NameFinder } from "./finder.ts";
import { findInHosts } from "./hosts_file.ts";
import { formatName, type Labels, parseName } from "./name.ts";
import type { PodDns } from "./pod_dns.ts";
import { readResolverOptions } from "./resolv_conf.ts";

/** Knows the addresses of names. */
export interface Names {
  /**
   * The addresses of a name, IPv4 or IPv6; none if there is no such name. Rejects with
   * {@linkcode NameTrouble} if it cannot be told now, and may be later, and with {@linkcode NameRefused} if nobody may
   * be asked for it. Ends within {@linkcode RESOLVE_MS_MAX}.
   */
  resolve(name: string, pod: Pod): Promise<readonly string[]>;
}

/** It cannot be told now. */
export class NameTrouble extends Error {
  /** Always `NameTrouble`. */
  override readonly name = "NameTrouble";
}

/** What names of a pod come from besides servers; the rest is for tests. */
export interface PodNamesOptions {
  readonly finder: NameFinder;
  /** The pod's `/etc/hosts`. @default {its `hostAliases`} */
  readonly hosts?: (pod: Pod) => string | Promise<string>;
  /** @default {RESOLVE_MS_MAX} */
  readonly timeoutMs?: number;
  /** Milliseconds of a clock that never goes back. @default {performance.now} */
  readonly now?: () => number;
  /** Ends all questions. */
  readonly signal: AbortSignal;
}

/** A program waits for a name so long at most, as for a C library that has two servers. */
export const RESOLVE_MS_MAX = 20_000;
/** Answers of other servers that are remembered. */
export const CACHE_NAMES_MAX = 1_000;
/** However long a server says that they hold. */
const CACHE_SECONDS_MAX = 30;

/** Resolves names for pods. */
export class PodNames implements Names {
  readonly #options: PodNamesOptions;
  /** Those of other servers; the oldest first. */
  readonly #cache = new Map<string, { readonly found: Found; readonly untilMs: number }>();

  constructor(options: PodNamesOptions) {
    this.#options = options;
  }

  /** See {@linkcode Names}. */
  async resolve(name: string, pod: Pod): Promise<readonly string[]> {
    const address = normalizeIp(name);
    if (address !== undefined) return [address];
    const labels = parseName(name);
    if (labels === undefined || labels.length === 0) return [];
    const { finder, hosts = aliasLines, timeoutMs = RESOLVE_MS_MAX, signal } = this.#options;
    using deadline = new Deadline(signal);
    deadline.restart(timeoutMs);
    try {
      const known = findInHosts(await hosts(pod), name);
      if (known.length > 0) return known;
      const dns = await finder.dnsOf(pod);
      const full = name.endsWith(".");
      const asked = full ? [labels] : fullNames(labels, dns);
      return await this.#first(asked, { dns, signal: deadline.signal });
    } catch (error) {
      if (error instanceof NameRefused) throw error;
      throw new NameTrouble(`Cannot resolve "${name}": try again later`, { cause: error });
    }
  }

  /** The first that has addresses. One that cannot be told counts only if no other is found. */
  async #first(
    names: readonly Labels[],
    { dns, signal }: { readonly dns: PodDns; readonly signal: AbortSignal },
  ): Promise<readonly string[]> {
    const troubles: unknown[] = [];
    for (const name of names) {
      signal.throwIfAborted();
      try {
        const { addresses } = await untilAborted(this.#ask(name, { dns, signal }), signal);
        if (addresses.length > 0) return addresses;
      } catch (error) {
        signal.throwIfAborted();
        troubles.push(error);
      }
    }
    if (troubles.length > 0) throw troubles[0];
    return [];
  }

  async #ask(
    name: Labels,
    { dns, signal }: { readonly dns: PodDns; readonly signal: AbortSignal },
  ): Promise<Found> {
    const { finder, now = () => performance.now() } = this.#options;
    const key = `${dns.cluster} ${dns.closed ?? ""} ${dns.upstream.join()} ${formatName(name)}`;
    const known = this.#cache.get(key);
    if (known !== undefined && now() < known.untilMs) return known.found;
    this.#cache.delete(key);
    const found = await finder.addresses(name, { dns, signal });
    const seconds = Math.min(found.ttlSeconds, CACHE_SECONDS_MAX);
    if (seconds <= 0) return found;
    this.#cache.set(key, { found, untilMs: now() + 1_000 * seconds });
    if (this.#cache.size > CACHE_NAMES_MAX) {
      const [oldest] = this.#cache.keys();
      this.#cache.delete(oldest!);
    }
    return found;
  }
}

/** The full names that a short one may stand for, in the order of a C library. */
function fullNames(labels: Labels, { file }: PodDns): Labels[] {
  const { ndots } = readResolverOptions(file.options);
  const searched = file.searches.flatMap((domain) => {
    const tail = parseName(domain);
    const name = tail && parseName(formatName([...labels, ...tail]));
    return name === undefined ? [] : [name];
  });
  const names = labels.length - 1 >= ndots ? [labels, ...searched] : [...searched, labels];
  return [...new Map(names.map((name) => [formatName(name), name])).values()];
}

function aliasLines({ spec }: Pod): string {
  return (spec?.hostAliases ?? []).map(({ ip, hostnames = [] }) => [ip, ...hostnames].join(" "))
    .join("\n");
}
