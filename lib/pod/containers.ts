/**
 * Runs a pod's containers on the pod's behalf.
 *
 * @module
 */
import { KubeletError, messageOf } from "../errors.ts";
import type { ContainerRole, PodContext } from "./context.ts";

/**
 * Runs one container until it need not run again. If it can never run here, the whole pod fails.
 * Never rejects.
 */
export async function watchRunner(context: PodContext, role: ContainerRole): Promise<void> {
  try {
    await context.start(role);
  } catch (error) {
    const rejected = error instanceof KubeletError && error.code === "rejected";
    const reason = rejected ? error.reason ?? "UnsupportedPod" : "InternalError";
    const message = `Container "${role.name}" cannot run on this node: ${messageOf(error)}`;
    const container = context.record.containers[role.name];
    if (container !== undefined) container.state = { waiting: { reason, message } };
    context.fail({ reason, message }, context.graceMs);
    context.rejected ||= rejected;
  }
}
