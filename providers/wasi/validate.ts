import { type Container, KubeletError, type Pod } from "../../lib/mod.ts";

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

/**
 * Throws for a pod that asks for what a WASI guest can never have: the machine's kernel, devices or
 * processes. `reason` names the first such wish.
 *
 * What only asks for *less* passes (`runAsUser`, dropped capabilities, seccomp, `hostUsers: false`):
 * a guest has no user, no system calls and no privileges to begin with.
 */
export function validatePod(pod: Pod): void {
  const spec = pod.spec;
  if (spec === undefined) return;
  if (spec.os !== undefined && spec.os.name !== "linux") {
    refuse("PodOSNotSupported", `it is made for the operating system "${spec.os.name}"`);
  }
  if (spec.hostPID === true) refuse("HostNamespaceNotSupported", "it asks for hostPID");
  if (spec.hostIPC === true) refuse("HostNamespaceNotSupported", "it asks for hostIPC");
  if (spec.shareProcessNamespace === true) {
    refuse("ProcessNamespaceNotSupported", "it asks for shareProcessNamespace");
  }
  // Not the ephemeral ones: what somebody adds to a pod that runs must not end it at the next start.
  [...(spec.initContainers ?? []), ...spec.containers].forEach(validateContainer);
}

function validateContainer(container: Container): void {
  const name = `container "${container.name}"`;
  const security = container.securityContext;
  if (security?.privileged === true) {
    refuse("PrivilegedNotSupported", `${name} is privileged`);
  }
  const special = (security?.capabilities?.add ?? []).find((capability) =>
    !ORDINARY_CAPABILITIES.has(capability.toUpperCase().replace(/^CAP_/, ""))
  );
  if (special !== undefined) {
    refuse("CapabilityNotSupported", `${name} adds the capability "${special}"`);
  }
  if ((container.volumeDevices ?? []).length > 0) {
    refuse("BlockVolumeNotSupported", `${name} uses a raw block volume`);
  }
  const shared = (container.volumeMounts ?? []).find((mount) =>
    mount.mountPropagation === "Bidirectional"
  );
  if (shared !== undefined) {
    refuse(
      "MountPropagationNotSupported",
      `${name} shares its mounts at "${shared.mountPath}" with the node`,
    );
  }
}

function refuse(reason: string, why: string): never {
  throw new KubeletError(
    "rejected",
    `Cannot run the pod as WebAssembly: ${why}; schedule it on a node with a container runtime`,
    { reason },
  );
}
