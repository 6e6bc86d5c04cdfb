/**
 * Environment variables of containers, and the fields that they (and volumes) are taken from.
 *
 * @module
 */

/** `core/v1` EnvVar. Has at most one of `value` and `valueFrom`; with neither it is empty. */
export interface EnvVar {
  /** The variable's name. */
  name: string;
  /** Its value, in which `$(NAME)` is expanded and `$$` is a dollar sign. */
  value?: string;
  /** Where the value is taken from; it is not expanded. */
  valueFrom?: EnvVarSource;
}

/** `core/v1` EnvVarSource. Exactly one member is set. */
export interface EnvVarSource {
  /** A field of the pod itself. */
  fieldRef?: ObjectFieldSelector;
  /** A limit or request of a container. */
  resourceFieldRef?: ResourceFieldSelector;
  /** A key of a ConfigMap. */
  configMapKeyRef?: KeySelector;
  /** A key of a Secret. */
  secretKeyRef?: KeySelector;
  /** A key of a file that another container has written (KEP-3721). */
  fileKeyRef?: FileKeySelector;
}

/** `core/v1` FileKeySelector: one variable of a file of lines `KEY='value'`. */
export interface FileKeySelector {
  /** One of the pod's volumes, an `emptyDir`; the container need not mount it. */
  volumeName: string;
  /** Relative path of the file in the volume, without `..`. */
  path: string;
  /** Name of the variable in the file. */
  key: string;
  /** True leaves the variable out when file or key is missing; else the container waits. */
  optional?: boolean;
}

/** `core/v1` ObjectFieldSelector: a field of the pod. */
export interface ObjectFieldSelector {
  /** Version in which the path is written. Default `v1`. */
  apiVersion?: string;
  /** The field, as `metadata.name` or `metadata.labels['app']`. */
  fieldPath: string;
}

/** `core/v1` ResourceFieldSelector: a limit or request, as a whole number. */
export interface ResourceFieldSelector {
  /** Whose resources; in a variable the container's own by default, in a volume required. */
  containerName?: string;
  /** What to show, as `limits.memory`. */
  resource: string;
  /** A quantity; absent or "0" means 1. */
  divisor?: string;
}

/** `core/v1` ConfigMapKeySelector and SecretKeySelector: one key of an object of the namespace. */
export interface KeySelector {
  /** The object's name. */
  name?: string;
  /** Key within its data. */
  key: string;
  /** True leaves the variable out when object or key is missing; else the container waits. */
  optional?: boolean;
}

/** `core/v1` EnvFromSource: all keys of one object as variables. */
export interface EnvFromSource {
  /** Put before each key. */
  prefix?: string;
  /** The ConfigMap; unless it is optional the container waits for it. */
  configMapRef?: { name?: string; optional?: boolean };
  /** The Secret; unless it is optional the container waits for it. */
  secretRef?: { name?: string; optional?: boolean };
}
