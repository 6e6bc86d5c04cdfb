/**
 * Services, as far as containers are told of them.
 *
 * @module
 */
import type { KubeObject } from "./meta.ts";

/** `core/v1` Service, as far as the environment of containers tells of it. */
export interface Service extends KubeObject {
  /** What is asked for. */
  spec?: {
    /** Its stable address; `None` and empty mean that it has none. */
    clusterIP?: string;
    /** The ports behind that address, at least one unless it has none. */
    ports?: ServicePort[];
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
}
