/**
 * Entry of a Worker that runs threads of a guest, one after the other.
 *
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import { runThreads } from "./guest_thread.ts";
import { ThreadLedger } from "./thread_ledger.ts";
import type { ThreadSetup, ThreadWord } from "./thread_setup.ts";

/** What Deno's own types lack. */
interface WebLocks {
  request(name: string, held: () => Promise<void>): Promise<void>;
}

const release = await holdLock();
run();
release();

function run(): void {
  const setup = workerData as ThreadSetup;
  const ledger = new ThreadLedger(setup.ledger);
  const say = (word: ThreadWord): void => parentPort?.postMessage(word);
  try {
    runThreads(setup, say);
    if (ledger.ended) ledger.awaitSettled();
  } catch (error) {
    const message = error instanceof Error ? error.stack ?? error.message : String(error);
    say({ word: "failed", message });
    ledger.awaitSettled();
  }
}

/**
 * While a Worker of `node:worker_threads` holds a Web Lock, `terminate` ends it even in an endless
 * loop or in `Atomics.wait`; without, such a thread would run until the process ends. Answers how to
 * let go of the lock, so that the Worker can end by itself.
 */
function holdLock(): Promise<() => void> {
  const held = Promise.withResolvers<() => void>();
  const { locks } = navigator as typeof navigator & { readonly locks: WebLocks };
  void locks.request(crypto.randomUUID(), () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held.resolve(resolve);
    return promise;
  });
  return held.promise;
}
