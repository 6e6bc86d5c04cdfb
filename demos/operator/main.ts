/**
 * An operator for trials, with the kubeconfig of `$KUBECONFIG`:
 *
 *     deno run -A demos/operator/main.ts
 *
 * @module
 */
import {
  ApiClient,
  ApiConnectionError,
  ApiError,
  listWatch,
  loadKubeconfig,
  messageOf,
} from "../../lib/mod.ts";
import { type Assignment, Controller, runMachine } from "../../lib/krator/mod.ts";
import { setTimeout as delay } from "node:timers/promises";
import { EDGES, STATES, TRIALS } from "./states.ts";
import type { Trial } from "./trial.ts";

/** Before a life is begun again that the API server has broken off. */
const RETRY_MS = 2_000;

// #region main
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(name, () => stop.abort());
}
using client = new ApiClient(await loadKubeconfig(), { userAgent: "trial-operator" });
const controller = new Controller<Trial>({
  work: live,
  onDefect: (trial, error) => console.error(`${trial.metadata.name}: ${messageOf(error)}`),
});
for await (
  const event of listWatch<Trial>(client, {
    path: `${TRIALS}/trials`,
    signal: stop.signal,
    onError: (error) => console.error(messageOf(error)),
  })
) {
  if (event.type === "synced") controller.sync(event.items.map(named));
  else if (event.type === "applied") controller.apply(event.object);
  else controller.remove(event.object);
}
await controller.idle();
// #endregion main
Deno.exit(0); // signal listeners keep a program alive

// #region live
/** One machine for each trial, from its creation until it is judged, or gone. */
async function live({ latest, gone }: Assignment<Trial>): Promise<void> {
  const signal = AbortSignal.any([gone, stop.signal]);
  while (!signal.aborted) {
    try {
      await runMachine({
        edges: EDGES,
        states: STATES,
        initial: "waiting",
        context: { client, latest },
        interrupt: { signal, to: "left" },
        onEnter: (state) => console.log(`${latest.value.metadata.name}: ${state}`),
      });
      return;
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof ApiConnectionError)) throw error;
      console.error(messageOf(error));
      await delay(RETRY_MS, undefined, { signal }).catch(() => {}); // it rejects for the signal
    }
  }
}
// #endregion live

/** The items of a list do not say what they are. */
function named(trial: Trial): Trial {
  return { ...trial, apiVersion: "demos.krustlet.dev/v1alpha1", kind: "Trial" };
}
