import { CLOCK, EVENT, EVENT_BYTES, EVENT_HANGUP, RIGHT, SUBCLOCK_ABSTIME } from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { Wait } from "../host/host.ts";
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

/** A subscription that has to be waited for. */
interface Pending {
  readonly userdata: bigint;
  readonly type: number;
  /** Point in time by the monotonic clock, for a clock. */
  readonly deadlineNs?: bigint;
  /** For a file. */
  readonly wait?: Wait;
}

/** `poll_oneoff`. */
export function pollCalls(state: GuestState): Calls {
  return {
    poll_oneoff(subscriptions: number, events: number, count: number, used: number): number {
      const wanted = count >>> 0;
      if (wanted === 0 || wanted > SUBSCRIPTIONS_MAX) return ERRNO.inval;
      state.memory.bytes(events, wanted * EVENT_BYTES);
      state.memory.getU32(used);
      const pending: Pending[] = [];
      const happened: Happening[] = [];
      for (let index = 0; index < wanted; index++) {
        const at = (subscriptions >>> 0) + index * state.layout.subscription.bytes;
        const subscription = subscribe(state, at);
        if ("errno" in subscription) happened.push(subscription);
        else pending.push(subscription);
      }
      const all = waitForAny(state, { pending, happened });
      for (const [index, event] of all.entries()) {
        writeEvent(state, { at: (events >>> 0) + index * EVENT_BYTES, event });
      }
      state.memory.setU32(used, all.length);
      return 0;
    },
  };
}

/** Reads one subscription; what can be told at once is a happening. */
function subscribe(state: GuestState, at: number): Pending | Happening {
  const { memory } = state;
  const userdata = memory.getU64(at);
  const type = memory.getU8(at + 8);
  try {
    if (type === EVENT.clock) return { userdata, type, deadlineNs: deadline(state, at) };
    if (type !== EVENT.fdRead && type !== EVENT.fdWrite) throw new Refusal(ERRNO.inval);
    const descriptor = state.table.require(memory.getU32(at + 16), RIGHT.pollFdReadwrite);
    const readiness = descriptor.readiness();
    if (readiness === undefined) throw new Refusal(ERRNO.badf);
    if (readiness.ready) {
      const flags = readiness.hangup ? EVENT_HANGUP : 0;
      return { userdata, type, errno: ERRNO.success, bytes: 0n, flags };
    }
    const interest = type === EVENT.fdRead ? "read" : "write";
    return { userdata, type, wait: { file: readiness.file, interest } };
  } catch (error) {
    if (!(error instanceof Refusal) || error.errno === ERRNO.fault) throw error;
    return { userdata, type, errno: error.errno, bytes: 0n, flags: 0 };
  }
}

/** When a clock's subscription is due, by the monotonic clock. */
function deadline({ memory, host, layout }: GuestState, at: number): bigint {
  const start = at + layout.subscription.clock;
  const clock = memory.getU32(start);
  const timeout = memory.getU64(start + 8);
  const flags = checkBits(memory.getU16(start + 24), SUBCLOCK_ABSTIME);
  if (clock !== CLOCK.realtime && clock !== CLOCK.monotonic) throw new Refusal(ERRNO.inval);
  const nowNs = host.clockNs(CLOCK.monotonic)!;
  if (flags === 0) return nowNs + timeout;
  return nowNs + timeout - host.clockNs(clock)!;
}

/** Blocks until there is something to tell. */
function waitForAny(
  { host }: GuestState,
  { pending, happened }: { pending: readonly Pending[]; happened: readonly Happening[] },
): readonly Happening[] {
  const waits = pending.flatMap(({ wait }) => wait ?? []);
  const deadlines = pending.flatMap(({ deadlineNs }) => deadlineNs ?? []);
  const first = deadlines.length === 0
    ? undefined
    : deadlines.reduce((left, right) => left < right ? left : right);
  while (true) {
    const nowNs = host.clockNs(CLOCK.monotonic)!;
    const leftNs = first === undefined ? undefined : first > nowNs ? first - nowNs : 0n;
    const answer = host.wait(waits, happened.length > 0 ? 0n : leftNs);
    if (answer < 0) throw new Refusal(-answer);
    const all = [...happened, ...due(pending, host.clockNs(CLOCK.monotonic)!)];
    if (all.length > 0) return all;
  }
}

function due(pending: readonly Pending[], nowNs: bigint): Happening[] {
  return pending.flatMap(({ userdata, type, deadlineNs, wait }) => {
    if (deadlineNs !== undefined && deadlineNs <= nowNs) {
      return { userdata, type, errno: ERRNO.success, bytes: 0n, flags: 0 };
    }
    if (wait?.ready === undefined) return [];
    const { errno, bytes, hangup } = wait.ready;
    return { userdata, type, errno, bytes, flags: hangup ? EVENT_HANGUP : 0 };
  });
}

function writeEvent(
  { memory }: GuestState,
  { at, event }: { at: number; event: Happening },
): void {
  memory.bytes(at, EVENT_BYTES).fill(0);
  memory.setU64(at, event.userdata);
  memory.setU16(at + 8, event.errno);
  memory.setU8(at + 10, event.type);
  if (event.type === EVENT.clock) return;
  memory.setU64(at + 16, event.bytes);
  memory.setU16(at + 24, event.flags);
}
