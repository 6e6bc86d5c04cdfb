/**
 * The NetworkPolicies of a cluster, kept up to date for the namespaces that have pods on this node.
 *
 * @module
 */
import type { ApiClient } from "../../api/client.ts";
import type { ListWatchEvent } from "../../api/list_watch.ts";
import { networkPoliciesPath } from "../../api/paths.ts";
import type { NetworkPolicy, Pod } from "../../api/types.ts";
import { ClusterView } from "./cluster_view.ts";
import { Flows } from "./flows.ts";
import { judge, policiesOn, type Verdict } from "./judge.ts";
import { judgeNameServer, type NameServer } from "./name_servers.ts";
import { needsOf } from "./needs.ts";
import { factsOf } from "./pod_table.ts";
import type { HeldPod, Judgement, PolicyBook, PolicyQuestion } from "./policy_book.ts";
import { type PolicyResource, type PolicyTrouble, troubleWith } from "./policy_trouble.ts";
import { compilePolicy, type Direction, type PolicyRules } from "./rules.ts";
import { TableWatch, type WatchTimings } from "./table_watch.ts";

/** Who is told of what; the rest is for tests. */
export interface NetworkPoliciesOptions {
  /** True for an address of this node, which may always enter: probes come from there. */
  readonly isNode: (ip: string) => boolean;
  /** Told when something cannot be watched, once until it can be. */
  readonly onTrouble?: (trouble: PolicyTrouble) => void;
  readonly timings?: WatchTimings;
  /** Milliseconds of a clock that never goes back. @default {performance.now} */
  readonly now?: () => number;
}

/** The policies of a namespace that has pods here. */
interface NamespaceBook {
  readonly rules: Map<string, PolicyRules>;
  readonly watch: TableWatch<NetworkPolicy>;
  /** Those here, by their UIDs. */
  readonly pods: Map<string, { readonly pod: Pod }>;
}

/** Which policies limit a version of a pod. */
interface Limits {
  readonly generation: number;
  readonly ingress: readonly PolicyRules[];
  readonly egress: readonly PolicyRules[];
}

/** What a program of the node comes from that goes by a port of the node; no pod has it. */
const NODE_LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "::1"]);
const UNLIMITED: readonly PolicyRules[] = [];

/** Answers from watches that last as long as there are pods for them. */
export class NetworkPolicies implements PolicyBook, AsyncDisposable {
  readonly #client: ApiClient;
  readonly #options: NetworkPoliciesOptions;
  readonly #cluster: ClusterView;
  readonly #namespaces = new Map<string, NamespaceBook>();
  readonly #flows: Flows;
  readonly #listeners = new Set<() => void>();
  /** What was told last of what cannot be watched. */
  readonly #troubles = new Map<PolicyResource, PolicyTrouble["reason"]>();
  readonly #ending = new Set<Promise<void>>();
  /** Counts changes of policies, so that what follows from them can be kept. */
  #generation = 0;
  readonly #limits = new WeakMap<Pod, Limits>();

