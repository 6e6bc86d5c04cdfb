/**
 * What clients do over SPDY, mostly in an order that makes sense. For tests only.
 *
 * @module
 */
import type { Random } from "../../fuzz/random.ts";
import { control, data, goaway, ping, reset, TestClient } from "../spdy/_test_client.ts";
import { change, cut, joined, makeBytes } from "./changes.ts";
import { StoredBlocks } from "./stored_blocks.ts";

/** One deed; small numbers meet each other. */
type Step =
  | { readonly do: "open"; readonly id: number; readonly headers: Record<string, string> }
  | { readonly do: "connect" }
  | { readonly do: "send"; readonly id: number; readonly bytes: Uint8Array; readonly fin: number }
  | { readonly do: "reset" | "ping"; readonly id: number }
  | { readonly do: "goaway" }
  | { readonly do: "other"; readonly type: number; readonly payload: readonly number[] };

function makeStep(random: Random): Step {
  const id = random.once(2) ? 2 * random.below(6) + 1 : random.below(13);
  const kind = random.below(14);
  if (kind < 4) return { do: "open", id, headers: makeStreamHeaders(random) };
  if (kind < 8) return { do: "send", id, bytes: makeBytes(random, 20), fin: random.below(2) };
  if (kind < 11) return { do: "connect" };
  if (kind === 11) return { do: random.of(["reset", "ping"] as const), id };
  if (kind === 12) return { do: "goaway" };
  return { do: "other", type: random.below(13), payload: [...makeBytes(random, 20)] };
}

function makeStreamHeaders(random: Random): Record<string, string> {
  const types = ["error", "data", "error", "data", "stdin", "resize", ""];
  const requestid = random.of(["0", "0", "0", "1", ""]);
  const streamtype = random.of(types);
  const port = portOf(streamtype);
  return {
    streamtype,
    port: random.of([port, port, port, "0", "x"]),
    ...(random.once(2) ? {} : { requestid }),
  };
}

/** The port that data is for. */
export const DATA_PORT = 80;

/** The port of a stream for errors is another one, which nobody may forward to. */
function portOf(streamtype: string): string {
  return `${streamtype === "error" ? 90 : DATA_PORT}`;
}

/** Everything that one client sends, after what happens to bytes on their way. */
export interface MadeSession {
  readonly chunks: Uint8Array[];
  /** Some bytes are others than the client's: a digit of a port may be, too. */
  readonly isChanged: boolean;
}

/** One client's session. */
export async function makeSession(random: Random): Promise<MadeSession> {
  const steps = random.list(0, 14, () => makeStep(random));
  // A compressor costs more than all the rest: few have one.
  if (!random.once(COMPRESSED_ONE_IN)) {
    return finish(random, await written(steps, new StoredBlocks()));
  }
  using client = new TestClient();
  return finish(random, await written(steps, client));
}

const COMPRESSED_ONE_IN = 32;

function finish(random: Random, bytes: Uint8Array): MadeSession {
  const changed = change(random, bytes);
  return { chunks: cut(random, changed.bytes), isChanged: changed.count > 0 };
}

/** Writes a client's SYN_STREAM frames. */
interface Writer {
  open(
    id: number,
    given: { readonly headers: Readonly<Record<string, string>> },
  ): Uint8Array | Promise<Uint8Array>;
}

async function written(steps: readonly Step[], client: Writer): Promise<Uint8Array> {
  const frames: Uint8Array[] = [];
  let next = 1;
  for (const step of steps) {
    if (step.do === "open") {
      // Mostly the next one, as clients have it.
      frames.push(await client.open(step.id < 11 ? next : step.id, step));
      next += 2;
    } else if (step.do === "connect") {
      const requestid = `of ${next}`;
      for (const streamtype of ["error", "data"]) {
        const headers = { streamtype, port: portOf(streamtype), requestid };
        frames.push(await client.open(next, { headers }));
        next += 2;
      }
    } else if (step.do === "send") frames.push(data(step.id, step.bytes, step.fin));
    else if (step.do === "reset") frames.push(reset(step.id));
    else if (step.do === "ping") frames.push(ping(step.id));
    else if (step.do === "goaway") frames.push(goaway());
    else if (step.do === "other") frames.push(control(step.type, step));
  }
  return joined(...frames);
}
