/**
 * Who has which address: numbers of ranges, given to pods by their UIDs.
 *
 * @module
 */
import { type Cidr, cidrSize, formatCidr, formatIp, indexIn, ipAt, parseIp } from "./ip.ts";

/** The addresses of one pod. */
export interface GivenAddresses {
  /** One of each range, in their order. */
  readonly podIPs: readonly string[];
  /** What stands for the pod's own `127.0.0.1`. @default {there is no range of such} */
  readonly loopback?: string;
}

/** What is kept of a book, as JSON. */
export interface AddressPage {
  /** By UID. */
  readonly pods: Readonly<Record<string, GivenAddresses>>;
  /** Addresses that rest, and since when, in ms since 1970; the longest first. */
  readonly resting: readonly { readonly ip: string; readonly sinceMs: number }[];
}

/**
 * An address rests so long behind its pod: names and endpoints that others remember do not lead to a pod
 * that has nothing to do with them. Resolvers keep names of a cluster for 30 s.
 */
export const REST_MS = 60_000;
/** The first address of a range names it, and the second is a gateway elsewhere. */
const FIRST_INDEX = 2;
/** So many ranges of loopback have. */
const INDEX_MAX = 65_534;

/** Gives each pod the same number in all ranges. Pure but for what it keeps in mind. */
export class AddressBook {
  readonly #ranges: readonly Cidr[];
  readonly #loopbacks: Cidr | undefined;
  readonly #indexOf = new Map<string, number>();
  readonly #uidOf = new Map<number, string>();
  /** In the order in which they came to rest. */
  readonly #resting = new Map<number, number>();

  /** @param ranges of which each pod has an address, so many as the smallest has. */
  constructor(ranges: readonly Cidr[], options: { readonly loopbacks?: Cidr | undefined }) {
    this.#ranges = ranges;
    this.#loopbacks = options.loopbacks;
  }

  /** How many pods can have an address at a time. */
  get size(): number {
    return this.#last - FIRST_INDEX + 1;
  }

  /** True if the pod has addresses. */
  has(uid: string): boolean {
    return this.#indexOf.has(uid);
  }

  /** UIDs of those that have one. */
  get uids(): readonly string[] {
    return [...this.#indexOf.keys()];
  }

  /**
   * The addresses of a pod, which stay the same until they are given back: the lowest that are free and have
   * rested, or else those that rest longest. Undefined if there are none.
   */
  take(uid: string, nowMs: number): GivenAddresses | undefined {
    const index = this.#indexOf.get(uid) ?? this.#free(nowMs);
    if (index === undefined) return undefined;
    this.#give(uid, index);
    return this.#at(index);
  }

  /** Takes the addresses of a pod back; false if it has none. */
  release(uid: string, nowMs: number): boolean {
    const index = this.#indexOf.get(uid);
    if (index === undefined) return false;
    this.#indexOf.delete(uid);
    this.#uidOf.delete(index);
    this.#resting.set(index, nowMs);
    return true;
  }

  /** Whose address it is: a pod's IP, or what stands for its `127.0.0.1`. */
  find(ip: string): string | undefined {
    const bytes = parseIp(ip);
    if (bytes === undefined) return undefined;
    for (const range of this.#all) {
      const index = indexIn(range, bytes);
      if (index !== undefined) return this.#uidOf.get(index);
    }
    return undefined;
  }

  /** What {@linkcode restore} makes the same book of. */
  page(nowMs: number): AddressPage {
    const pods = [...this.#indexOf].map(([uid, index]) => [uid, this.#at(index)] as const);
    const resting = [...this.#resting].filter(([, sinceMs]) => isResting(sinceMs, nowMs));
    const first = this.#all[0];
    return {
      pods: Object.fromEntries(pods),
      resting: first === undefined
        ? []
        : resting.map(([index, sinceMs]) => ({ ip: formatIp(ipAt(first, index)), sinceMs })),
    };
  }

  /** Takes over what was kept, as far as it fits these ranges; answers the UIDs for which it does not. */
  restore({ pods, resting }: AddressPage): string[] {
    const lost: string[] = [];
    for (const [uid, given] of Object.entries(pods)) {
      const index = this.#indexOfAddress(given.podIPs[0] ?? given.loopback);
      if (index === undefined || this.#uidOf.has(index)) lost.push(uid);
      else this.#give(uid, index);
    }
    for (const { ip, sinceMs } of resting) {
      const index = this.#indexOfAddress(ip);
      if (index !== undefined && !this.#uidOf.has(index)) this.#resting.set(index, sinceMs);
    }
    return lost;
  }

  /** The ranges in words, for messages. */
  toString(): string {
    return this.#ranges.map(formatCidr).join(" and ");
  }

  get #all(): readonly Cidr[] {
    return this.#loopbacks === undefined ? this.#ranges : [...this.#ranges, this.#loopbacks];
  }

  /** The last index that is given: the last address of IPv4 reaches everybody. */
  get #last(): number {
    return Math.min(INDEX_MAX, ...this.#all.map((range) => cidrSize(range) - 2));
  }

  #free(nowMs: number): number | undefined {
    const last = this.#last;
    for (let index = FIRST_INDEX; index <= last; index++) {
      if (this.#uidOf.has(index)) continue;
      const sinceMs = this.#resting.get(index);
      if (sinceMs === undefined || !isResting(sinceMs, nowMs)) return index;
    }
    return this.#resting.keys().next().value;
  }

  #give(uid: string, index: number): void {
    this.#indexOf.set(uid, index);
    this.#uidOf.set(index, uid);
    this.#resting.delete(index);
  }

  #at(index: number): GivenAddresses {
    const podIPs = this.#ranges.map((range) => formatIp(ipAt(range, index)));
    return this.#loopbacks === undefined
      ? { podIPs }
      : { podIPs, loopback: formatIp(ipAt(this.#loopbacks, index)) };
  }

  /** The first address decides: the others follow from it, whatever ranges there are by now. */
  #indexOfAddress(ip: string | undefined): number | undefined {
    const [range] = this.#all;
    const bytes = parseIp(ip ?? "");
    if (range === undefined || bytes === undefined) return undefined;
    const index = indexIn(range, bytes);
    return index !== undefined && index >= FIRST_INDEX && index <= this.#last ? index : undefined;
  }
}

/** A clock that was set back must not let an address rest for ever. */
function isResting(sinceMs: number, nowMs: number): boolean {
  return nowMs >= sinceMs && nowMs - sinceMs < REST_MS;
}
