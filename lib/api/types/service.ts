/**
 * Services, as far as containers are told of them and their connections are led by them.
 *
 * @module
 */
import type { KubeObject } from "./meta.ts";

/** `core/v1` Service. */
export interface Service extends KubeObject {
  /** What is asked for. */
  spec?: {
    /** `ClusterIP` (the default), `NodePort`, `LoadBalancer` or `ExternalName`. */
    type?: string;
    /** Its stable address; `None` and empty mean that it has none. */
    clusterIP?: string;
    /** The same, with the address of the other family. */
    clusterIPs?: string[];
    /** Addresses outside of the cluster that lead here as well. */
    externalIPs?: string[];
    /** The name that an `ExternalName` stands for. */
    externalName?: string;
    /** The ports behind that address, at least one unless it has none. */
    ports?: ServicePort[];
    /** `ClientIP` or `None` (the default). */
    sessionAffinity?: string;
    /** `timeoutSeconds` is 10800 unless said otherwise. */
    sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } };
    /** `Local` or `Cluster` (the default). */
    internalTrafficPolicy?: string;
    /** Who may come in by its load balancer. Default: everybody. */
    loadBalancerSourceRanges?: string[];
    /** True if names lead to endpoints that are not ready, too. */
    publishNotReadyAddresses?: boolean;
  };
  /** What has become of it. */
  status?: {
    /** `ipMode: Proxy` wants to be reached through the balancer itself. */
    loadBalancer?: { ingress?: { ip?: string; ipMode?: string }[] };
  };
}

/** `core/v1` ServicePort. */
export interface ServicePort {
  /** A DNS label; only the port of a service with one port may have none. */
  name?: string;
  /** The port of the address, 1–65535. */
  port: number;
  /** Default `TCP`. */
  protocol?: string;
  /** The same port on every node; 0 or absent for none. */
  nodePort?: number;
}
