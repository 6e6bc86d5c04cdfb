import assert from "node:assert/strict";
import fc from "fast-check";
import { FakeSocket } from "../_test_sockets.ts";
import { STREAMING_TIMES } from "../limits.ts";
import { ClosedError, type ForwardedConnection, ProtocolError } from "../session.ts";
import { control, data, framesOf, goaway, ping, reset, TestClient } from "../spdy/_test_client.ts";
import { forwardOverSpdy } from "../spdy/port_forward.ts";
import { commandOverSpdy } from "../spdy/remote_command.ts";
import { changed, changes, cut, MemoryWatch, settings } from "./settings.ts";

/** What a client does, mostly in an order that makes sense: small numbers meet each other. */
type Step =
  | { readonly do: "open"; readonly id: number; readonly headers: Record<string, string> }
  | { readonly do: "connect" }
  | { readonly do: "send"; readonly id: number; readonly bytes: Uint8Array; readonly fin: number }
  | { readonly do: "reset" | "ping"; readonly id: number }
  | { readonly do: "goaway" }
  | { readonly do: "other"; readonly type: number; readonly payload: readonly number[] };

const id = fc.oneof(fc.integer({ min: 0, max: 5 }).map((half) => 2 * half + 1), fc.nat(12));
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("open" as const),
        id,
        headers: fc.record({
          streamtype: fc.constantFrom("error", "data", "error", "data", "stdin", "resize", ""),
          port: fc.constantFrom("80", "80", "80", "0", "x"),
          requestid: fc.constantFrom("0", "0", "0", "1", ""),
        }, { requiredKeys: ["streamtype", "port"] }) as fc.Arbitrary<Record<string, string>>,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        ...{ do: fc.constant("send" as const), id },
        ...{ bytes: fc.uint8Array({ maxLength: 20 }), fin: fc.nat(1) },
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom("reset" as const, "ping" as const), id }),
    },
    { weight: 3, arbitrary: fc.constant({ do: "connect" as const }) },
    { weight: 1, arbitrary: fc.constant({ do: "goaway" as const }) },
    {
      weight: 1,
      arbitrary: fc.record({
        ...{ do: fc.constant("other" as const), type: fc.nat(12) },
        payload: fc.array(fc.nat(255), { maxLength: 20 }),
      }),
    },
  ),
  { maxLength: 14, size: "max" },
);

async function written(steps: readonly Step[]): Promise<Uint8Array> {
  using client = new TestClient();
  const frames: Uint8Array[] = [];
  let next = 1;
  for (const step of steps) {
    if (step.do === "open") {
      // Mostly the next one, as clients have it.
      const id = step.id < 11 ? next : step.id;
      frames.push(await client.open(id, step));
      next += 2;
    }
    if (step.do === "connect") {
      for (const streamtype of ["error", "data"]) {
        const headers = {
          streamtype,
          port: "80",
          requestid: `of ${next - (streamtype === "data" ? 2 : 0)}`,
        };
        frames.push(await client.open(next, { headers }));
        next += 2;
      }
    }
    if (step.do === "send") frames.push(data(step.id, step.bytes, step.fin));
    else if (step.do === "reset") frames.push(reset(step.id));
    else if (step.do === "ping") frames.push(ping(step.id));
    else if (step.do === "goaway") frames.push(goaway());
    else if (step.do === "other") frames.push(control(step.type, step));
  }
  return new Uint8Array(Buffer.concat(frames));
}

const cases = fc.record({
  steps,
  changes: changes(fc),
  places: fc.array(fc.nat(1_000), { maxLength: 4 }),
  /** Whoever uses the session: what is done with each stream. */
  deeds: fc.array(fc.constantFrom("read", "cancel", "end", "fail", "leave"), { maxLength: 4 }),
});

/** Everything fails in the one way that is promised. */
async function calmly(deed: Promise<unknown>): Promise<void> {
  await deed.catch((error) => {
    assert.ok(error instanceof ClosedError || error instanceof ProtocolError, String(error));
  });
}

async function use(client: ForwardedConnection, deed: string | undefined): Promise<void> {
  const { readable, writable } = client.data;
  if (deed === "read") await calmly(readable.pipeTo(writable));
  else if (deed === "cancel") await readable.cancel();
  else if (deed === "end") await client.end();
  else if (deed === "fail") await client.fail("no");
}

const FORWARDS = settings(300, 10);
Deno.test(`port-forward over SPDY ends in good order, whatever a peer says, ${FORWARDS.numRuns} times`, async () => {
  const memory = new MemoryWatch(FORWARDS);
  let served = 0;
  await fc.assert(
    fc.asyncProperty(cases, async ({ steps, changes, places, deeds }) => {
      memory.case();
      const socket = new FakeSocket();
      const session = forwardOverSpdy(socket, { times: STREAMING_TIMES });
      socket.come(...cut(changed(await written(steps), changes), places));
      socket.end();
      const uses: Promise<void>[] = [];
      for await (const client of session) uses.push(use(client, deeds[served++ % 4]));
      await Promise.all(uses);
      assert.ok(socket.closed.aborted);
      const last = framesOf(socket.sent).at(-1);
      assert.equal(last?.kind, "goaway");
    }),
    FORWARDS,
  );
  assert.ok(served > FORWARDS.numRuns / 50, "few clients were served");
  memory.finish("port-forward over SPDY");
});

const COMMANDS = settings(300, 10);
Deno.test(`a command over SPDY ends in good order, whatever a peer says, ${COMMANDS.numRuns} times`, async () => {
  const memory = new MemoryWatch(COMMANDS);
  let served = 0;
  const streams = { stdin: true, stdout: false, stderr: false, tty: false };
  await fc.assert(
    fc.asyncProperty(cases, async ({ steps, changes, places, deeds }) => {
      memory.case();
      const socket = new FakeSocket();
      const opening = commandOverSpdy(socket, { version: 4, streams, times: STREAMING_TIMES });
      socket.come(...cut(changed(await written(steps), changes), places));
      socket.end();
      await calmly(opening.then(async (session) => {
        served++;
        if (deeds[0] === "read") await calmly(new Response(session.stdin).bytes());
        if (deeds[0] === "cancel") await session.stdin!.cancel();
        await session.exit({ kind: "exited", code: 1 });
      }));
      assert.ok(socket.closed.aborted);
      framesOf(socket.sent);
    }),
    COMMANDS,
  );
  assert.ok(served > 0, "no command was served");
  memory.finish("commands over SPDY");
});
