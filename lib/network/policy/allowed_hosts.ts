/**
 * The hosts that a pod may reach, if its annotations limit it to some.
 *
 * @module
 */
import type { Pod } from "../../api/types.ts";
import type { Endpoint } from "../../guest_network.ts";
import { formatIp, parseIp, unmapIp } from "../ip.ts";
import { hostEntries, type HostEntry, isNamed, isOfRange, normalizeName } from "./host_entries.ts";

/** So long after a name was looked up its addresses may be reached. */
export const LEARNED_MS = 60 * 60_000;
/** Addresses of names that a pod has looked up; the oldest is forgotten. */
export const LEARNED_MAX = 4_096;

/** Names that are remembered of one address, as many sites share one; the oldest is forgotten. */
const NAMES_MAX = 16;

/** The names that led to an address, and until when that counts. */
type Learned = Map<string, number>;

/**
 * A pod's own limits: a name can be looked up if it is listed, an address can be reached if it is listed or
 * if a listed name has led to it. Holds for what is outside of the pod: whoever asks knows what is inside.
 */
export class AllowedHosts {
  readonly #entries: readonly HostEntry[];
  readonly #learned = new Map<string, Learned>();
  readonly #now: () => number;

  private constructor(entries: readonly HostEntry[], now: () => number) {
    this.#entries = entries;
    this.#now = now;
  }

  /**
   * The limits that the pod's annotations say, `krustlet.dev/allowed-hosts` and Krustlet's
   * `alpha.wasi.krustlet.dev/allowed-domains` together; `undefined` for a pod without limits. Throws a
   * `KubeletError` with code `rejected` if an annotation cannot be read. `now` is a clock in milliseconds that never
   * goes back.
   */
  static of(pod: Pod, now: () => number = () => performance.now()): AllowedHosts | undefined {
    const entries = hostEntries(pod);
    return entries && new AllowedHosts(entries, now);
  }

  /** True if the pod may look up the name. */
  mayResolve(name: string): boolean {
    const wanted = normalizeName(name);
    return this.#entries.some((entry) => isNamed(entry, wanted));
  }

  /** A name has these addresses: they may be reached for a time, on the ports that it is listed with. */
  learned(name: string, addresses: readonly string[]): void {
    const normal = normalizeName(name);
    if (!this.mayResolve(normal)) return;
    const untilMs = this.#now() + LEARNED_MS;
    for (const address of addresses) {
      const ip = keyOf(address);
      if (ip === undefined) continue;
      const names = this.#learned.get(ip) ?? new Map<string, number>();
      names.delete(normal); // so that it becomes the newest
      names.set(normal, untilMs);
      forgetOldest(names, NAMES_MAX);
      this.#learned.delete(ip);
      this.#learned.set(ip, names);
    }
    forgetOldest(this.#learned, LEARNED_MAX);
  }

  /** True if the pod may connect or send there. */
  mayReach({ ip: text, port }: Endpoint): boolean {
    const bytes = parseIp(text);
    if (bytes === undefined) return false;
    const ip = unmapIp(bytes);
    const names = this.#namesOf(formatIp(ip));
    return this.#entries.some((entry) =>
      (entry.port === undefined || entry.port === port) &&
      (isOfRange(entry, ip) || names.some((name) => isNamed(entry, name)))
    );
  }

  #namesOf(ip: string): string[] {
    const nowMs = this.#now();
    return [...this.#learned.get(ip) ?? []].flatMap(([name, untilMs]) =>
      untilMs > nowMs ? [name] : []
    );
  }
}

function forgetOldest(map: Map<string, unknown>, max: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= max) break;
    map.delete(oldest);
  }
}

function keyOf(address: string): string | undefined {
  const ip = parseIp(address);
  return ip === undefined ? undefined : formatIp(unmapIp(ip));
}
