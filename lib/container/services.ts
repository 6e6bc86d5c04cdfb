/**
 * What containers and pods need from the rest of the kubelet.
 *
 * @module
 */
import type { ObjectSource } from "../api/object_source.ts";
import type { EventSink } from "../events/happening.ts";
import type { FieldFacts } from "../fields.ts";
import type { Images } from "../images/images.ts";
import type { PodNetworks } from "../pod_networks.ts";
import type { Provider } from "../provider.ts";
import type { ContainerObserver } from "./observer.ts";
import type { RunningContainers } from "./running.ts";

/** Given to every container and pod; shared by all. */
export interface ContainerServices {
  readonly provider: Provider;
  readonly images: Images;
  readonly objects: ObjectSource;
  readonly events: EventSink;
  /** Which containers run, for those who look into them. @default {nobody can} */
  readonly running?: RunningContainers;
  /** What fields say of the machine: node name and addresses. */
  readonly facts: FieldFacts;
  /** Gives pods their addresses. @default {all have those of `facts`, and guests have no network} */
  readonly networks?: PodNetworks;
  /** Folder of the pods: `<podsDir>/<uid>/…`. */
  readonly podsDir: string;
  /** Folder of the logs: `<logsDir>/<namespace>_<pod>_<uid>/<container>/<restartCount>.log`. */
  readonly logsDir: string;
  /** Hears what containers do. @default {nobody} */
  readonly observer?: ContainerObserver;
}

/** What fields say of one pod. */
export function factsOf(
  { facts, networks }: Pick<ContainerServices, "facts" | "networks">,
  uid: string,
): FieldFacts {
  return networks === undefined ? facts : { ...facts, podIPs: networks.podIPs(uid) ?? [] };
}
