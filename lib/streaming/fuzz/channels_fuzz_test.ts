/** Messages of WebSockets with channels, one by one and for whole sessions. */
import assert from "node:assert/strict";
import type { Random } from "../../fuzz/random.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";
import { bytesOf, FakeSocket } from "../_test_sockets.ts";
import { BASE64, BINARY } from "../channels/codec.ts";
import { forwardOverChannels } from "../channels/port_forward.ts";
import { CHANNEL, CLOSE_SIGNAL, commandOverChannels } from "../channels/remote_command.ts";
import { ClosedError, type TerminalSize } from "../session.ts";
import { change, makeBytes } from "./changes.ts";

const CASES = casesOf(2_000);

function makeChannel(random: Random): number {
  return random.once(2) ? random.below(6) : random.below(256);
}

Deno.test(`codecs read what they write, and anything else without harm, ${CASES} times`, async () => {
  const tally = await runCases("codecs", CASES, (random) => {
    const base64 = random.once(2);
    const codec = base64 ? BASE64 : BINARY;
    const channel = base64 ? random.below(64) : makeChannel(random);
    const sent = { channel, bytes: makeBytes(random, 20) };
    const written = codec.encode(sent);
    const { bytes, count } = change(
      random,
      typeof written === "string" ? bytesOf(written) : written,
    );
    const read = codec.decode(bytes);
    if (count === 0) assert.deepEqual(read, sent);
    if (read === undefined) return "refused";
    assert.ok(read.channel >= 0 && read.channel <= 255);
    if (!base64) assert.deepEqual(BINARY.encode(read), bytes);
    return "read";
  });
  assertAllSaid(tally, ["read", "refused"]);
});

/** Mostly messages that mean something. */
function makeMessage(random: Random): Uint8Array {
  switch (random.below(10)) {
    case 0:
      return makeBytes(random, 10);
    case 1: {
      const width = random.once(2) ? random.below(0x20000) : random.below(100) - 1;
      const text = JSON.stringify({ Width: width, height: random.below(100) });
      return bytesOf(`\x04${random.once(4) ? text.slice(0, -1) : text}`);
    }
    case 2:
    case 3: {
      const channel = random.once(2) ? CHANNEL.stdin : makeChannel(random);
      return Uint8Array.of(CLOSE_SIGNAL, channel, ...random.once(4) ? makeBytes(random, 1) : []);
    }
    default:
      return Uint8Array.of(
        random.once(2) ? CHANNEL.stdin : makeChannel(random),
        ...makeBytes(random, 20),
      );
  }
}

interface Meaning {
  stdin: string;
  ended: boolean;
  /** The WebSocket must be closed with an error. */
  broken: boolean;
  /** The series of a terminal's sizes, in which JSON may be spread over messages. */
  sizes: TerminalSize[];
}

/** What a command must be able to read of messages. */
function meaningOf(messages: readonly Uint8Array[], version: number): Meaning {
  const meaning: Meaning = { stdin: "", ended: false, broken: false, sizes: [] };
  let sizesEnded = false;
  let text = "";
  for (const bytes of messages) {
    const [channel, ...rest] = bytes;
    if (version >= 5 && channel === CLOSE_SIGNAL) {
      if (rest.length !== 1 || rest[0]! > CHANNEL.resize) return { ...meaning, broken: true };
      meaning.ended ||= rest[0] === CHANNEL.stdin;
      sizesEnded ||= rest[0] === CHANNEL.resize;
    } else if (channel === CHANNEL.stdin && !meaning.ended) {
      meaning.stdin += Uint8Array.from(rest).toHex();
    } else if (channel === CHANNEL.resize && !sizesEnded) {
      text += String.fromCharCode(...rest);
      while (text.includes("}") && !sizesEnded) {
        const one = text.slice(0, text.indexOf("}") + 1);
        const size = /^[ \t\r\n]*\{"Width":(-?\d+),"height":(\d+)\}$/.exec(one)?.slice(1).map(
          Number,
        );
        const right = size?.every((side) => side >= 0 && side <= 0xffff);
        if (right) meaning.sizes.push({ width: size![0]!, height: size![1]! });
        else sizesEnded = true;
        text = text.slice(one.length);
      }
    }
  }
  return meaning;
}

/** Reads a stream; ends with what came, and how. */
async function readAll(
  stream: ReadableStream<Uint8Array>,
): Promise<{ hex: string; how: "ended" | "failed" }> {
  let hex = "";
  try {
    for await (const bytes of stream) hex += bytes.toHex();
    return { hex, how: "ended" };
  } catch (error) {
    assert.ok(error instanceof ClosedError, String(error));
    return { hex, how: "failed" };
  }
}

Deno.test(`a command over channels gets what was sent for it, ${CASES} times`, async () => {
  const tally = await runCases("commands over channels", CASES, async (random) => {
    const messages = random.list(0, 8, () => makeMessage(random));
    const version = random.of([1, 4, 5]);
    const wanted = meaningOf(messages, version);
    const socket = new FakeSocket();
    const streams = { stdin: true, stdout: true, stderr: true, tty: true };
    const session = commandOverChannels(socket, { codec: BINARY, version, streams });
    const sizes = Array.fromAsync(session.resizes);
    const read = readAll(session.stdin!);
    socket.come(...messages);
    socket.end();
    const { hex, how } = await read;
    // What was not read yet is gone when a connection breaks: as much as one message.
    if (wanted.ended && !wanted.broken) assert.deepEqual([hex, how], [wanted.stdin, "ended"]);
    else assert.ok(wanted.stdin.startsWith(hex), `${hex} is not of ${wanted.stdin}`);
    const told = (await sizes).map((size) => JSON.stringify(size));
    // The newest is kept for whoever is slow; it is the last one that counts.
    const all = wanted.sizes.map((size) => JSON.stringify(size));
    assert.equal(told.at(-1), all.at(-1));
    assert.ok(told.every((size) => all.includes(size)));
    if (!socket.closed.aborted) {
      await new Promise((resolve) => socket.closed.addEventListener("abort", resolve));
    }
    assert.equal(socket.closeCode, wanted.broken ? 1002 : 1000);
    await session.exit({ kind: "exited", code: 0 });
    return wanted.broken ? "broken" : how;
  });
  assertAllSaid(tally, ["broken", "ended", "failed"]);
});

Deno.test(`ports over channels get what was sent for them, ${CASES} times`, async () => {
  const tally = await runCases("ports over channels", CASES, async (random) => {
    const messages = random.list(0, 8, () => makeMessage(random));
    const socket = new FakeSocket();
    const session = forwardOverChannels(socket, { codec: BINARY, ports: [80, 8081] });
    socket.come(...messages);
    socket.end();
    let index = 0;
    let came = "nothing";
    for await (const client of session) {
      const channel = 2 * index++;
      const mine = messages.filter((bytes) => bytes[0] === channel && bytes.length > 0);
      const wanted = mine.map((bytes) => bytes.subarray(1).toHex()).join("");
      const { hex, how } = await readAll(client.data.readable);
      assert.equal(how, "failed");
      assert.ok(wanted.startsWith(hex), `${hex} is not of ${wanted}`);
      if (hex !== "") came = "something";
      await client.end();
    }
    assert.equal(index, 2);
    assert.ok(socket.closed.aborted);
    // Each channel begins with its port, the low byte first.
    assert.deepEqual(
      socket.sent.map((message) => (message as Uint8Array).toHex()),
      ["005000", "015000", "02911f", "03911f"],
    );
    return came;
  });
  assertAllSaid(tally, ["nothing", "something"]);
});
