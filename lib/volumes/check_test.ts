import assert from "node:assert/strict";
import type { Pod, Volume } from "../api/types.ts";
import { checkVolumes } from "./check.ts";
import { podWith } from "./fake_objects.ts";

/** Volumes as they come from JSON: with fields that the types do not know. */
function pod(...volumes: Record<string, unknown>[]): Pod {
  return podWith(volumes as unknown as Volume[]);
}

Deno.test("checkVolumes() accepts every supported kind", () => {
  checkVolumes({});
  checkVolumes(pod(
    { name: "a", configMap: { name: "x" } },
    { name: "b", secret: { secretName: "x" } },
    { name: "c", emptyDir: { medium: "Memory" } },
    { name: "d", hostPath: { path: "/x" } },
    { name: "e", downwardAPI: {} },
    {
      name: "f",
      projected: {
        sources: [{ configMap: {} }, { secret: {} }, { downwardAPI: {} }, {
          serviceAccountToken: { path: "token" },
        }, { clusterTrustBundle: { path: "ca.pem", name: "x" } }],
      },
    },
    { name: "g" },
    { name: "h", emptyDir: null },
    { name: "i", persistentVolumeClaim: { claimName: "x" } },
    { name: "j", ephemeral: { volumeClaimTemplate: {} } },
    { name: "k", image: { reference: "x" } },
  ));
});

Deno.test("checkVolumes() rejects other kinds, names them and lists what is supported", () => {
  const kinds = ["csi", "nfs", "iscsi", "fc", "glusterfs", "gitRepo", "flexVolume"];
  for (const kind of [...kinds, "constructor"]) {
    assert.throws(() => checkVolumes(pod({ name: "data", [kind]: {} })), {
      name: "KubeletError",
      code: "rejected",
      reason: "UnsupportedVolume",
      message: `Cannot mount volume "data": the volume kind "${kind}" is not supported; ` +
        "supported: configMap, secret, downwardAPI, projected, emptyDir, hostPath, " +
        "persistentVolumeClaim, ephemeral, image",
    });
  }
});

Deno.test("checkVolumes() rejects projected sources and media that do not exist here", () => {
  for (const kind of ["podCertificate", "constructor"]) {
    assert.throws(
      () => checkVolumes(pod({ name: "p", projected: { sources: [{ [kind]: {} }] } })),
      {
        code: "rejected",
        message: new RegExp(`volume "p": the projected source "${kind}" is not supported`),
      },
    );
  }
  assert.throws(() => checkVolumes(pod({ name: "e", emptyDir: { medium: "HugePages" } })), {
    code: "rejected",
    message: /the emptyDir medium "HugePages" is not supported; supported: Memory$/,
  });
});

Deno.test("checkVolumes() rejects names that cannot be folders, and names used twice", () => {
  for (const name of ["", "..", "../x", "a/b", "A", "-a", "a".repeat(64)]) {
    assert.throws(() => checkVolumes(pod({ name, emptyDir: {} })), { code: "rejected" }, name);
  }
  assert.throws(
    () => checkVolumes(pod({ name: "a", emptyDir: {} }, { name: "a", emptyDir: {} })),
    /its name is used twice in the pod$/,
  );
  assert.throws(
    () => checkVolumes(pod({ name: "a", emptyDir: {}, secret: {} })),
    /more than one kind: emptyDir, secret$/,
  );
});