  constructor(client: ApiClient, options: NetworkPoliciesOptions) {
    this.#client = client;
    this.#options = options;
    this.#flows = new Flows(options.now);
    const { timings } = options;
    this.#cluster = new ClusterView(client, {
      onError: (resource, error, retryInMs) => this.#fail(resource, { error, retryInMs }),
      onWatching: (resource) => this.#troubles.delete(resource),
      timings,
    });
  }

  hold(pod: Pod, podIPs: readonly string[]): HeldPod {
    const { namespace = "default", uid = "" } = pod.metadata ?? {};
    const book = this.#open(namespace);
    const entry = { pod, local: this.#cluster.addLocal(pod, podIPs) };
    book.pods.set(uid, entry);
    this.#changed();
    return {
      update: (newer): void => {
        // Whoever holds the same pod anew has taken the place.
        if (book.pods.get(uid) !== entry) return;
        entry.local[Symbol.dispose]();
        entry.local = this.#cluster.addLocal(newer, podIPs);
        entry.pod = newer;
        this.#changed();
      },
      [Symbol.dispose]: (): void => {
        entry.local[Symbol.dispose]();
        if (book.pods.get(uid) !== entry) return;
        book.pods.delete(uid);
        this.#flows.forget(uid);
        if (book.pods.size === 0) this.#close(namespace, book);
        this.#changed();
      },
    };
  }

  judge(question: PolicyQuestion): Judgement {
    const { direction, pod } = question;
    const limits = this.#limitsOf(pod);
    if (limits === undefined) return { verdict: "unknown", policies: [] };
    const limiting = limits[direction];
    const policies = limiting.map(({ name }) => name);
    const verdict = limiting.length === 0 || this.#isAlwaysAllowed(question)
      ? "allowed"
      : this.#ask(question, limiting);
    if (verdict === "allowed") this.#note(question, limits);
    return { verdict, policies };
  }

  allows(question: PolicyQuestion): boolean {
    return this.judge(question).verdict === "allowed";
  }

  mayAskNames(pod: Pod, server: NameServer): Verdict {
    const limits = this.#limitsOf(pod);
    if (limits === undefined) return "unknown";
    const limiting = limits.egress;
    return judgeNameServer(server, {
      limiting,
      judge: (peer, protocol) => {
        const question = { direction: "egress", pod, peer, port: peer.port, protocol } as const;
        return this.#ask(question, limiting);
      },
    });
  }

  isGuarded(pod: Pod): boolean {
    const limits = this.#limitsOf(pod);
    return limits === undefined || limits.ingress.length + limits.egress.length > 0;
  }

  onChange(listener: () => void): Disposable {
    // A function of its own, so that the same listener may come twice.
    const own = (): void => listener();
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  /** Collections that are watched now, as `networkpolicies/shop`, `pods/shop`, `pods` and `namespaces`. */
  get watched(): readonly string[] {
    const books = [...this.#namespaces.keys()].map((name) => `networkpolicies/${name}`);
    return [...books, ...this.#cluster.watched];
  }

  /** Ends all watches; resolves when they are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const [name, book] of this.#namespaces) this.#close(name, book);
    await Promise.all([...this.#ending, this.#cluster[Symbol.asyncDispose]()]);
  }

  #ask(
    { direction, pod, peer, port, protocol }: PolicyQuestion,
    limiting: readonly PolicyRules[],
  ): Verdict {
    const attempt = { direction, pod: factsOf(pod), peerIp: peer.ip, port, protocol };
    return judge(attempt, { limiting, peers: this.#cluster });
  }

  /** What needs no rule: oneself, the node's own probes, and answers. */
  #isAlwaysAllowed({ direction, pod, peer, protocol }: PolicyQuestion): boolean {
    const uid = pod.metadata?.uid ?? "";
    if (this.#cluster.localUid(peer.ip) === uid) return true;
    if (direction === "ingress" && (NODE_LOOPBACK.has(peer.ip) || this.#options.isNode(peer.ip))) {
      return true;
    }
    return protocol === "UDP" && this.#flows.has({ uid, ...peer });
  }

  /** Remembers who has spoken, where the other direction is limited and needs to know what is an answer. */
  #note({ direction, pod, peer, protocol }: PolicyQuestion, limits: Limits): void {
    const other = direction === "ingress" ? limits.egress : limits.ingress;
    if (protocol !== "UDP" || other.length === 0) return;
    this.#flows.note({ uid: pod.metadata?.uid ?? "", ...peer });
  }

  /** `undefined` as long as it is unknown which policies there are. */
  #limitsOf(pod: Pod): Limits | undefined {
    const known = this.#limits.get(pod);
    if (known?.generation === this.#generation) return known;
    const limits = this.#findLimits(pod);
    if (limits !== undefined) this.#limits.set(pod, limits);
    return limits;
  }

  #findLimits(pod: Pod): Limits | undefined {
    const generation = this.#generation;
    // It is the node, as far as the network is concerned.
    if (pod.spec?.hostNetwork === true) {
      return { generation, ingress: UNLIMITED, egress: UNLIMITED };
    }
    const facts = factsOf(pod);
    const book = this.#namespaces.get(facts.namespace);
    if (book === undefined || book.watch.state === "waiting") return undefined;
    const policies = [...book.rules.values()];
    const on = (direction: Direction): PolicyRules[] => policiesOn(facts, { direction, policies });
    return { generation, ingress: on("ingress"), egress: on("egress") };
  }

  #open(namespace: string): NamespaceBook {
    const known = this.#namespaces.get(namespace);
    if (known !== undefined) return known;
    const rules = new Map<string, PolicyRules>();
    const watch = new TableWatch<NetworkPolicy>(this.#client, {
      path: networkPoliciesPath(namespace),
      keep: (event) => keepRules(rules, event),
      onChange: () => this.#changed(),
      onError: (error, retryInMs) => this.#fail("networkpolicies", { error, retryInMs }),
      onWatching: () => this.#troubles.delete("networkpolicies"),
      timings: this.#options.timings,
    });
    const book = { rules, watch, pods: new Map<string, { readonly pod: Pod }>() };
    this.#namespaces.set(namespace, book);
    return book;
  }

  #close(namespace: string, { watch }: NamespaceBook): void {
    this.#namespaces.delete(namespace);
    const done = watch.close().finally(() => this.#ending.delete(done));
    this.#ending.add(done);
  }

  #changed(): void {
    this.#generation++;
    const mattering = new Set<PolicyRules>();
    for (const { pods } of this.#namespaces.values()) {
      for (const { pod } of pods.values()) {
        const { ingress, egress } = this.#limitsOf(pod) ?? {};
        for (const policy of [...ingress ?? [], ...egress ?? []]) mattering.add(policy);
      }
    }
    this.#cluster.need(needsOf(mattering));
    for (const listener of this.#listeners) listener();
  }

  #fail(
    resource: PolicyResource,
    { error, retryInMs }: { readonly error: unknown; readonly retryInMs: number },
  ): void {
    const trouble = troubleWith(resource, { error, retryInMs });
    if (this.#troubles.get(resource) === trouble.reason) return;
    this.#troubles.set(resource, trouble.reason);
    this.#options.onTrouble?.(trouble);
  }
}

function keepRules(rules: Map<string, PolicyRules>, event: ListWatchEvent<NetworkPolicy>): void {
  if (event.type === "synced") {
    rules.clear();
    for (const policy of event.items) rules.set(policy.metadata?.name ?? "", compilePolicy(policy));
    return;
  }
  const name = event.object.metadata?.name ?? "";
  if (event.type === "applied") rules.set(name, compilePolicy(event.object));
  else rules.delete(name);
}
