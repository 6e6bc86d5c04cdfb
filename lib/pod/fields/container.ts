import { type FieldRules, HONOURED, inside, isSet, members, QUIET, refused } from "./rule.ts";

/** `core/v1` Container, of all containers and of init containers. */
export const CONTAINER: FieldRules = {
  securityContext: inside("SecurityContext"),
  volumeDevices: refused(
    "BlockVolumeNotSupported",
    (devices) => isSet(devices) ? "uses a raw block volume" : undefined,
  ),
  volumeMounts: inside("VolumeMount"),
  args: HONOURED,
  command: HONOURED,
  env: inside("EnvVar"),
  envFrom: inside("EnvFromSource"),
  image: HONOURED,
  imagePullPolicy: HONOURED,
  lifecycle: inside("Lifecycle"),
  livenessProbe: inside("Probe"),
  name: HONOURED,
  ports: inside("ContainerPort"),
  readinessProbe: inside("Probe"),
  resizePolicy: HONOURED,
  resources: inside("ResourceRequirements"),
  restartPolicy: HONOURED,
  restartPolicyRules: HONOURED,
  startupProbe: inside("Probe"),
  stdin: HONOURED,
  stdinOnce: HONOURED,
  terminationMessagePath: HONOURED,
  terminationMessagePolicy: HONOURED,
  tty: HONOURED,
  workingDir: HONOURED,
};

/** What the API server lets no ephemeral container have, or what has no effect on one. */
const NOT_EPHEMERAL = [
  "lifecycle",
  "livenessProbe",
  "ports",
  "readinessProbe",
  "resizePolicy",
  "resources",
  "restartPolicy",
  "restartPolicyRules",
  "startupProbe",
  "volumeDevices",
];

/** `core/v1` EphemeralContainer: as others, but for what somebody who looks into a pod cannot have. */
export const EPHEMERAL_CONTAINER: FieldRules = {
  ...CONTAINER,
  targetContainerName: HONOURED,
  ...Object.fromEntries(NOT_EPHEMERAL.map((field) => [field, QUIET])),
};

/**
 * Capabilities that container runtimes give to everybody. A manifest that adds one of them asks for
 * nothing special, and runs as well without.
 */
const ORDINARY_CAPABILITIES: ReadonlySet<string> = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "NET_RAW",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
]);

/** `core/v1` SecurityContext, of one container. */
export const SECURITY_CONTEXT: FieldRules = {
  privileged: refused(
    "PrivilegedNotSupported",
    (on) => on === true ? "is privileged" : undefined,
  ),
  capabilities: refused("CapabilityNotSupported", (value) => {
    const added = members([value])[0]?.["add"];
    const special = (Array.isArray(added) ? added : []).find((capability) =>
      !ORDINARY_CAPABILITIES.has(String(capability).toUpperCase().replace(/^CAP_/, ""))
    );
    return special === undefined ? undefined : `adds the capability "${special}"`;
  }),
  readOnlyRootFilesystem: HONOURED,
  runAsNonRoot: HONOURED,
  runAsUser: QUIET,
  allowPrivilegeEscalation: QUIET,
  appArmorProfile: QUIET,
  procMount: QUIET,
  runAsGroup: QUIET,
  seLinuxOptions: QUIET,
  seccompProfile: QUIET,
  windowsOptions: QUIET,
};

/** `core/v1` ContainerPort. */
export const CONTAINER_PORT: FieldRules = {
  containerPort: HONOURED,
  name: HONOURED,
  hostIP: HONOURED,
  hostPort: HONOURED,
  protocol: HONOURED,
};

/** `core/v1` ResourceRequirements. */
export const RESOURCE_REQUIREMENTS: FieldRules = {
  claims: QUIET,
  limits: HONOURED,
  requests: HONOURED,
};
