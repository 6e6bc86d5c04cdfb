import { type FieldRules, HONOURED, inside } from "./rule.ts";

/** `core/v1` EnvVar. */
export const ENV_VAR: FieldRules = {
  name: HONOURED,
  value: HONOURED,
  valueFrom: inside("EnvVarSource"),
};

/** `core/v1` EnvVarSource. */
export const ENV_VAR_SOURCE: FieldRules = {
  configMapKeyRef: HONOURED,
  fieldRef: HONOURED,
  fileKeyRef: HONOURED,
  resourceFieldRef: HONOURED,
  secretKeyRef: HONOURED,
};

/** `core/v1` EnvFromSource. */
export const ENV_FROM_SOURCE: FieldRules = {
  configMapRef: HONOURED,
  prefix: HONOURED,
  secretRef: HONOURED,
};
