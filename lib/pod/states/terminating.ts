import type { NextOf, PodState } from "../edges.ts";
import type { PodRecord } from "../record.ts";

/** Lets the grace period pass, at most, and sees that nothing is left running. */
export const terminating: PodState<"terminating"> = {
  async run(context): Promise<NextOf<"terminating">> {
    const { record, ending } = context;
    for (const name of Object.keys(record.containers)) {
      if (!context.sidecars.has(name)) context.tellStop(name);
    }
    await context.ended();
    ending.over();
    if (ending.cause === "deleted") return "removing";
    if (ending.cause === "shutdown") {
      context.conclude();
      await context.changed();
      return "suspended";
    }
    if (context.rejection === undefined) return "finished";
    if (!hasRun(record)) return "rejecting";
    record.failure = context.rejection;
    return "finished";
  },
};

function hasRun({ containers }: PodRecord): boolean {
  return Object.values(containers).some(({ state, lastState }) =>
    state.terminated !== undefined || lastState.terminated !== undefined
  );
}
