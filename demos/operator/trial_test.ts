import assert from "node:assert/strict";
import type { Pod } from "../../lib/mod.ts";
import { judge, podOf } from "./trial.ts";

const SPEC = { image: "registry.example/app:1", expectCode: 3 };

Deno.test("judge() says nothing of a pod that has not ended", () => {
  assert.equal(judge(SPEC, {}), undefined);
  assert.equal(judge(SPEC, { status: { phase: "Running" } }), undefined);
});

Deno.test("judge() compares the exit code with the one that was expected", () => {
  assert.equal(judge(SPEC, ended(3))?.verdict, "Passed");
  assert.equal(judge(SPEC, ended(0))?.verdict, "Failed");
  assert.equal(judge({ image: SPEC.image }, ended(0))?.verdict, "Passed");
  assert.match(judge(SPEC, ended(7))?.message ?? "", /7.*3/);
});

Deno.test("judge() fails a pod that a node has refused", () => {
  const refused = { status: { phase: "Failed", reason: "NodeAffinity" } } as const;
  assert.equal(judge(SPEC, refused)?.verdict, "Failed");
  assert.match(judge(SPEC, refused)?.message ?? "", /NodeAffinity/);
});

Deno.test("podOf() names the pod by the trial's UID, and the trial as its owner", () => {
  const { metadata } = podOf({
    ...{ apiVersion: "demos.krustlet.dev/v1alpha1", kind: "Trial", spec: SPEC },
    metadata: { name: "t", namespace: "n", uid: "1-2" },
  });
  assert.equal(metadata?.name, "trial-1-2");
  assert.deepEqual(metadata?.ownerReferences?.map(({ uid }) => uid), ["1-2"]);
});

Deno.test("podOf() chooses a node that runs modules, or the one that the trial names", () => {
  const metadata = { name: "t", namespace: "n", uid: "u" };
  const arch = { "kubernetes.io/arch": "wasm32-wasi" };
  assert.deepEqual(podOf({ metadata, spec: SPEC }).spec?.nodeSelector, arch);
  assert.deepEqual(podOf({ metadata, spec: { ...SPEC, node: "w1" } }).spec?.nodeSelector, {
    ...arch,
    "kubernetes.io/hostname": "w1",
  });
});

function ended(exitCode: number): Pod {
  const terminated = { exitCode };
  const status = {
    name: "trial",
    image: "",
    imageID: "",
    ready: false,
    restartCount: 0,
    lastState: {},
  };
  return {
    status: {
      phase: exitCode === 0 ? "Succeeded" : "Failed",
      containerStatuses: [{ ...status, state: { terminated } }],
    },
  };
}
