/**
 * Guests that a test begins and kills.
 *
 * @module
 */
import type { ContainerRun, Exit } from "../../lib/mod.ts";
import type { WasiFixture } from "./testing.ts";

const never = new AbortController().signal;

/** A guest under way. */
export interface Running {
  readonly ended: Promise<Exit>;
  readonly kill: () => Promise<Exit>;
}

/** Runs a guest up to its first instruction. */
export async function begin(
  { provider }: WasiFixture,
  container: ContainerRun,
): Promise<Running> {
  const kill = new AbortController();
  const started = Promise.withResolvers<void>();
  const control = { onStarted: started.resolve, stop: never, kill: kill.signal };
  const ended = provider.run(container, control);
  await Promise.race([started.promise, ended]);
  return {
    ended,
    kill(): Promise<Exit> {
      kill.abort();
      return ended;
    },
  };
}
