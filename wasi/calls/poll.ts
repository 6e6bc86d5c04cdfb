import { CLOCK, EVENT, EVENT_BYTES, EVENT_HANGUP, RIGHT, SUBCLOCK_ABSTIME } from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { Eventual, Wait } from "../host/host.ts";
import { SUBSCRIPTIONS_MAX } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import { checkBits } from "./numbers.ts";
import type { Calls, GuestState } from "./state.ts";

/** Something that a subscription has to tell. */
interface Happening {
  readonly userdata: bigint;
  readonly type: number;
  readonly errno: number;
  readonly bytes: bigint;
  readonly flags: number;
}

/** A subscription that has to be waited for: a clock until its deadline, anything else by `wait`. */
interface Pending {
  readonly userdata: bigint;
  readonly type: number;
  /** Point in time by the monotonic clock. */
  readonly deadlineNs: bigint;
  readonly wait: Wait | undefined;
}

/** One call of `poll_oneoff`. */
class Poll {
  readonly pending: Pending[] = [];
  readonly waits: Wait[] = [];
  readonly happened: Happening[] = [];
  /** The first deadline; undefined if no clock is waited for. */
  firstNs: bigint | undefined;

  waitFor(pending: Pending): void {
    this.pending.push(pending);
    const { wait, deadlineNs } = pending;
    if (wait !== undefined) this.waits.push(wait);
    else if (this.firstNs === undefined || deadlineNs < this.firstNs) this.firstNs = deadlineNs;
  }
}

/** `poll_oneoff`. */
export function pollCalls(state: GuestState): Calls {
  return {
    poll_oneoff(subscriptions: number, events: number, count: number, used: number): Eventual {
      const { memory, layout } = state;
      const wanted = count >>> 0;
      if (wanted === 0 || wanted > SUBSCRIPTIONS_MAX) return ERRNO.inval;
      memory.check(events, wanted * EVENT_BYTES);
      memory.check(used, 4);
      const start = memory.check(subscriptions, wanted * layout.subscription.bytes);
      const poll = new Poll();
      for (let index = 0; index < wanted; index++) {
        subscribe(state, poll, start + index * layout.subscription.bytes);
      }
      const tell = (): number => {
        for (let index = 0; index < poll.happened.length; index++) {
          const at = (events >>> 0) + index * EVENT_BYTES;
          writeEvent(state, { at, event: poll.happened[index]! });
        }
        memory.setU32(used, poll.happened.length);
        return 0;
      };
      const waiting = waitForAny(state, poll);
      return waiting === undefined ? tell() : waiting.then(tell);
    },
  };
}

/** Reads one subscription. What can be told at once has happened. */
function subscribe(state: GuestState, poll: Poll, at: number): void {
  const { memory } = state;
  const userdata = memory.getU64(at);
  const type = memory.getU8(at + 8);
  try {
    if (type === EVENT.clock) {
      poll.waitFor({ userdata, type, deadlineNs: deadline(state, at), wait: undefined });
      return;
    }
    if (type !== EVENT.fdRead && type !== EVENT.fdWrite) throw new Refusal(ERRNO.inval);
    const descriptor = state.table.require(memory.getU32(at + 16), RIGHT.pollFdReadwrite);
    const readiness = descriptor.readiness();
    if (readiness === undefined) throw new Refusal(ERRNO.badf);
    if (readiness.ready) {
      const flags = readiness.hangup ? EVENT_HANGUP : 0;
      poll.happened.push({ userdata, type, errno: ERRNO.success, bytes: 0n, flags });
      return;
    }
    const interest = type === EVENT.fdRead ? "read" : "write";
    const wait: Wait = { file: readiness.file, interest, ready: undefined };
    poll.waitFor({ userdata, type, deadlineNs: 0n, wait });
  } catch (error) {
    if (!(error instanceof Refusal) || error.errno === ERRNO.fault) throw error;
    poll.happened.push({ userdata, type, errno: error.errno, bytes: 0n, flags: 0 });
  }
}

/** When a clock's subscription is due, by the monotonic clock. */
function deadline({ memory, host, layout }: GuestState, at: number): bigint {
  const start = at + layout.subscription.clock;
  const clock = memory.getU32(start);
  const timeout = memory.getU64(start + 8);
  const flags = checkBits(memory.getU16(start + 24), SUBCLOCK_ABSTIME);
  if (clock !== CLOCK.realtime && clock !== CLOCK.monotonic) throw new Refusal(ERRNO.inval);
  const nowNs = host.clockNs(CLOCK.monotonic);
  if (flags === 0) return nowNs + timeout;
  return nowNs + timeout - host.clockNs(clock);
}

/** Who waits for longer is idle; a storm of starts is over by then. */
const IDLE_NS = 10_000_000_000n;

/** Blocks until something has happened; answers a promise where the host cannot block. */
function waitForAny(state: GuestState, poll: Poll): Promise<void> | undefined {
  while (true) {
    const timeoutNs = timeoutOf(state, poll);
    const long = state.onIdle !== undefined && (timeoutNs === undefined || timeoutNs > IDLE_NS);
    const answer = state.host.wait(poll.waits, long ? IDLE_NS : timeoutNs);
    if (typeof answer !== "number") {
      return answer.then((settled) => {
        if (collect(state, poll, settled)) return;
        if (long) becomeIdle(state);
        return waitForAny(state, poll);
      });
    }
    if (collect(state, poll, answer)) return undefined;
    if (long) becomeIdle(state);
  }
}

function becomeIdle(state: GuestState): void {
  state.onIdle?.();
  state.onIdle = undefined;
}

/** How long to wait at most: not at all if there is something to tell. */
function timeoutOf({ host }: GuestState, { happened, firstNs }: Poll): bigint | undefined {
  if (happened.length > 0) return 0n;
  if (firstNs === undefined) return undefined;
  const nowNs = host.clockNs(CLOCK.monotonic);
  return firstNs > nowNs ? firstNs - nowNs : 0n;
}

/** Looks at what was waited for; true if there is something to tell. */
function collect({ host }: GuestState, poll: Poll, answer: number): boolean {
  if (answer < 0) throw new Refusal(-answer);
  const nowNs = poll.firstNs === undefined ? 0n : host.clockNs(CLOCK.monotonic);
  for (const { userdata, type, deadlineNs, wait } of poll.pending) {
    if (wait === undefined) {
      if (deadlineNs > nowNs) continue;
      poll.happened.push({ userdata, type, errno: ERRNO.success, bytes: 0n, flags: 0 });
    } else if (wait.ready !== undefined) {
      const { errno, bytes, hangup } = wait.ready;
      poll.happened.push({ userdata, type, errno, bytes, flags: hangup ? EVENT_HANGUP : 0 });
    }
  }
  return poll.happened.length > 0;
}

function writeEvent(
  { memory }: GuestState,
  { at, event }: { at: number; event: Happening },
): void {
  const file = event.type !== EVENT.clock;
  memory.setU64(at, event.userdata);
  memory.setU64(at + 8, BigInt(event.errno | event.type << 16));
  memory.setU64(at + 16, file ? event.bytes : 0n);
  memory.setU64(at + 24, file ? BigInt(event.flags) : 0n);
}
