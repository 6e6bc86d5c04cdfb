/**
 * The addresses of this node's pods.
 *
 * @module
 */
import { KubeletError, messageOf } from "../errors.ts";
import { sleep } from "../time.ts";
import { AddressBook, type AddressPage } from "./address_book.ts";
import { AddressFile } from "./address_file.ts";
import {
  ensureRoute,
  type Ground,
  type PodNetworkMode,
  type PodNetworkWish,
  takeGround,
} from "./ground.ts";
import { formatCidr, inCidr, normalizeIp, parseIp, unmapIp } from "./ip.ts";
import { isOfBlock } from "./loopback_block.ts";
import { LocalRoutes } from "./local_routes.ts";

/** Where a pod is on the network. */
export interface PodPlace {
  /** What others reach it by, at most one of each family; the first is its `status.podIP`. */
  readonly podIPs: readonly string[];
  /** The machine's address that stands for the pod's own `127.0.0.1`. @default {there is none} */
  readonly loopback: string | undefined;
  /** False if `podIPs` are the node's, which others share. */
  readonly own: boolean;
}

/** The ranges that the cluster gives a node. */
export interface ClusterRanges {
  /** Waits until they are known, or until that need not be waited for any more; may be none. */
  wait(signal: AbortSignal): Promise<readonly string[]>;
  /** As they are by now; undefined if nobody knows. */
  readonly current: readonly string[] | undefined;
}

/** What addresses are given by. */
export interface PodAddressesOptions {
  readonly wanted: PodNetworkWish;
  /** Ranges that somebody gave by hand; the cluster is not asked then. @default {none} */
  readonly podCidrs?: readonly string[];
  /** Asked if `podCidrs` are none. @default {there is no cluster} */
  readonly cluster?: ClusterRanges;
  /** The node's own addresses. */
  readonly hostIPs: readonly string[];
  /** The file that keeps them; its folder must be there. @default {they end with this object} */
  readonly path?: string;
  /** Told what is worth a look. */
  readonly warn: (message: string) => void;
  /** Ends a wait for the cluster, which then rejects. */
  readonly signal: AbortSignal;
  /** @default {Date.now} */
  readonly nowMs?: () => number;
}

/** Somebody may take a route away; so long are pods out of reach at most. */
const LOOK_MS = 60_000;

/** Gives each pod of this node a place, and remembers it. */
export class PodAddresses implements AsyncDisposable {
  readonly #options: PodAddressesOptions;
  readonly #ground: Ground;
  readonly #book: AddressBook;
  readonly #file: AddressFile | undefined;
  /** The cluster's word that was taken, or told last. */
  #known: string;

  private constructor(
    options: PodAddressesOptions,
    { asked, ground, file, kept }: {
      readonly asked: readonly string[];
      readonly ground: Ground;
      readonly file: AddressFile | undefined;
      readonly kept: AddressPage | undefined;
    },
  ) {
    this.#options = options;
    this.#known = rangesText(asked);
    this.#ground = ground;
    this.#file = file;
    this.#book = new AddressBook(ground.ranges, { loopbacks: ground.loopbacks });
    const lost = kept === undefined ? [] : this.#book.restore(kept);
    if (lost.length > 0) {
      options.warn(`${lost.length} pods get new addresses: what they had is not of ${this.#book}`);
    }
  }

  /**
   * Finds out what this machine can give, waits for the cluster's word where that matters, and goes on with
   * what an earlier agent gave.
   *
   * @throws {KubeletError} `invalid` if this machine does not have what was asked for.
   */
  static async open(options: PodAddressesOptions): Promise<PodAddresses> {
    const { wanted, podCidrs = [], cluster, hostIPs, path, warn, signal } = options;
    const file = path === undefined ? undefined : new AddressFile(path, warn);
    const kept = await file?.read();
    const asks = podCidrs.length === 0 && (wanted === "auto" || wanted === "anyip");
    let ranges = podCidrs;
    if (asks) {
      ranges = await cluster?.wait(signal) ?? [];
      // A node starts without its API server: what was true when it ended is the best that is known.
      if (cluster?.current === undefined) ranges = kept?.ranges ?? ranges;
    }
    const ground = await takeGround({ wanted, podCidrs: ranges, hostIPs, block: kept?.block });
    return new PodAddresses(options, { asked: ranges, ground, file, kept });
  }

  /** Where pods have their addresses. */
  get mode(): PodNetworkMode {
    return this.#ground.mode;
  }

