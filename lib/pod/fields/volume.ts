import { VOLUME_KINDS } from "../../volumes/volume.ts";
import { type FieldRule, type FieldRules, HONOURED, refused } from "./rule.ts";

/** Every kind that the API knows. */
const API_KINDS = [
  "awsElasticBlockStore",
  "azureDisk",
  "azureFile",
  "cephfs",
  "cinder",
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "fc",
  "flexVolume",
  "flocker",
  "gcePersistentDisk",
  "gitRepo",
  "glusterfs",
  "hostPath",
  "image",
  "iscsi",
  "nfs",
  "persistentVolumeClaim",
  "photonPersistentDisk",
  "portworxVolume",
  "projected",
  "quobyte",
  "rbd",
  "scaleIO",
  "secret",
  "storageos",
  "vsphereVolume",
] as const;

/** Refused where volumes are checked, which says more of each. */
const REFUSED: FieldRule = { use: "refused" };

/** `core/v1` Volume. */
export const VOLUME: FieldRules = {
  name: HONOURED,
  ...Object.fromEntries(
    API_KINDS.map((kind) => [kind, VOLUME_KINDS.includes(kind) ? HONOURED : REFUSED]),
  ),
};

/** `core/v1` VolumeMount. */
export const VOLUME_MOUNT: FieldRules = {
  mountPropagation: refused(
    "MountPropagationNotSupported",
    (value) => value === "Bidirectional" ? "shares its mounts with the node" : undefined,
  ),
  mountPath: HONOURED,
  name: HONOURED,
  readOnly: HONOURED,
  recursiveReadOnly: HONOURED,
  subPath: HONOURED,
  subPathExpr: HONOURED,
};
