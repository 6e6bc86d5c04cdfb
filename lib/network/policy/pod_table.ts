/**
 * The pods of a cluster by their addresses, and no more of them than policies look at.
 *
 * @module
 */
import type { Pod } from "../../api/types.ts";
import { normalizeIp } from "../ip.ts";
import type { NamedPort, PodFacts } from "./judge.ts";

/** Facts that are remembered, so that the many pods of a Deployment share one object. */
const SHARED_FACTS_MAX = 4_096;

/** A pod and its addresses. */
interface Entry {
  readonly facts: PodFacts;
  readonly ips: readonly string[];
}

/** What policies see of a pod. Only what runs on has ports: sidecars count, other init containers do not. */
export function factsOf({ metadata, spec }: Pod): PodFacts {
  const { namespace = "default", labels = {} } = metadata ?? {};
  const sidecars = (spec?.initContainers ?? []).filter((one) => one.restartPolicy === "Always");
  const ports = [...sidecars, ...spec?.containers ?? []].flatMap((container) =>
    (container.ports ?? []).flatMap(({ name, containerPort, protocol = "TCP" }): NamedPort[] =>
      name === undefined ? [] : [{ name, port: containerPort, protocol }]
    )
  );
  return { namespace, labels, ports };
}

/**
 * The pod without what policies do not look at: a tenth of it, or less. For lists of all pods of a cluster.
 */
export function trimPod({ metadata, spec, status }: Pod): Pod {
  const { uid, name, namespace, labels, deletionTimestamp, resourceVersion } = metadata ?? {};
  const { ports } = factsOf({ metadata: {}, ...(spec === undefined ? {} : { spec }) });
  return {
    metadata: defined({ uid, name, namespace, labels, deletionTimestamp, resourceVersion }),
    spec: {
      ...defined({ hostNetwork: spec?.hostNetwork }),
      containers: [{
        name: "",
        ports: ports.map(({ name, port, protocol }) => ({ name, containerPort: port, protocol })),
      }],
    },
    status: defined({ phase: status?.phase, podIP: status?.podIP, podIPs: status?.podIPs }),
  };
}

/** Knows pods that have addresses of their own. What it is told may come in any order. */
export class PodTable {
  readonly #pods = new Map<string, Entry>();
  readonly #owners = new Map<string, string>();
  readonly #shared = new Map<string, PodFacts>();

  /** How many pods it knows. */
  get size(): number {
    return this.#pods.size;
  }

  /** The pod that has this address, in its one form. */
  at(ip: string): PodFacts | undefined {
    return this.get(this.#owners.get(ip) ?? "");
  }

  /** The pod with this UID. */
  get(uid: string): PodFacts | undefined {
    return this.#pods.get(uid)?.facts;
  }

  /** Knows this version of a pod from now on; forgets one that has ended or shares the node's address. */
  apply(pod: Pod): void {
    const { uid = "", deletionTimestamp } = pod.metadata ?? {};
    this.delete(uid);
    const ips = addressesOf(pod);
    if (uid === "" || ips.length === 0) return;
    this.#pods.set(uid, { facts: this.#share(factsOf(pod)), ips });
    for (const ip of ips) {
      // Who is on its way out does not take back an address that another pod has got by now.
      if (deletionTimestamp === undefined || !this.#owners.has(ip)) this.#owners.set(ip, uid);
    }
  }

  /** Forgets a pod. */
  delete(uid: string): void {
    for (const ip of this.#pods.get(uid)?.ips ?? []) {
      if (this.#owners.get(ip) === uid) this.#owners.delete(ip);
    }
    this.#pods.delete(uid);
  }

  /** Forgets all pods. */
  clear(): void {
    this.#pods.clear();
    this.#owners.clear();
    this.#shared.clear();
  }

  #share(facts: PodFacts): PodFacts {
    const key = JSON.stringify(facts);
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    if (this.#shared.size >= SHARED_FACTS_MAX) this.#shared.clear();
    this.#shared.set(key, facts);
    return facts;
  }
}

/** The addresses that are a pod's alone, each in its one form. */
function addressesOf({ spec, status }: Pod): string[] {
  const hasEnded = status?.phase === "Succeeded" || status?.phase === "Failed";
  if (spec?.hostNetwork === true || hasEnded) return [];
  const given = [...(status?.podIPs ?? []).map(({ ip }) => ip), status?.podIP];
  return [...new Set(given.flatMap((ip) => normalizeIp(ip ?? "") ?? []))];
}

/** An object without the properties that are undefined. */
function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]: Exclude<T[K], undefined> };
}
