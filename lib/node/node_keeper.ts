/**
 * Keeps this machine a node of the cluster: registration, lease and status.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { isNotFound } from "../api/client.ts";
import { nodePath, nodeStatusPath } from "../api/paths.ts";
import type { Node, NodeStatus } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import { aborted, sleep } from "../time.ts";
import { describeConditions, type Pressure, type Readiness } from "./conditions.ts";
import { keepLease } from "./lease.ts";
import { type MachineFacts, readMachineFacts } from "./machine.ts";
import {
  describeNode,
  describeStatus,
  type NodeBackend,
  type NodeFacts,
  type NodeSettings,
} from "./node_object.ts";
import { essenceOf, isReportDue, type SentStatus, statusPatch } from "./node_status.ts";
import { registerNode } from "./register.ts";
import { type NodeApi, REQUEST_MS_MAX, retryDelayMs } from "./requests.ts";

/** What a node is kept with. */
export interface NodeKeeperOptions {
  readonly api: NodeApi;
  readonly settings: NodeSettings;
  readonly backend: NodeBackend;
  /** This program's own version. */
  readonly version: string;
  /** The port on which the server really listens. */
  readonly port: number;
  /** Its filesystem is the node's disk. It must exist. */
  readonly dataDir: string;
  /** The images of the status, asked each time. @default {none are told} */
  readonly images?: () => Promise<NonNullable<NodeStatus["images"]>>;
  /** What the node is short of: whoever evicts pods decides it. @default {nothing} */
  shortages?(): Promise<ReadonlySet<Pressure>>;
  /** What stands in the way of renewing certificates. @default {nobody renews them} */
  readonly renewalTrouble?: (() => string | undefined) | undefined;
  /** @default 10_000 */
  readonly statusUpdateMs?: number;
  /** How the machine is read. @default {this machine} */
  readonly machine?: {
    readFacts(dataDir: string): Promise<MachineFacts>;
  };
  /** @default {Date.now} */
  nowMs?(): number;
}

/** A farewell that nobody hears must not keep the agent from ending. */
const FAREWELL_MS_MAX = 5_000;
/** What the Ready condition says while the agent ends; a kubelet's words. */
const SHUTTING_DOWN = "node is shutting down";

/** Registers the node, renews its lease and tells its status, as long as it is started. */
export class NodeKeeper {
  readonly #options: NodeKeeperOptions;
  readonly #log = getLogger(["krustlet", "node"]);
  readonly #ready = Promise.withResolvers<void>();
  readonly #registered = Promise.withResolvers<void>();
  readonly #farewell = Promise.withResolvers<void>();
  #started = false;
  #readiness: Readiness = { ready: true };
  #wake = new AbortController();
  #uid: string | undefined;
  #sent: SentStatus | undefined;

  constructor(options: NodeKeeperOptions) {
    this.#options = options;
  }

  /** Resolves when the cluster knows that the node is ready; never rejects. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** UID of the Node; `undefined` until it is registered. It changes if the Node is re-created. */
  get uid(): string | undefined {
    return this.#uid;
  }

