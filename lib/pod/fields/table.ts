/**
 * The one table of what this node does with each field of a pod. docs/pod-fields.md says the same in words.
 *
 * @module
 */
import {
  CONTAINER,
  CONTAINER_PORT,
  EPHEMERAL_CONTAINER,
  RESOURCE_REQUIREMENTS,
  SECURITY_CONTEXT,
} from "./container.ts";
import { ENV_FROM_SOURCE, ENV_VAR, ENV_VAR_SOURCE } from "./environment.ts";
import { POD_SECURITY_CONTEXT, POD_SPEC } from "./pod_spec.ts";
import { LIFECYCLE, LIFECYCLE_HANDLER, PROBE } from "./probe.ts";
import type { FieldRules, Schema } from "./rule.ts";
import { VOLUME, VOLUME_MOUNT } from "./volume.ts";

/** The rules of each part of a pod. A field that is not in it is one of a newer API, and ignored. */
export const FIELD_TABLE: Readonly<Record<Schema, FieldRules>> = {
  PodSpec: POD_SPEC,
  PodSecurityContext: POD_SECURITY_CONTEXT,
  Container: CONTAINER,
  EphemeralContainer: EPHEMERAL_CONTAINER,
  ContainerPort: CONTAINER_PORT,
  EnvVar: ENV_VAR,
  EnvVarSource: ENV_VAR_SOURCE,
  EnvFromSource: ENV_FROM_SOURCE,
  ResourceRequirements: RESOURCE_REQUIREMENTS,
  Probe: PROBE,
  Lifecycle: LIFECYCLE,
  LifecycleHandler: LIFECYCLE_HANDLER,
  SecurityContext: SECURITY_CONTEXT,
  Volume: VOLUME,
  VolumeMount: VOLUME_MOUNT,
};
