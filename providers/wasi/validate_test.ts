import assert from "node:assert/strict";
import { type Container, KubeletError, type PodSpec } from "../../lib/mod.ts";
import { validatePod } from "./validate.ts";

function reasonFor(spec: Partial<PodSpec>): string | undefined {
  try {
    validatePod({ spec: { containers: [{ name: "app" }], ...spec } });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof KubeletError && error.code === "rejected");
    return error.reason;
  }
}

function reasonForContainer(container: Partial<Container>): string | undefined {
  return reasonFor({ initContainers: [{ name: "first", ...container }] });
}

Deno.test("validatePod() refuses what a guest can never have", () => {
  const cases: [Partial<PodSpec>, string][] = [
    [{ os: { name: "windows" } }, "PodOSNotSupported"],
    [{ hostPID: true }, "HostNamespaceNotSupported"],
    [{ hostIPC: true }, "HostNamespaceNotSupported"],
    [{ shareProcessNamespace: true }, "ProcessNamespaceNotSupported"],
  ];
  for (const [spec, reason] of cases) assert.equal(reasonFor(spec), reason);
  const containers: [Partial<Container>, string][] = [
    [{ securityContext: { privileged: true } }, "PrivilegedNotSupported"],
    [{ securityContext: { capabilities: { add: ["NET_ADMIN"] } } }, "CapabilityNotSupported"],
    [{ securityContext: { capabilities: { add: ["ALL"] } } }, "CapabilityNotSupported"],
    [{ volumeDevices: [{ name: "v", devicePath: "/dev/x" }] }, "BlockVolumeNotSupported"],
    [
      { volumeMounts: [{ name: "v", mountPath: "/m", mountPropagation: "Bidirectional" }] },
      "MountPropagationNotSupported",
    ],
  ];
  for (const [container, reason] of containers) {
    assert.equal(reasonForContainer(container), reason);
  }
});

Deno.test("validatePod() says which container and what to do", () => {
  assert.throws(
    () =>
      validatePod({
        spec: { containers: [{ name: "proxy", securityContext: { privileged: true } }] },
      }),
    {
      message: 'Cannot run the pod as WebAssembly: container "proxy" is privileged; ' +
        "schedule it on a node with a container runtime",
    },
  );
});

Deno.test("validatePod() passes what is harmless or asks for less", () => {
  assert.equal(
    reasonFor({
      os: { name: "linux" },
      hostNetwork: true,
      hostUsers: false,
      hostPID: false,
      securityContext: { runAsUser: 1000, fsGroup: 2000, seccompProfile: { type: "Default" } },
      containers: [{
        name: "app",
        stdin: true,
        tty: true,
        securityContext: {
          privileged: false,
          runAsNonRoot: true,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"], add: ["CAP_NET_BIND_SERVICE"] },
        },
        volumeMounts: [{ name: "v", mountPath: "/m", mountPropagation: "HostToContainer" }],
      }],
    }),
    undefined,
  );
});
