/**
 * What the kubelet asks of the networks of its pods.
 *
 * @module
 */
import type { Pod } from "./api/types.ts";
import type { GuestNetwork } from "./guest_network.ts";

/** Both directions of a connection to a pod. */
export interface PodConnection extends Disposable {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  /** Tells the pod that nothing more comes. */
  closeWrite(): Promise<void>;
}

/** The networks of all pods of a node. Pods are named by their UIDs. */
export interface PodNetworks {
  /**
   * Gives a pod its addresses, and opens its ports of the node; nothing changes for one that has them. A pod
   * has the same addresses again after a restart of the agent, until it is released.
   *
   * Rejects with a `KubeletError` of code `network` if there is none to be had now.
   */
  take(pod: Pod, signal: AbortSignal): Promise<void>;
  /** There is a newer version of a pod. */
  update(pod: Pod): void;
  /** A pod's addresses, the first one being `status.podIP`; `undefined` for one that has none now. */
  podIPs(uid: string): readonly string[] | undefined;
  /** The network as a container of the pod has it; `undefined` for a pod without addresses. */
  guest(uid: string, container: string): GuestNetwork | undefined;
  /**
   * Connects to what listens in a pod, on its loopback or on its addresses. Rejects with an error in a kubelet's
   * words if nobody does.
   */
  dial(uid: string, port: number, signal: AbortSignal): Promise<PodConnection>;
  /** What `/etc/resolv.conf` says in the pod. @default {there is no such file} */
  resolvConf?(pod: Pod): Promise<string | undefined>;
  /** What the names of pods end in. @default {cluster.local} */
  readonly clusterDomain?: string | undefined;
  /** Takes the addresses back. Nothing of the pod runs any more. */
  release(uid: string): Promise<void>;
  /** Releases all pods that are not known any more. */
  releaseOthers(isKnown: (uid: string) => boolean): Promise<void>;
}
