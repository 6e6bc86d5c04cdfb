/**
 * What the cluster says of this node's network: the range of its pods.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { ApiClient } from "../api/client.ts";
import { listWatch, type ListWatchEvent } from "../api/list_watch.ts";
import { nodePath, nodesPath } from "../api/paths.ts";
import type { Node } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import { aborted, sleep } from "../time.ts";
import type { ClusterRanges } from "./pod_addresses.ts";

const log = getLogger(["krustlet", "network"]);

/** Tells where the node's pods have their addresses. */
export const POD_NETWORK_ANNOTATION = "krustlet.dev/pod-network";

/** A cluster that gives ranges does so at once when a node is new. */
const GRACE_MS = 2_000;
/** Pods of this machine's own start without an API server. */
const WAIT_MS_MAX = 10_000;
/** Who asked for ranges of the cluster waits for somebody to switch them on. */
const DEMANDED_WAIT_MS_MAX = 60_000;
const REQUEST_MS_MAX = 10_000;

/** What this node is watched with. The times are for tests. */
export interface OwnNodeOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  /** True if pods need a range of the cluster: it is waited for longer. */
  readonly demanded: boolean;
  /** How long a new node is waited for to get its range. @default 2_000 */
  readonly graceMs?: number;
  /** How long everything together is waited for. @default {10 s, and 60 s if it is demanded} */
  readonly waitMs?: number;
}

/** Watches the one Node that this machine is. */
export class OwnNode implements ClusterRanges {
  readonly #options: OwnNodeOptions;
  readonly #seen = Promise.withResolvers<void>();
  readonly #given = Promise.withResolvers<void>();
  #node: Node | undefined;
  #annotation: string | undefined;
  #annotating: Promise<void> = Promise.resolve();

  constructor(options: OwnNodeOptions) {
    this.#options = options;
  }

  get current(): readonly string[] | undefined {
    return this.#node === undefined ? undefined : rangesOf(this.#node);
  }

  async wait(signal: AbortSignal): Promise<readonly string[]> {
    const { demanded, graceMs = GRACE_MS } = this.#options;
    const { waitMs = demanded ? DEMANDED_WAIT_MS_MAX : WAIT_MS_MAX } = this.#options;
    const end = new AbortController();
    const until = AbortSignal.any([signal, end.signal]);
    const grace = async (): Promise<void> => {
      await this.#seen.promise;
      // A node that is there for long got what it will get.
      if (demanded) await aborted(until);
      else if (ageMs(this.#node) <= graceMs) await sleep(graceMs, until);
    };
    try {
      await Promise.race([this.#given.promise, grace(), sleep(waitMs, until)]);
    } finally {
      end.abort();
    }
    signal.throwIfAborted();
    return this.current ?? [];
  }

  /** Tells the cluster, now and whenever the Node is made anew, where pods have their addresses. */
  annotate(mode: string, signal: AbortSignal): void {
    this.#annotation = mode;
    this.#keepAnnotation(signal);
  }

  /** Watches until the signal aborts, through every absence of the API server. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, nodeName } = this.#options;
    const events = listWatch<Node>(client, {
      path: nodesPath(),
      fieldSelector: `metadata.name=${nodeName}`,
      signal,
      onError: (error, retryInMs) => {
        log.debug("Cannot watch node {nodeName}, trying again in {retryInMs} ms: {error}", {
          nodeName,
          retryInMs: Math.round(retryInMs),
          error: messageOf(error),
        });
      },
    });
    for await (const event of events) this.#take(event, signal);
    await this.#annotating;
  }

  #take(event: ListWatchEvent<Node>, signal: AbortSignal): void {
    const node = event.type === "applied"
      ? event.object
      : event.type === "synced"
      ? event.items.find(({ metadata }) => metadata?.name === this.#options.nodeName)
      : undefined;
    // One that was deleted comes again, and with the same range or a new one.
    if (node === undefined) return;
    this.#node = node;
    this.#seen.resolve();
    if (rangesOf(node).length > 0) this.#given.resolve();
    this.#keepAnnotation(signal);
  }

  #keepAnnotation(signal: AbortSignal): void {
    this.#annotating = this.#annotating.then(async () => {
      const wanted = this.#annotation;
      const has = this.#node?.metadata?.annotations?.[POD_NETWORK_ANNOTATION];
      if (wanted === undefined || this.#node === undefined || has === wanted) return;
      if (signal.aborted) return;
      const { client, nodeName } = this.#options;
      const patch = { metadata: { annotations: { [POD_NETWORK_ANNOTATION]: wanted } } };
      const how = { type: "merge", signal, timeoutMs: REQUEST_MS_MAX } as const;
      try {
        this.#node = await client.patch<Node>(nodePath(nodeName), patch, how);
      } catch (error) {
        // The next change of the node, some minutes away at most, is the next chance.
        if (signal.aborted) return;
        log.debug("Cannot annotate node {nodeName}: {error}", {
          nodeName,
          error: messageOf(error),
        });
      }
    });
  }
}

function rangesOf({ spec }: Node): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
}

function ageMs(node: Node | undefined): number {
  const made = Date.parse(node?.metadata?.creationTimestamp ?? "");
  return Number.isNaN(made) ? 0 : Date.now() - made;
}