  /** Ranges of this node's pods as text; none if they share the node's addresses. */
  get ranges(): readonly string[] {
    return this.#ground.ranges.map(formatCidr);
  }

  /** Why it is nothing better: sentences without a full stop. */
  get why(): readonly string[] {
    return this.#ground.why;
  }

  /** UIDs of the pods that have a place. */
  get uids(): readonly string[] {
    return this.#book.uids;
  }

  /** The place of pods that are on the node's own network. Nobody need take or release it. */
  get hostPlace(): PodPlace {
    return { podIPs: this.#options.hostIPs, loopback: undefined, own: false };
  }

  /**
   * The place of a pod, the same until {@linkcode release}, also if the agent starts anew.
   *
   * @throws {KubeletError} `too_many` with the reason `FailedCreatePodSandBox` if all are taken.
   */
  async take(uid: string): Promise<PodPlace> {
    const isNew = !this.#book.has(uid);
    const given = this.#book.take(uid, this.#nowMs());
    if (given === undefined) {
      throw new KubeletError(
        "too_many",
        `Cannot give pod "${uid}" an address: all ${this.#book.size} of ${this.#book} are taken; wait \
until pods end, or give the node a larger range`,
        { reason: "FailedCreatePodSandBox" },
      );
    }
    if (isNew) await this.#save();
    const { podIPs, loopback } = given;
    if (this.mode === "host") return { ...this.hostPlace, loopback };
    return { podIPs, loopback, own: true };
  }

  /** Takes a pod's addresses back; nothing of it may use them any more. One that has none is fine. */
  async release(uid: string): Promise<void> {
    if (this.#book.release(uid, this.#nowMs())) await this.#save();
  }

  /** UID of the pod that has an address: its own, or what stands for its `127.0.0.1`. */
  find(ip: string): string | undefined {
    return this.#book.find(normalizeIp(ip) ?? "");
  }

  /** True for what stands, or may stand, for the `127.0.0.1` of a pod. */
  isStandIn(ip: string): boolean {
    const { loopbacks } = this.#ground;
    const bytes = parseIp(ip);
    return loopbacks !== undefined && bytes !== undefined && inCidr(bytes, loopbacks);
  }

  /** True for an address that is, or may become, a pod's: of this node's ranges, or of loopback for any agent's pods. */
  isOfPods(ip: string): boolean {
    const bytes = parseIp(ip);
    if (bytes === undefined) return false;
    const plain = unmapIp(bytes);
    return isOfBlock(plain) || this.#ground.ranges.some((range) => inCidr(plain, range));
  }

  /** Looks after the routes, each minute until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (await sleep(LOOK_MS, signal)) this.look();
  }

  /** Makes routes again that somebody took away, and says if the cluster has changed its mind. */
  look(): void {
    this.#lookAtCluster();
    if (this.mode !== "anyip") return;
    try {
      using routes = new LocalRoutes();
      for (const range of this.#ground.ranges) {
        if (!ensureRoute(range, routes)) continue;
        this.#options.warn(`The route to range ${formatCidr(range)} was gone, and is there again`);
      }
    } catch (error) {
      this.#options.warn(`Pods cannot be reached: ${messageOf(error)}`);
    }
  }

  /** Lets go of the ranges; routes and the file stay for the next agent. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ground[Symbol.asyncDispose]();
  }

  #lookAtCluster(): void {
    const { podCidrs = [], cluster, wanted, warn } = this.#options;
    const current = rangesText(cluster?.current ?? []);
    if (podCidrs.length > 0 || wanted === "host" || wanted === "loopback") return;
    if (current === "" || current === this.#known) return;
    this.#known = current;
    const have = this.ranges.length === 0 ? "the node's address" : rangesText(this.ranges);
    warn(
      `The cluster gives this node's pods ${current} by now, and they have ${have}: start the agent \
anew to change that`,
    );
  }

  async #save(): Promise<void> {
    await this.#file?.write(() => ({
      version: 1,
      ranges: this.mode === "anyip" ? this.ranges : [],
      ...this.#ground.block === undefined ? {} : { block: this.#ground.block },
      ...this.#book.page(this.#nowMs()),
    }));
  }

  #nowMs(): number {
    return (this.#options.nowMs ?? Date.now)();
  }
}

function rangesText(ranges: readonly string[]): string {
  return ranges.join(" and ");
}
