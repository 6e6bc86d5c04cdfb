import { type Layout, PREVIEW1, UNSTABLE } from "../abi.ts";
import { guestCalls, type ImportedCall } from "../calls/mod.ts";
import { socketCalls } from "../calls/sockets.ts";
import { StreamDescriptor } from "../descriptors/stream.ts";
import { LibcHost } from "../host/libc/libc_host.ts";
import { LibcSockets } from "../host/libc/libc_sockets.ts";
import type { Vectors } from "../memory.ts";
import type { Network } from "../network/decision.ts";
import { Correspondents } from "../network/incoming.ts";
import { traceCalls } from "../trace/trace.ts";
import type { ThreadContext } from "./thread_context.ts";
import { OutputRing } from "./output_ring.ts";
import { SharedNews } from "./shared_news.ts";
import { TOPIC } from "./questions.ts";
import { SharedTable } from "./shared_table.ts";
import type { LibcSetup, ThreadSetup } from "./thread_setup.ts";

/** Calls that a thread makes by itself, through libc, on the descriptors of all threads. */
export function libcImports(
  { system, args, env }: ThreadSetup & { readonly system: LibcSetup },
  context: ThreadContext,
): Record<string, Record<string, ImportedCall>> {
  const host = LibcHost.open({ sockets: LibcSockets, shares: true });
  const ring = new OutputRing(system.ring);
  const wake = (): void => context.ledger.ring();
  const { memory, exit } = context;
  const network = networkThrough(context, system);
  const table = new SharedTable({
    host,
    buffer: system.table,
    shelf: {
      names: [...system.names],
      stream(handle: number): StreamDescriptor {
        switch (system.ends[handle]) {
          case "sink":
            return new RingStream((parts) => ring.write(handle, parts, wake));
          case "source":
            return new SourceStream(handle, context);
          default:
            return new StreamDescriptor();
        }
      },
      ...(network.news === undefined
        ? {}
        : { correspondents: () => new Correspondents(network, host) }),
    },
  });
  const { trace } = system;
  const callsFor = (layout: Layout): Record<string, ImportedCall> => {
    const calls = guestCalls(
      { memory, table, host, layout, network, args, env, exit },
      socketCalls,
    );
    const traced = trace === undefined ? calls : traceCalls(calls, {
      memory,
      layout,
      write: (line) => ring.write(trace, [new TextEncoder().encode(line)], wake),
    });
    return Object.fromEntries(
      Object.entries(traced).map(([name, call]) => [name, guarded(call, table, context)]),
    );
  };
  return { wasi_snapshot_preview1: callsFor(PREVIEW1), wasi_unstable: callsFor(UNSTABLE) };
}

/** The embedder's decisions, for which the thread waits. */
function networkThrough(
  { line, ledger }: ThreadContext,
  { news, loopback }: LibcSetup,
): Network {
  const ask = (topic: number, text: string): string =>
    line.ask(ledger, { topic, values: [], text }).text;
  return {
    allow: (request) => JSON.parse(ask(TOPIC.allow, JSON.stringify(request))),
    lookup: (name) => JSON.parse(ask(TOPIC.lookup, name)),
    news: news && new SharedNews(news),
    loopback,
  };
}

/** A call of one thread of many: it does not begin after the end, and lets go of its descriptors. */
function guarded(call: ImportedCall, table: SharedTable, context: ThreadContext): ImportedCall {
  const { ledger } = context;
  return (...args) => {
    if (ledger.ended) context.leave();
    try {
      return call(...args);
    } finally {
      table.release();
    }
  };
}

/** A stream that the supervisor writes. */
class RingStream extends StreamDescriptor {
  readonly #send: (parts: readonly Uint8Array[]) => void;

  constructor(send: (parts: readonly Uint8Array[]) => void) {
    super({ sink: (bytes) => send([bytes]) });
    this.#send = send;
  }

  override write(from: Vectors): number {
    if (this.refusesWrites) return super.write(from);
    this.#send(Array.from({ length: from.count }, (_, index) => from.view(index)));
    return from.bytes;
  }
}

/** A stream that the supervisor reads. */
class SourceStream extends StreamDescriptor {
  constructor(handle: number, { ledger, line }: ThreadContext) {
    super({ source: () => 0 });
    this.#read = (pointer, length) =>
      line.ask(ledger, { topic: TOPIC.read, values: [handle, pointer, length], text: "" }).value;
  }

  readonly #read: (pointer: number, length: number) => number;

  override read(into: Vectors): number {
    const answer = super.read(into);
    if (answer < 0 || into.count === 0) return answer;
    return this.#read(into.places[0]!, into.places[1]!);
  }
}