  /**
   * Keeps the node until the signal aborts, through every absence of the API server. Rejects only
   * if the machine cannot be read.
   */
  async start(signal: AbortSignal): Promise<void> {
    this.#started = true;
    const wakeUp = (): void => this.#wake.abort();
    signal.addEventListener("abort", wakeUp, { once: true });
    try {
      const facts = await this.#readFacts();
      await Promise.all([this.#keepStatus(facts, signal), this.#keepLease(signal)]);
    } finally {
      signal.removeEventListener("abort", wakeUp);
      this.#farewell.resolve();
    }
  }

  /**
   * Tells the cluster that the node is not ready any more, so that no new pods come. The lease is
   * renewed until the signal of {@linkcode start} aborts, so that ending pods are not given up.
   * Resolves when the cluster has heard it, or after five seconds.
   */
  async shutdown(): Promise<void> {
    if (!this.#started) return;
    this.#readiness = { ready: false, message: SHUTTING_DOWN };
    this.#wake.abort();
    const limit = new AbortController();
    await Promise.race([this.#farewell.promise, sleep(FAREWELL_MS_MAX, limit.signal)]);
    limit.abort();
  }

  async #readFacts(): Promise<NodeFacts> {
    const { settings, backend, version, port, dataDir, machine } = this.#options;
    const readFacts = machine?.readFacts ?? readMachineFacts;
    return { settings, backend, version, port, machine: await readFacts(dataDir) };
  }

  async #keepLease(signal: AbortSignal): Promise<void> {
    const { api, settings, nowMs } = this.#options;
    // The lease names the Node as its owner, so the Node comes first.
    await Promise.race([this.#registered.promise, aborted(signal)]);
    await keepLease({
      api,
      nodeName: settings.nodeName,
      nodeUid: () => this.#uid,
      ...(nowMs === undefined ? {} : { nowMs }),
    }, signal);
  }

  async #keepStatus(facts: NodeFacts, signal: AbortSignal): Promise<void> {
    const { statusUpdateMs = 10_000 } = this.#options;
    const { node, warnings } = describeNode(facts);
    for (const warning of warnings) this.#log.warning(warning);
    this.#log.info("Guests are held by: {sandbox}", {
      sandbox: facts.backend.sandbox ?? "unknown",
    });
    this.#log.info("CPU limits are kept by: {cpuLimits}", {
      cpuLimits: facts.backend.cpuLimits ?? "nothing",
    });
    let failures = 0;
    while (!signal.aborted) {
      // Made first: whoever wakes us during the round shortens the pause behind it.
      this.#wake = new AbortController();
      try {
        await this.#round(facts, node, signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        this.#log.warning("Cannot tell the status of node {name}, trying again: {error}", {
          name: facts.settings.nodeName,
          error: messageOf(error),
        });
      }
      if (signal.aborted) return;
      const pauseMs = failures === 0
        ? statusUpdateMs
        : Math.min(statusUpdateMs, retryDelayMs(failures, Math.random()));
      await sleep(pauseMs, this.#wake.signal);
    }
  }

  async #round(facts: NodeFacts, wanted: Node, signal: AbortSignal): Promise<void> {
    // Before the cluster is asked: a disk that fills up does not wait for an API server.
    const pressures = await this.#options.shortages?.() ?? new Set<Pressure>();
    const known = this.#uid === undefined ? undefined : await this.#find(facts, signal);
    const node = known ?? await this.#register({ facts, wanted, pressures }, signal);
    if (node === undefined) return;
    this.#uid = node.metadata?.uid;
    this.#registered.resolve();
    const readiness = this.#readiness;
    const nowMs = this.#nowMs();
    const images = await this.#images();
    const previous = node.status?.conditions ?? [];
    const renewal = this.#renewal();
    const conditions = describeConditions({ pressures, readiness, renewal, previous, nowMs });
    const status = describeStatus(facts, conditions, images);
    // What is due is told by a clock that nobody sets.
    const atMs = performance.now();
    if (isReportDue(status, { sent: this.#sent, node, nowMs: atMs })) {
      await this.#options.api.patch(nodeStatusPath(facts.settings.nodeName), statusPatch(status), {
        type: "strategic",
        signal,
        timeoutMs: REQUEST_MS_MAX,
      });
      this.#sent = { essence: essenceOf(status), atMs };
    }
    (readiness.ready ? this.#ready : this.#farewell).resolve();
  }

  #renewal(): { readonly trouble: string | undefined } | undefined {
    const { renewalTrouble } = this.#options;
    return renewalTrouble && { trouble: renewalTrouble() };
  }

  /** The Node from the API server's cache, as a kubelet asks for it; `undefined` if it is gone. */
  async #find({ settings }: NodeFacts, signal: AbortSignal): Promise<Node | undefined> {
    try {
      return await this.#options.api.get<Node>(nodePath(settings.nodeName), {
        query: { resourceVersion: "0" },
        signal,
        timeoutMs: REQUEST_MS_MAX,
      });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #register(
    { facts, wanted, pressures }: {
      readonly facts: NodeFacts;
      readonly wanted: Node;
      readonly pressures: ReadonlySet<Pressure>;
    },
    signal: AbortSignal,
  ): Promise<Node | undefined> {
    const readiness = this.#readiness;
    const nowMs = this.#nowMs();
    const renewal = this.#renewal();
    const conditions = describeConditions({ pressures, readiness, renewal, previous: [], nowMs });
    const node = { ...wanted, status: { ...wanted.status, conditions } };
    const registered = await registerNode({ api: this.#options.api, node }, signal);
    this.#sent = undefined;
    if (registered !== undefined) {
      this.#log.info("Node {name} is registered", { name: facts.settings.nodeName });
    }
    return registered;
  }

  /** A store that cannot be read is no reason to tell nothing at all. */
  async #images(): Promise<NonNullable<NodeStatus["images"]>> {
    try {
      return await this.#options.images?.() ?? [];
    } catch (error) {
      this.#log.warning("Cannot tell the images of the node: {error}", { error: messageOf(error) });
      return [];
    }
  }

  #nowMs(): number {
    return (this.#options.nowMs ?? Date.now)();
  }
}
