/**
 * What a node does with one field of a pod.
 *
 * @module
 */

/** The parts of a pod that have fields, by their names in the API. */
export type Schema =
  | "PodSpec"
  | "PodSecurityContext"
  | "Container"
  | "EphemeralContainer"
  | "ContainerPort"
  | "EnvVar"
  | "EnvVarSource"
  | "EnvFromSource"
  | "ResourceRequirements"
  | "Probe"
  | "Lifecycle"
  | "LifecycleHandler"
  | "SecurityContext"
  | "Volume"
  | "VolumeMount";

/** Why a pod can never run here. */
export interface Refusal {
  /** One word, for `status.reason`. */
  readonly reason: string;
  /** What the pod or its container does, as `asks for hostPID`. */
  readonly why: string;
}

/** One row of the table; docs/pod-fields.md says the same in words. */
export interface FieldRule {
  /**
   * - `honoured`: it does what Kubernetes says of it.
   * - `ignored`: nothing follows from it.
   * - `refused`: a pod that sets it, to some value or to any, has failed.
   */
  readonly use: "honoured" | "ignored" | "refused";
  /** What is inside of it. @default {nothing that has rules of its own} */
  readonly of?: Schema;
  /** Why a pod with this value can never run here; `undefined` if it can. @default {it can} */
  readonly refuses?: (value: unknown) => Refusal | undefined;
  /** True for a value that whoever has set it would miss. @default {nobody would} */
  readonly misses?: (value: unknown) => boolean;
}

/** The rules of one part of a pod, by field. */
export type FieldRules = Readonly<Record<string, FieldRule>>;

/** Does what Kubernetes says. */
export const HONOURED: FieldRule = { use: "honoured" };

/** Nothing follows from it, and nobody would miss it: it asks for less than a guest has, or others act on it. */
export const QUIET: FieldRule = { use: "ignored" };

/** As {@linkcode HONOURED} or {@linkcode QUIET}, with fields inside. */
export function inside(of: Schema, rule: FieldRule = HONOURED): FieldRule {
  return { ...rule, of };
}

/** Nothing follows from it, and whoever has set it is told so. */
export function missed(misses: (value: unknown) => boolean = isSet): FieldRule {
  return { use: "ignored", misses };
}

/** A pod with such a value has failed. `why` says nothing of a value that is harmless. */
export function refused(
  reason: string,
  why: (value: unknown) => string | undefined,
): FieldRule {
  return {
    use: "refused",
    refuses: (value) => {
      const said = why(value);
      return said === undefined ? undefined : { reason, why: said };
    },
  };
}

/** True for all that says something: not for what the API takes for absent, nor for what is empty. */
export function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "") return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

/** The members of a list; none of what is no list. */
export function members(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "object" && one !== null) : [];
}
