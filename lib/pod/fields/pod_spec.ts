import {
  type FieldRules,
  HONOURED,
  inside,
  isSet,
  members,
  missed,
  QUIET,
  refused,
} from "./rule.ts";

/** `core/v1` PodSpec. */
export const POD_SPEC: FieldRules = {
  os: {
    ...refused("PodOSNotSupported", (value) => {
      const { name } = members([value])[0] ?? {};
      return name === undefined || name === "linux"
        ? undefined
        : `is made for the operating system "${name}"`;
    }),
    use: "honoured",
  },
  hostPID: refused(
    "HostNamespaceNotSupported",
    (on) => on === true ? "asks for hostPID" : undefined,
  ),
  hostIPC: refused(
    "HostNamespaceNotSupported",
    (on) => on === true ? "asks for hostIPC" : undefined,
  ),
  shareProcessNamespace: refused(
    "ProcessNamespaceNotSupported",
    (on) => on === true ? "asks for shareProcessNamespace" : undefined,
  ),
  resourceClaims: refused(
    "ResourceClaimNotSupported",
    (claims) => isSet(claims) ? "asks for devices by resourceClaims" : undefined,
  ),
  securityContext: inside("PodSecurityContext"),
  initContainers: inside("Container"),
  containers: inside("Container"),
  // Nothing inside of it is refused: what somebody adds to a pod that runs must not end it.
  ephemeralContainers: HONOURED,
  volumes: inside("Volume"),

  activeDeadlineSeconds: HONOURED,
  automountServiceAccountToken: HONOURED,
  dnsConfig: HONOURED,
  dnsPolicy: HONOURED,
  enableServiceLinks: HONOURED,
  hostAliases: HONOURED,
  hostNetwork: HONOURED,
  hostname: HONOURED,
  hostnameOverride: HONOURED,
  imagePullSecrets: HONOURED,
  nodeName: HONOURED,
  priority: HONOURED,
  readinessGates: HONOURED,
  overhead: HONOURED,
  resources: inside("ResourceRequirements"),
  restartPolicy: HONOURED,
  runtimeClassName: HONOURED,
  serviceAccountName: HONOURED,
  subdomain: HONOURED,
  terminationGracePeriodSeconds: HONOURED,

  // Whoever makes or places pods acts on these, before a node sees them.
  affinity: QUIET,
  nodeSelector: QUIET,
  preemptionPolicy: QUIET,
  priorityClassName: QUIET,
  schedulerName: QUIET,
  schedulingGates: QUIET,
  schedulingGroup: QUIET,
  serviceAccount: QUIET,
  tolerations: QUIET,
  topologySpreadConstraints: QUIET,

  // A guest has less than what these leave it, or the API server fills them in.
  hostUsers: QUIET,

  setHostnameAsFQDN: missed(),
};

/** Kernel settings that a kubelet lets a pod have without being asked: they are its namespaces' own. */
const SAFE_SYSCTLS: ReadonlySet<string> = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
]);

/** `core/v1` PodSecurityContext. */
export const POD_SECURITY_CONTEXT: FieldRules = {
  sysctls: {
    ...refused("SysctlForbidden", (value) => {
      const bad = members(value).find(({ name }) =>
        !SAFE_SYSCTLS.has(String(name).replaceAll("/", "."))
      );
      return bad === undefined ? undefined : `sets the forbidden sysctl "${bad["name"]}"`;
    }),
    misses: isSet,
  },
  runAsNonRoot: HONOURED,
  runAsUser: QUIET,
  // WASI has neither users nor system calls: there is nothing left to take away.
  appArmorProfile: QUIET,
  fsGroup: QUIET,
  fsGroupChangePolicy: QUIET,
  runAsGroup: QUIET,
  seLinuxChangePolicy: QUIET,
  seLinuxOptions: QUIET,
  seccompProfile: QUIET,
  supplementalGroups: QUIET,
  supplementalGroupsPolicy: QUIET,
  windowsOptions: QUIET,
};
