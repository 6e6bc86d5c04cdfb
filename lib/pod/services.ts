/**
 * What pods need from the rest of the kubelet.
 *
 * @module
 */
import type { Pod, PodStatus } from "../api/types.ts";
import type { ContainerServices } from "../container/services.ts";
import type { PodKey } from "../status/writer.ts";
import type { Ledger } from "../resources/ledger.ts";
import type { PodVolumes } from "../volumes/volumes.ts";
import type { PodFailure } from "./record.ts";
import type { RecordStore } from "./record_store.ts";
import type { RejectionThrottle } from "./rejection_throttle.ts";

/** Where a pod's status goes. */
export interface StatusSink {
  say(pod: PodKey, status: PodStatus): void;
  /** Tells that the node is done with a deleted pod; resolves when that was heard. */
  release(pod: PodKey): Promise<void>;
  forget(uid: string): void;
}

/** Shared by all pods. */
export interface PodServices extends ContainerServices {
  readonly volumes: PodVolumes;
  readonly status: StatusSink;
  readonly records: RecordStore;
  readonly rejections: RejectionThrottle;
  /** What the pods of the node set aside. @default {every pod has room} */
  readonly ledger?: Ledger;
  /** Why the node takes no such pod at the moment. @default {it takes all} */
  readonly turnedAway?: (pod: Pod) => PodFailure | undefined;
  /** Keeps the objects that a pod names at hand, until it is disposed of. @default {nothing} */
  readonly hold?: (pod: Pod) => Disposable;
  /** Tells when an object that the pod names has changed, until it is disposed of. @default {never} */
  readonly onChange?: (pod: Pod, listener: () => void) => Disposable;
  /** How often volumes are refreshed, on the average, in ms. @default 60_000 */
  readonly refreshMs?: number;
  /** The shortest time between two of these, in ms. @default 1_000 */
  readonly refreshPauseMs?: number;
  /** How often the volumes that have a limit are measured, in ms. @default 10_000 */
  readonly measureMs?: number;
  /** Told of each state that a pod enters. */
  readonly onState?: (pod: PodKey, state: string) => void;
}
