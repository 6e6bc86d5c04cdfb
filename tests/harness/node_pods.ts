/**
 * Pods in one namespace on a node that a test has started for itself.
 *
 * @module
 */
import type { Cluster } from "./cluster.ts";
import type { Krustlet } from "./kubelet.ts";
import { podManifest, type PodWish } from "./manifests.ts";
import { type PodRef, waitEnded, waitGone } from "./wait_pod.ts";

/** A namespace of its own, with pods on one node. */
export class NodePods implements AsyncDisposable {
  readonly namespace: string;
  readonly #node: Krustlet;
  readonly #folder: AsyncDisposable;

  private constructor(
    node: Krustlet,
    folder: AsyncDisposable & { readonly name: string },
  ) {
    this.#node = node;
    this.#folder = folder;
    this.namespace = folder.name;
  }

  static async open(node: Krustlet): Promise<NodePods> {
    return new NodePods(node, await node.cluster.namespace("test"));
  }

  get cluster(): Cluster {
    return this.#node.cluster;
  }

  /** Creates an object, as one of `secrets` or `serviceaccounts`. */
  async create(resource: string, object: unknown): Promise<void> {
    await this.cluster.create(`/api/v1/namespaces/${this.namespace}/${resource}`, object);
  }

  /** Creates a pod and waits for nothing. */
  async pod(wish: Omit<PodWish, "nodeName">): Promise<PodRef> {
    await this.create("pods", podManifest({ ...wish, nodeName: this.#node.nodeName }));
    return { namespace: this.namespace, name: wish.name };
  }

  /** Creates a pod with one container and waits until it has succeeded. */
  async succeeds(
    name: string,
    image: string,
    spec: Readonly<Record<string, unknown>> = {},
  ): Promise<PodRef> {
    const ref = await this.pod({
      name,
      containers: [{ image, imagePullPolicy: "IfNotPresent" }],
      spec,
    });
    await waitEnded(this.cluster, ref, "Succeeded", 60_000);
    return ref;
  }

  /** Deletes a pod and waits until the API server knows it no more. */
  async remove(ref: PodRef): Promise<void> {
    await this.cluster.delete(
      `/api/v1/namespaces/${ref.namespace}/pods/${ref.name}?gracePeriodSeconds=0`,
    );
    await waitGone(this.cluster, ref);
  }

  /** Deletes the namespace, and with it what is in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}
