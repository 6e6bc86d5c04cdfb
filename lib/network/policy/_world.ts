/**
 * A small cluster for tests of policies.
 *
 * @module
 */
import type { NetworkPolicy, Pod } from "../../api/types.ts";
import type { Peers, PodFacts } from "./judge.ts";
import { factsOf, PodTable } from "./pod_table.ts";
import { type Labels, NAMESPACE_NAME_LABEL } from "./selector.ts";

/** A pod of namespace `shop` unless another is said, with one container. */
export function pod(
  name: string,
  { namespace = "shop", labels = {}, ips = [], ports = [], spec = {} }: {
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
    readonly ips?: readonly string[];
    readonly ports?: { name: string; containerPort: number; protocol?: string }[];
    readonly spec?: Partial<NonNullable<Pod["spec"]>>;
  } = {},
): Pod {
  return {
    metadata: { name, namespace, uid: `uid-${namespace}-${name}`, labels },
    spec: { containers: [{ name: "main", image: "main:1", ports }], ...spec },
    status: { phase: "Running", podIPs: ips.map((ip) => ({ ip })) },
  };
}

/** A policy of namespace `shop` unless another is said. */
export function policy(
  spec: NetworkPolicy["spec"],
  { name = "policy", namespace = "shop" }: {
    readonly name?: string;
    readonly namespace?: string;
  } = {},
): NetworkPolicy {
  return { metadata: { name, namespace }, ...(spec === undefined ? {} : { spec }) };
}

/** A cluster of which all, or some, is known. */
export class World implements Peers {
  readonly #table = new PodTable();
  readonly #namespaces: Readonly<Record<string, Labels>>;
  /** Namespaces whose pods are known. */
  readonly known: ReadonlySet<string> | "all";
  readonly knowsNamespaces: boolean;

  constructor(
    { pods, namespaces, known = "all", knowsNamespaces = true }: {
      readonly pods: readonly Pod[];
      readonly namespaces: Readonly<Record<string, Labels>>;
      readonly known?: ReadonlySet<string> | "all";
      readonly knowsNamespaces?: boolean;
    },
  ) {
    this.known = known;
    this.knowsNamespaces = knowsNamespaces;
    this.#namespaces = namespaces;
    for (const pod of pods) {
      if (this.knowsPods(factsOf(pod).namespace)) this.#table.apply(pod);
    }
  }

  podAt(ip: string): PodFacts | undefined {
    return this.#table.at(ip);
  }

  knowsPods(namespace?: string): boolean {
    return this.known === "all" || namespace !== undefined && this.known.has(namespace);
  }

  namespaceLabels(name: string): Labels | undefined {
    const labels = this.knowsNamespaces ? this.#namespaces[name] : undefined;
    return labels && { ...labels, [NAMESPACE_NAME_LABEL]: name };
  }
}
