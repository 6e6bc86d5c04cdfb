/**
 * What to do next with a container, decided from what is wanted and what was seen.
 *
 * @module
 */
import type { ContainerStateTerminated, RestartPolicy } from "../api/types.ts";
import { isRestarted, type RestartWishes } from "../restart_rule.ts";
import { BACKOFF_RESET_MS, nextBackoffMs } from "./backoff.ts";

/** A pause before a restart. Kept on disk, so that a restarted agent keeps to it. */
export interface Backoff {
  /** The run that it follows: that run's `restartCount`. */
  readonly attempt: number;
  /** Its length; 0 for a first restart, which comes at once. */
  readonly ms: number;
  /** When it is over, in ms since 1970. */
  readonly untilMs: number;
  /** The image that it is for: one with another image is as good as new. */
  readonly image?: string | undefined;
}

/** What follows the ending of a run. */
export type Decision =
  /** Start it, once the pause (if there is one) is over. */
  | { readonly do: "start"; readonly backoff?: Backoff }
  /** It has done what it was asked to do, or may not be tried again. */
  | { readonly do: "leave" };

/** What {@linkcode decideRestart} looks at. */
export interface Seen {
  /** What its pod wants. */
  readonly policy: RestartPolicy;
  /** What the container itself wants, which comes before that. @default {nothing} */
  readonly container?: RestartWishes;
  /** True for one that has done its work once a run has succeeded, whatever its rules say. @default false */
  readonly init?: boolean;
  /** The newest run, if it has ended; `undefined` if there was none. */
  readonly ended: ContainerStateTerminated | undefined;
  /** How long it lasted, by a clock that nobody sets. @default {what its times say} */
  readonly ranMs?: number | undefined;
  /** That run's `restartCount`. */
  readonly attempt: number;
  /** True if that run ended because its agent did. @default false */
  readonly excused?: boolean;
  /** The pause that was planned last. */
  readonly backoff: Backoff | undefined;
  readonly nowMs: number;
}

/**
 * Decides from the restart policy and the newest ending; touches nothing.
 *
 * As in a kubelet, the first restart comes at once; each further one pauses, longer each time, until
 * a run has lasted ten minutes. A run that ended with the agent does not count against the guest.
 */
export function decideRestart(seen: Seen): Decision {
  const { policy, container = {}, ended, attempt, excused = false, backoff, nowMs } = seen;
  if (ended === undefined) return { do: "start" };
  if (seen.init === true && ended.exitCode === 0) return { do: "leave" };
  if (!isRestarted(container, policy, ended.exitCode)) return { do: "leave" };
  if (excused || ended.reason === "ContainerStatusUnknown") return { do: "start" };
  if (backoff?.attempt === attempt) return { do: "start", backoff };
  const ms = pauseMs(seen.ranMs ?? lengthOf(ended), backoff);
  return { do: "start", backoff: { attempt, ms, untilMs: nowMs + ms } };
}

function lengthOf({ startedAt, finishedAt }: ContainerStateTerminated): number {
  return Date.parse(finishedAt ?? "") - Date.parse(startedAt ?? "");
}

function pauseMs(ranMs: number, backoff: Backoff | undefined): number {
  if (backoff === undefined || ranMs >= BACKOFF_RESET_MS) return 0;
  return nextBackoffMs(backoff.ms === 0 ? undefined : backoff.ms);
}
