/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/// <reference lib="esnext" />
/**
 * Entry of the Worker in which a guest process runs its guest on the portable host: its permissions
 * are those of one container, where the process itself was started with leave for all pods.
 *
 * It is given one order, writes to the agent itself what its guest says, so that the guest waits while nobody
 * reads, and answers the {@linkcode RunEnd}. The Worker need not be ended: its process is.
 *
 * @module
 */
import { runGuest } from "./guest_run.ts";
import type { Order } from "./protocol.ts";
import { say, sayOutput } from "./say.ts";

self.onmessage = async ({ data }: MessageEvent<Order>): Promise<void> => {
  const end = await runGuest(data, {
    host: "portable",
    onStarted: () => say({ word: "started" }),
    onOutput: sayOutput,
  });
  self.postMessage(end);
};
