/**
 * Who hears what containers do, to count and to measure it.
 *
 * @module
 */

/** Which of a pod's lists a container is in, as a kubelet's metrics name it. */
export type ContainerKind = "container" | "init_container" | "ephemeral_container";

/** The pod of something that happened. */
export interface ObservedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** One attempt of a probe. */
export interface ObservedProbe {
  readonly kind: "startup" | "liveness" | "readiness";
  readonly result: "success" | "warning" | "failure" | "error";
  readonly container: string;
  readonly pod: ObservedPod;
}

/** Hears what containers do. Nothing that it does may throw; times are in ms. */
export interface ContainerObserver {
  /** An image was downloaded. */
  imagePulled(podUid: string, pull: { readonly ms: number; readonly bytes: number }): void;
  /** A run begins. */
  containerStarting(kind: ContainerKind): void;
  /** The guest's first instruction comes next. */
  containerStarted(kind: ContainerKind, ms: number): void;
  /** A run could not begin; `code` is what the container's status says. */
  containerNotStarted(kind: ContainerKind, code: string): void;
  /** A run has ended. */
  containerEnded(kind: ContainerKind, end: { exitCode: number; reason: string }): void;
  /** A program beside a container has ended, or could not begin. */
  programRan(ms: number, options: { readonly failed: boolean }): void;
  /** A probe has an answer, or none in time. */
  probed(probe: ObservedProbe, ms: number): void;
}

/** The kind of the container that events call `fieldPath`, as `spec.initContainers{setup}`. */
export function containerKind(fieldPath: string): ContainerKind {
  if (fieldPath.startsWith("spec.initContainers")) return "init_container";
  return fieldPath.startsWith("spec.ephemeralContainers") ? "ephemeral_container" : "container";
}
