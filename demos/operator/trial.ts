/**
 * A Trial: run an image once, and say whether it ended as it should.
 *
 * @module
 */
import type { Pod } from "../../lib/mod.ts";

/** `demos.krustlet.dev/v1alpha1` Trial, as `crd.yaml` has it. */
export interface Trial {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly spec: TrialSpec;
  readonly status?: TrialStatus;
}

/** What is asked for. */
export interface TrialSpec {
  /** Image of the module. */
  readonly image: string;
  /** @default {none} */
  readonly args?: readonly string[];
  /** The exit code that passes. @default 0 */
  readonly expectCode?: number;
  /** Host name of the node that it runs on. @default {any node that runs modules} */
  readonly node?: string;
  /** Nothing begins while this is true. @default false */
  readonly paused?: boolean;
}

/** What was found. */
export interface TrialStatus {
  readonly verdict: "Passed" | "Failed";
  readonly message: string;
}

// #region judge
/** The verdict on a pod, or `undefined` while it runs. */
export function judge(spec: TrialSpec, { status }: Pod): TrialStatus | undefined {
  if (status?.phase !== "Succeeded" && status?.phase !== "Failed") return undefined;
  const ended = status.containerStatuses?.[0]?.state?.terminated;
  if (ended === undefined) {
    return { verdict: "Failed", message: `The pod was refused: ${status.reason ?? "unknown"}` };
  }
  const { expectCode = 0 } = spec;
  const message = `It ended with code ${ended.exitCode}, and ${expectCode} was expected`;
  return ended.exitCode === expectCode
    ? { verdict: "Passed", message: `It ended with code ${expectCode}` }
    : { verdict: "Failed", message };
}
// #endregion judge

/** The pod of a trial. It goes with its trial, which owns it. */
export function podOf({ apiVersion, kind, metadata, spec }: Trial): Pod {
  const key = "kubernetes.io/arch";
  const arch = "wasm32-wasi";
  return {
    metadata: {
      // By the UID: a trial that comes again under the same name has a pod of its own.
      name: `trial-${metadata.uid}`,
      namespace: metadata.namespace,
      ownerReferences: [{
        apiVersion: apiVersion ?? "",
        kind: kind ?? "",
        name: metadata.name,
        uid: metadata.uid,
        controller: true,
      }],
    },
    spec: {
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      containers: [{ name: "trial", image: spec.image, args: [...spec.args ?? []] }],
      nodeSelector: {
        [key]: arch,
        ...(spec.node === undefined ? {} : { "kubernetes.io/hostname": spec.node }),
      },
      tolerations: ["NoSchedule", "NoExecute"].map((effect) => ({
        ...{ key, operator: "Equal" as const, value: arch, effect },
      })),
    },
  };
}
