/**
 * What the agent remembers of one container: plain data, saved with its pod's record.
 *
 * @module
 */
import type {
  ContainerState,
  ContainerStateTerminated,
  ResourceRequirements,
} from "../api/types.ts";
import { type Exit, termination } from "../exit.ts";
import { kubeTime } from "../time.ts";
import type { Backoff } from "./decide.ts";

/** What is known of one container. */
export interface ContainerRecord {
  /** How often it was started again; the number of its newest run. */
  restartCount: number;
  /** What it is doing. */
  state: ContainerState;
  /** How the run before the newest ended. */
  lastState: ContainerState;
  /** `scheme://id` of the newest run. */
  containerId?: string;
  /** The image as it was resolved; the spec's own words until then. */
  image?: string;
  imageId?: string;
  /** True while a run is past its first instruction, its start hook and its startup probe. */
  started: boolean;
  /** True while it is started and its readiness probe, if it has one, says that it can serve. */
  ready: boolean;
  /** With what the newest run was begun. */
  resources?: ResourceRequirements;
  /** True if the newest run has ended because its agent did: that does not count against the guest. */
  excused?: boolean;
  /** The pause before the next start that was planned last. */
  backoff?: Backoff;
}

/** A container that nobody has started yet. */
export function newContainerRecord(reason = "ContainerCreating"): ContainerRecord {
  return {
    restartCount: 0,
    state: { waiting: { reason } },
    lastState: {},
    started: false,
    ready: false,
  };
}

/**
 * True while a run is under way, as far as anybody knows: its id is taken down before the first instruction,
 * and it is told of as running only after its start hook.
 */
export function isUnderWay({ state, lastState, containerId }: ContainerRecord): boolean {
  if (state.running !== undefined) return true;
  return state.waiting !== undefined && containerId !== lastState.terminated?.containerID;
}

/** Notes that the newest run has ended. */
export function endRun(
  container: ContainerRecord,
  { exit, startedMs, atMs, words = "" }: {
    readonly exit: Exit;
    /** When its first instruction came. @default {what its state says} */
    readonly startedMs?: number | undefined;
    readonly atMs: number;
    /** What it has left as its last words, which come before ours. */
    readonly words?: string;
  },
): void {
  const { exitCode, reason, message: ours, signal } = termination(exit);
  const message = words === "" ? ours : words;
  const startedAt = startedMs === undefined
    ? container.state.running?.startedAt
    : kubeTime(startedMs);
  const terminated: ContainerStateTerminated = {
    exitCode,
    reason,
    ...(message === "" ? {} : { message: shorten(message) }),
    ...(signal === undefined ? {} : { signal }),
    startedAt: startedAt ?? kubeTime(atMs),
    finishedAt: kubeTime(atMs),
    ...(container.containerId === undefined ? {} : { containerID: container.containerId }),
  };
  container.state = { terminated };
  container.started = false;
  container.ready = false;
}

/** Characters of a termination message: a kubelet's own limit is 4096 bytes per container. */
const MESSAGE_CHARS_MAX = 4096;

function shorten(message: string): string {
  return message.length <= MESSAGE_CHARS_MAX
    ? message
    : `${message.slice(0, MESSAGE_CHARS_MAX - 1)}…`;
}

/**
 * The ending that the next decision is about: that of the newest run, also while the container
 * waits in its back-off. `undefined` if no run has ended since the last start was decided.
 */
export function endedRun(container: ContainerRecord): ContainerStateTerminated | undefined {
  const { state, lastState, backoff, restartCount } = container;
  if (state.terminated !== undefined) return state.terminated;
  return backoff?.attempt === restartCount ? lastState.terminated : undefined;
}
