/** Whole sessions over SPDY: whatever a peer says, and whatever is done with its streams, they end. */
import assert from "node:assert/strict";
import type { Random } from "../../fuzz/random.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";
import { FakeSocket } from "../_test_sockets.ts";
import { STREAMING_TIMES } from "../limits.ts";
import { ClosedError, type ForwardedConnection, ProtocolError } from "../session.ts";
import { framesOf } from "../spdy/_test_client.ts";
import { GOAWAY_STATUS } from "../spdy/frames.ts";
import { forwardOverSpdy } from "../spdy/port_forward.ts";
import { commandOverSpdy } from "../spdy/remote_command.ts";
import { DATA_PORT, makeSession } from "./session_cases.ts";

const CASES = casesOf(1_000);
/** Whoever uses a session: what is done with a stream. */
const DEEDS = ["read", "cancel", "end", "fail", "leave"] as const;

/** Everything fails in the one way that is promised. */
async function calmly(deed: Promise<unknown>): Promise<void> {
  await deed.catch((error) => {
    assert.ok(error instanceof ClosedError || error instanceof ProtocolError, String(error));
  });
}

async function use(random: Random, client: ForwardedConnection): Promise<void> {
  const { readable, writable } = client.data;
  const deed = random.of(DEEDS);
  if (deed === "read") await calmly(readable.pipeTo(writable));
  else if (deed === "cancel") await calmly(readable.cancel());
  else if (deed === "end") await Promise.all([client.end(), client.end()]);
  else if (deed === "fail") await client.fail("no");
}

/** Bytes that change on their way can turn one port into another, but not into anything else. */
function assertPort(port: number, isChanged: boolean): void {
  if (isChanged) assert.ok(Number.isInteger(port) && port >= 1 && port <= 0xffff, `port ${port}`);
  else assert.equal(port, DATA_PORT);
}

/** What was sent is what SPDY has, each stream is replied to once at most, and the last word is said. */
function assertInOrder(socket: FakeSocket): void {
  assert.ok(socket.closed.aborted);
  const frames = framesOf(socket.sent);
  const last = frames.at(-1);
  assert.ok(last?.kind === "goaway" && last.status !== GOAWAY_STATUS.internalError);
  const replied = new Set<number>();
  const over = new Set<number>();
  for (const frame of frames) {
    if (frame.kind === "syn_reply") {
      assert.ok(!replied.has(frame.streamId), `two replies to ${frame.streamId}`);
      replied.add(frame.streamId);
    } else if (frame.kind === "data") {
      assert.ok(replied.has(frame.streamId), `data before a reply to ${frame.streamId}`);
      assert.ok(!over.has(frame.streamId), `data behind the end of ${frame.streamId}`);
      if (frame.fin) over.add(frame.streamId);
    }
  }
}

Deno.test(`port-forward over SPDY ends in good order, whatever a peer says, ${CASES} times`, async () => {
  const tally = await runCases("port-forward over SPDY", CASES, async (random) => {
    const { chunks, isChanged } = await makeSession(random);
    const socket = new FakeSocket();
    const session = forwardOverSpdy(socket, { times: STREAMING_TIMES });
    socket.come(...chunks);
    socket.end();
    const uses: Promise<void>[] = [];
    for await (const client of session) {
      assertPort(client.port, isChanged);
      uses.push(use(random, client));
    }
    await Promise.all(uses);
    assertInOrder(socket);
    return uses.length === 0 ? "nobody" : "served";
  });
  assertAllSaid(tally, ["served"]);
});

Deno.test(`a command over SPDY ends in good order, whatever a peer says, ${CASES} times`, async () => {
  const streams = { stdin: true, stdout: false, stderr: false, tty: false };
  const tally = await runCases("commands over SPDY", CASES, async (random) => {
    const { chunks } = await makeSession(random);
    const socket = new FakeSocket();
    const opening = commandOverSpdy(socket, { version: 4, streams, times: STREAMING_TIMES });
    socket.come(...chunks);
    socket.end();
    let said = "late";
    await calmly(opening.then(async (session) => {
      said = "served";
      const deed = random.of(DEEDS);
      if (deed === "read") await calmly(new Response(session.stdin).bytes());
      if (deed === "cancel") await calmly(session.stdin!.cancel());
      await session.exit({ kind: "exited", code: 1 });
    }));
    assertInOrder(socket);
    return said;
  });
  assert.ok((tally["served"] ?? 0) > 0, "no command was served");
});
