/**
 * What the end of the agent means for its pods.
 *
 * @module
 */
import { formatDuration } from "../durations.ts";
import { KubeletError } from "../errors.ts";

/** How long pods may take to end if nobody says anything. */
const GRACE_MS = 30_000;

/** What was given of the two periods, in ms. */
export interface ShutdownValues {
  readonly shutdownGracePeriodMs: number | undefined;
  readonly shutdownGracePeriodCriticalPodsMs: number | undefined;
}

/** What follows from them. */
export interface ShutdownSettings {
  readonly shutdownGracePeriodMs: number;
  readonly shutdownGracePeriodCriticalPodsMs: number | undefined;
  readonly shutdownEndsPods: boolean;
}

/**
 * A kubelet ends its node in order only if it was given a time for it; so the end of the agent is that of
 * the node if one of the periods is given.
 *
 * @throws {KubeletError} `invalid`, if the part is longer than the whole.
 */
export function shutdownSettings(values: ShutdownValues): ShutdownSettings {
  const { shutdownGracePeriodMs: given, shutdownGracePeriodCriticalPodsMs: critical } = values;
  const graceMs = given ?? GRACE_MS;
  if (critical !== undefined && critical > graceMs) {
    throw new KubeletError(
      "invalid",
      `Cannot use --shutdown-grace-period-critical-pods "${
        formatDuration(critical)
      }": it is a part \
of --shutdown-grace-period, which is "${formatDuration(graceMs)}"`,
    );
  }
  return {
    shutdownGracePeriodMs: graceMs,
    shutdownGracePeriodCriticalPodsMs: critical,
    shutdownEndsPods: (given ?? 0) > 0 || critical !== undefined,
  };
}
