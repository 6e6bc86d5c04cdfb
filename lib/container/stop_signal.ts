/**
 * What a container's stop signal comes to, where no guest can hear any.
 *
 * @module
 */
import type { Container } from "../api/types.ts";
import type { ImageOnDisk } from "../images/images.ts";

/** `SIGKILL` as container tools write it: with its prefix or without, in any case, or by its number. */
const KILL = /^((SIG)?KILL|9)$/i;

/**
 * True for a container that wants no time for its end: its stop signal (its own, KEP-4960, or else its
 * image's) is the one that no program can hear. With any other it runs until its grace period is over, as
 * the first process of a container does that has no handler for it.
 */
export function endsAtOnce(
  { lifecycle }: Pick<Container, "lifecycle">,
  { stopSignal }: Pick<ImageOnDisk, "stopSignal">,
): boolean {
  return KILL.test(lifecycle?.stopSignal || stopSignal || "SIGTERM");
}
