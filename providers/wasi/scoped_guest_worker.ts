/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/// <reference lib="esnext" />
/**
 * Entry of the Worker in which a guest process runs its guest on the portable host: its permissions
 * are those of one container, where the process itself was started with leave for all pods.
 *
 * It is given one order, writes to the agent itself what its guest says, so that the guest waits while nobody
 * reads, and answers the {@linkcode RunEnd}. Where no kernel ends it with its agent, it notices that itself, if its
 * guest has a network. The Worker need not be ended: its process is.
 *
 * @module
 */
import { runGuest } from "./guest_run.ts";
import type { Order, RunEnd } from "./protocol.ts";
import { say, sayOutput } from "./say.ts";
import { narrow } from "./scoped_walls.ts";

/** What the Worker tells its process: how the guest ended, or that there is no agent any more. */
export type FromScoped = RunEnd | "orphaned";

self.onmessage = async ({ data }: MessageEvent<Order>): Promise<void> => {
  const end = await runGuest(data, {
    host: "portable",
    line: "events",
    onOrphaned: () => self.postMessage("orphaned" satisfies FromScoped),
    enclose: (needs) => narrow(data, needs),
    onStarted: () => say({ word: "started" }),
    onOutput: sayOutput,
  });
  self.postMessage(end satisfies FromScoped);
};
