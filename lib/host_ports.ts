/**
 * Ports of the node that pods ask for.
 *
 * @module
 */
import type { Pod } from "./api/types.ts";

/** One port of the node that leads to one of a pod. */
export interface HostPort {
  /** Name of the container that declares it. */
  readonly container: string;
  readonly containerPort: number;
  readonly hostPort: number;
  /** An address of the node; `0.0.0.0` and `::` are all of their family. @default {all there are} */
  readonly hostIP: string | undefined;
  readonly protocol: "TCP" | "UDP" | "SCTP";
}

/** The protocols of Kubernetes; a port that names none is of the first. */
const PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;

/**
 * The ports of the node that a pod occupies, as a scheduler counts them: those of its containers and sidecars. Pods
 * on the node's network occupy all ports that they declare.
 */
export function hostPortsOf({ spec }: Pod): HostPort[] {
  const sidecars = (spec?.initContainers ?? []).filter((one) => one.restartPolicy === "Always");
  return [...sidecars, ...spec?.containers ?? []].flatMap(({ name, ports = [] }) =>
    ports.flatMap(({ containerPort, hostPort, hostIP, protocol: named }) => {
      const port = hostPort || (spec?.hostNetwork === true ? containerPort : 0);
      const protocol = PROTOCOLS.find((one) => one === (named || "TCP"));
      if (port === 0 || protocol === undefined) return [];
      return [{
        container: name,
        containerPort,
        hostPort: port,
        hostIP: hostIP || undefined,
        protocol,
      }];
    })
  );
}

/** True if two pods cannot have both of these ports on one node: as the scheduler judges. */
export function clashes(one: HostPort, other: HostPort): boolean {
  if (one.protocol !== other.protocol || one.hostPort !== other.hostPort) return false;
  const everywhere = ({ hostIP = "0.0.0.0" }: HostPort): boolean => hostIP === "0.0.0.0";
  return everywhere(one) || everywhere(other) || one.hostIP === other.hostIP;
}
