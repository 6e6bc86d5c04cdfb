/**
 * EndpointSlices: who serves behind a Service.
 *
 * @module
 */
import type { KubeObject } from "./meta.ts";

/** `discovery.k8s.io/v1` EndpointSlice; its label `kubernetes.io/service-name` says of which Service. */
export interface EndpointSlice extends KubeObject {
  /** `IPv4`, `IPv6` or `FQDN`. */
  addressType?: string;
  /** At most 1,000 of them. A server may write none as null. */
  endpoints?: SliceEndpoint[] | null;
  /** Where each endpoint listens. */
  ports?: SlicePort[] | null;
}

/** `discovery.k8s.io/v1` Endpoint. */
export interface SliceEndpoint {
  /** Only the first one counts. */
  addresses?: string[];
  /** Absent `ready` and `serving` mean yes, absent `terminating` means no. */
  conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
  /** A DNS label: its name below the Service's. */
  hostname?: string;
  /** The node that it runs on. */
  nodeName?: string;
  /** Who had better use it. */
  hints?: { forZones?: { name: string }[]; forNodes?: { name: string }[] };
}

/** `discovery.k8s.io/v1` EndpointPort. */
export interface SlicePort {
  /** As the port of the Service; empty for the only one. */
  name?: string;
  /** A number already, whatever `targetPort` says. */
  port?: number;
  /** Default `TCP`. */
  protocol?: string;
}
