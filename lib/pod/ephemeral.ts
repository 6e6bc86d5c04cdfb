/**
 * Containers that are added to a pod that runs, to look into it (KEP-277).
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import { newContainerRecord } from "../container/record.ts";
import type { PodContext } from "./context.ts";

const log = getLogger(["krustlet", "pod"]);

/**
 * Starts each ephemeral container of the pod once, as soon as it is added, until the pod ends. None is
 * ever started again, and none keeps a pod from ending, or fails it.
 */
export async function runEphemeral(context: PodContext): Promise<void> {
  const { stop } = context.ending;
  const begun = new Set<string>();
  while (!stop.aborted) {
    for (const { name } of context.pod.spec?.ephemeralContainers ?? []) {
      if (begun.has(name)) continue;
      begun.add(name);
      void runOne(context, name);
    }
    await context.latest.changed(stop);
  }
}

async function runOne(context: PodContext, name: string): Promise<void> {
  try {
    await context.start({ name, init: false, ephemeral: true, policy: "Never" });
  } catch (error) {
    const message = `Ephemeral container "${name}" cannot run on this node: ${messageOf(error)}`;
    log.warn("{message}", { message });
    context.tell("Warning", "Failed", message);
    const record = context.record.containers[name] ??= newContainerRecord();
    record.state = { waiting: { reason: "CreateContainerError", message } };
    void context.changed();
  }
}
