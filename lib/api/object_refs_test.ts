import assert from "node:assert/strict";
import { objectRefs } from "./object_refs.ts";
import type { Pod } from "./types.ts";

Deno.test("objectRefs() finds every place that can name an object, once each", () => {
  const pod: Pod = {
    metadata: { name: "p", namespace: "ns" },
    spec: {
      containers: [{
        name: "c",
        env: [
          { name: "A", valueFrom: { configMapKeyRef: { name: "cm-env", key: "k" } } },
          { name: "B", valueFrom: { secretKeyRef: { name: "s-env", key: "k" } } },
          { name: "C", value: "plain" },
        ],
        envFrom: [{ configMapRef: { name: "cm-from" } }, { secretRef: { name: "s-from" } }],
      }],
      initContainers: [{ name: "i", envFrom: [{ configMapRef: { name: "cm-init" } }] }],
      ephemeralContainers: [{ name: "e", envFrom: [{ configMapRef: { name: "cm-debug" } }] }],
      volumes: [
        { name: "v1", configMap: { name: "cm-volume" } },
        { name: "v2", secret: { secretName: "s-volume" } },
        {
          name: "v3",
          projected: {
            sources: [
              { configMap: { name: "cm-env" } }, // a second time
              { secret: { name: "s-projected" } },
              { serviceAccountToken: { path: "token" } },
            ],
          },
        },
        { name: "v4", emptyDir: {} },
      ],
      imagePullSecrets: [{ name: "s-pull" }, {}],
    },
  };
  assert.deepEqual(objectRefs(pod).map((ref) => `${ref.kind} ${ref.namespace}/${ref.name}`), [
    "ConfigMap ns/cm-env",
    "ConfigMap ns/cm-from",
    "ConfigMap ns/cm-init",
    "ConfigMap ns/cm-debug",
    "ConfigMap ns/cm-volume",
    "Secret ns/s-env",
    "Secret ns/s-from",
    "Secret ns/s-volume",
    "Secret ns/s-projected",
    "Secret ns/s-pull",
  ]);
  assert.deepEqual(objectRefs({}), []);
});
