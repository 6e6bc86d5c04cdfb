import { EVENT, type Layout, PREVIEW1, RIGHTS_ALL, UNSTABLE } from "../abi.ts";
import { guestCalls, type ImportedCall } from "../calls/mod.ts";
import { socketCalls } from "../calls/sockets.ts";
import { FileDescriptor } from "../descriptors/file.ts";
import { LocalTable } from "../descriptors/table.ts";
import { PortableHost } from "../host/portable/portable_host.ts";
import { SUBSCRIPTIONS_MAX } from "../limits.ts";
import type { GuestMemory } from "../memory.ts";
import { networkOf } from "../network/decision.ts";
import { Refusal } from "../refusal.ts";
import type { ThreadContext } from "./thread_context.ts";
import { TOPIC } from "./questions.ts";
import type { ThreadSetup } from "./thread_setup.ts";

/** The order in which calls name their layout. */
export const LAYOUTS: readonly Layout[] = [PREVIEW1, UNSTABLE];

/**
 * Instead of an errno: read the process's own standard input yourself. It blocks whoever does, and the
 * supervisor must not be blocked.
 */
export const READ_YOURSELF = 70_000;

/** Calls that need no descriptor: each thread makes them by itself. */
const LOCAL = /^(args_|environ_|clock_|proc_|random_get$|sched_yield$)/;

/**
 * Calls of a thread where descriptors are of no use to other threads: the supervisor makes them, on
 * the shared memory, and the thread waits.
 */
export function portableImports(
  { args, env }: ThreadSetup,
  context: ThreadContext,
): Record<string, Record<string, ImportedCall>> {
  const host = new PortableHost();
  const table = new LocalTable();
  const input = { read: true, write: false, rights: RIGHTS_ALL, flags: 0, readOnly: false };
  const standardInput = table.add(new FileDescriptor(host.standard(0), input));
  const network = networkOf({});
  const { memory, exit, line, ledger } = context;
  const callsFor = (layout: Layout): Record<string, ImportedCall> => {
    const local = guestCalls(
      { memory, table, host, layout, network, args, env, exit },
      socketCalls,
    );
    const number = LAYOUTS.indexOf(layout);
    return Object.fromEntries(
      Object.entries(local).map(([name, call], index) => {
        const ask: ImportedCall = (...args) => {
          const values = [number, index, ...args];
          const { value } = line.ask(ledger, { topic: TOPIC.call, values, text: "" });
          return value === READ_YOURSELF ? call(standardInput, ...args.slice(1)) : value;
        };
        const isLocal = LOCAL.test(name)
          ? () => true
          : name === "poll_oneoff"
          ? (args: readonly (number | bigint)[]) => isSleep(memory, layout, args)
          : () => false;
        return [name, (...args) => {
          if (ledger.ended) context.leave();
          const answer = isLocal(args) ? call(...args) : ask(...args);
          if (ledger.ended) context.leave();
          return answer;
        }];
      }),
    );
  };
  return { wasi_snapshot_preview1: callsFor(PREVIEW1), wasi_unstable: callsFor(UNSTABLE) };
}

/** True for a `poll_oneoff` that waits for clocks only. */
function isSleep(
  memory: GuestMemory,
  { subscription }: Layout,
  [at, , count]: readonly (number | bigint)[],
): boolean {
  try {
    const wanted = Number(count) >>> 0;
    if (wanted > SUBSCRIPTIONS_MAX) return true;
    for (let index = 0; index < wanted; index++) {
      const type = memory.getU8((Number(at) >>> 0) + index * subscription.bytes + 8);
      if (type !== EVENT.clock) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof Refusal) return true; // and it will be refused again
    throw error;
  }
}
