/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/// <reference lib="esnext" />
/**
 * Entry of the Worker in which a guest process runs its guest on the portable host: its permissions
 * are those of one container, where the process itself was started with leave for all pods.
 *
 * It is given one order, and says `started` and the {@linkcode RunEnd}. The Worker need not be ended:
 * its process is.
 *
 * @module
 */
import { runGuest } from "./guest_run.ts";
import type { Order, Word } from "./protocol.ts";

self.onmessage = async ({ data }: MessageEvent<Order>): Promise<void> => {
  const say = (word: Word): void => self.postMessage(word);
  const end = await runGuest(data, {
    host: "portable",
    onStarted: () => say({ word: "started" }),
    onOutput: (stream, bytes) => say({ word: "output", stream, bytes: bytes.slice() }),
  });
  say({ word: "exit", ...end });
};
