/**
 * Manifests in few words.
 *
 * @module
 */

/** What a test says of a container; the other fields are a container's own. */
export interface ContainerWish {
  readonly name?: string;
  readonly image: string;
  readonly [field: string]: unknown;
}

/** What a test says of a pod. */
export interface PodWish {
  readonly name: string;
  readonly nodeName: string;
  readonly containers: readonly ContainerWish[];
  readonly initContainers?: readonly ContainerWish[];
  /** @default "Never" */
  readonly restartPolicy?: "Always" | "OnFailure" | "Never";
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** More fields of the spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The taints that krustlet registers its node with. */
const TOLERATIONS = ["NoExecute", "NoSchedule"].map((effect) => ({
  key: "kubernetes.io/arch",
  operator: "Equal",
  value: "wasm32-wasi",
  effect,
}));

/** A pod that the scheduler can only give to that node. */
export function podManifest(wish: PodWish): { metadata: { name: string }; spec: unknown } {
  const { name, labels, annotations } = wish;
  return {
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: {
      name,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: podSpec(wish),
  };
}

/** The `spec` of such a pod, as for a template. */
export function podSpec(wish: Omit<PodWish, "name">): Record<string, unknown> {
  const { nodeName, containers, initContainers, restartPolicy = "Never", spec } = wish;
  return {
    nodeSelector: {
      "kubernetes.io/arch": "wasm32-wasi",
      "kubernetes.io/hostname": nodeName,
    },
    tolerations: TOLERATIONS,
    restartPolicy,
    containers: containers.map(named),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(named) }),
    ...spec,
  };
}

function named(container: ContainerWish, index: number): Record<string, unknown> {
  return { name: index === 0 ? "main" : `main-${index}`, ...container };
}
