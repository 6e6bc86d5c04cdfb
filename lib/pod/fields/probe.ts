import { type FieldRules, HONOURED, inside, missed } from "./rule.ts";

/** `core/v1` Probe. */
export const PROBE: FieldRules = {
  exec: HONOURED,
  failureThreshold: HONOURED,
  grpc: HONOURED,
  httpGet: HONOURED,
  initialDelaySeconds: HONOURED,
  periodSeconds: HONOURED,
  successThreshold: HONOURED,
  tcpSocket: HONOURED,
  terminationGracePeriodSeconds: HONOURED,
  timeoutSeconds: HONOURED,
};

/** `core/v1` Lifecycle. */
export const LIFECYCLE: FieldRules = {
  postStart: inside("LifecycleHandler"),
  preStop: inside("LifecycleHandler"),
  // What else it names, nothing in a guest could hear.
  stopSignal: {
    ...missed((signal) => signal !== "SIGKILL" && signal !== "SIGTERM"),
    use: "honoured",
  },
};

/** `core/v1` LifecycleHandler. */
export const LIFECYCLE_HANDLER: FieldRules = {
  exec: HONOURED,
  httpGet: HONOURED,
  sleep: HONOURED,
  tcpSocket: HONOURED,
};
