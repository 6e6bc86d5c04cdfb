import type { Container } from "../../api/types.ts";
import { aborted } from "../../time.ts";
import type { PodContext } from "../context.ts";
import { watchRunner } from "../containers.ts";
import type { NextOf, PodState } from "../edges.ts";

/** Runs the init containers in their order. Sidecars among them are only waited for to start. */
export const initializing: PodState<"initializing"> = {
  async run(context): Promise<NextOf<"initializing">> {
    for (const spec of context.pod.spec?.initContainers ?? []) {
      if (spec.restartPolicy === "Always") await startSidecar(context, spec);
      else {
        await watchRunner(context, {
          name: spec.name,
          init: true,
          policy: context.pod.spec?.restartPolicy === "Never" ? "Never" : "OnFailure",
        });
      }
      if (context.ending.stop.aborted) return "terminating";
      if (context.restarting.aborted) return "restarting";
      const ended = context.record.containers[spec.name]?.state.terminated;
      if (spec.restartPolicy !== "Always" && ended?.exitCode !== 0) {
        const message = `Init container "${spec.name}" failed with exit code ${ended?.exitCode}`;
        context.fail({ reason: "InitContainerFailed", message }, context.graceMs);
        return "terminating";
      }
    }
    return "running";
  },
};

/** Settles when the sidecar has reached its first instruction, or when the pod ends or begins again. */
async function startSidecar(context: PodContext, { name }: Container): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  void watchRunner(context, {
    name,
    init: true,
    policy: "Always",
    sidecar: true,
    onStarted: resolve,
  });
  await Promise.race([
    promise,
    aborted(AbortSignal.any([context.ending.stop, context.restarting])),
  ]);
}
