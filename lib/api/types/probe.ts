/**
 * How a container is asked how it is, and what is done at the edges of its life.
 *
 * @module
 */

/** A port by its number, or by its name among the container's ports. */
export type PortName = number | string;

/** An HTTP request. */
export interface HttpGetAction {
  /** Default `/`. */
  path?: string;
  /** 1–65535, or a name. */
  port: PortName;
  /** Default: the pod's address. */
  host?: string;
  /** Default `HTTP`. */
  scheme?: "HTTP" | "HTTPS";
  /** Sent as they are; one name may come again. */
  httpHeaders?: { name: string; value: string }[];
}

/** What a probe or a hook does. Exactly one of them is there. */
export interface Handler {
  /** A program in the container; no shell. */
  exec?: { command?: string[] };
  /** 200 to 399 is well. */
  httpGet?: HttpGetAction;
  /** A connection is enough. */
  tcpSocket?: { port: PortName; host?: string };
}

/** A question that is asked again and again. */
export interface Probe extends Handler {
  /** The gRPC health checking protocol (KEP-2727). */
  grpc?: { port: number; service?: string | null };
  /** Default 0. */
  initialDelaySeconds?: number;
  /** Default 1. */
  timeoutSeconds?: number;
  /** Default 10. */
  periodSeconds?: number;
  /** Good answers in a row until it is well again. Default 1. */
  successThreshold?: number;
  /** Bad answers in a row until something is done. Default 3. */
  failureThreshold?: number;
  /** In place of the pod's, for an end by this probe (KEP-2238). */
  terminationGracePeriodSeconds?: number;
}

/** What a hook does. */
export interface LifecycleHandler extends Handler {
  /** Nothing, for so long (KEP-3960). */
  sleep?: { seconds: number };
}

/** What is done right after a container's start, and right before its end. */
export interface Lifecycle {
  /** Right after the first instruction; the container is not running before it has ended. */
  postStart?: LifecycleHandler;
  /** Before the container is told to end, within its grace period. */
  preStop?: LifecycleHandler;
  /** In place of the image's; a guest cannot hear any, but `SIGKILL` ends it at once (KEP-4960). */
  stopSignal?: string;
}
