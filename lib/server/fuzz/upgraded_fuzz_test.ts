/**
 * Connections that become WebSockets or SPDY at a server that listens, and what comes over them then.
 * Whatever it is, they end, and nothing stays behind.
 */
import assert from "node:assert/strict";
import type { Random } from "../../fuzz/random.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";
import { planCommand, planForward, UpgradeRefusal } from "../../streaming/upgrade.ts";
import { HEAD_BYTES_MAX } from "../server.ts";
import { parseStreams } from "../stream_query.ts";
import { RawClient } from "./raw_client.ts";
import { headOf } from "./raw_requests.ts";
import { escaped, makeName, queryOf } from "./request_cases.ts";
import { assertHarmless, cut, Talk } from "./talk.ts";
import { makeUpgrade } from "./upgrade_cases.ts";

// Each has a connection of its own, which costs milliseconds.
const CASES = casesOf(300, 10);

/** A header that HTTP allows, as the server reads it. */
const isPlain = (value: string): boolean => /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value);

interface Asked {
  readonly text: string;
  /** 101, or how it must be refused. */
  readonly status: number;
}

/** What of a head counts: not the method, the version, and what separates headers. */
function countedOf(target: string, head: string): number {
  const lines = head.split("\r\n").slice(1);
  // Blanks before a value do not count, those behind it do.
  const counted = lines.map((line) => line.replace(/:[ \t]*/, "").length);
  return counted.reduce((sum, length) => sum + length, target.length);
}

function ask(random: Random): Asked {
  const upgrade = makeUpgrade(random);
  const given = Object.entries(upgrade.headers as Record<string, string>)
    .filter(([, value]) => isPlain(value));
  const headers = Object.fromEntries(given);
  const kind = random.of(["exec", "attach", "portForward"]);
  const names = [random.once(8) ? "a" : "z", makeName(random)];
  if (kind !== "portForward") names.push("c");
  const path = `/${kind}/${names.map((name) => escaped(random, name)).join("/")}`;
  const streams = ["input", "output", "error", "tty"].filter(() => random.once(2));
  const params = new URLSearchParams(upgrade.params);
  for (const name of streams) params.append(name, "1");
  const target = `${path}?${queryOf(random, [...params])}`;
  const isWeb = (headers["upgrade"] ?? "").toLowerCase().includes("websocket");
  const key = random.once(12) ? "x" : "AAAAAAAAAAAAAAAAAAAAAA==";
  const more: [string, string][] = isWeb
    ? [["sec-websocket-version", "13"], ["sec-websocket-key", key]]
    : [];
  const all: [string, string][] = [
    ["host", "n"],
    ["authorization", "Bearer good"],
    ...given,
    ...more,
  ];
  const text = `${headOf(random, { method: upgrade.method, target, headers: all })}\r\n`;
  if (countedOf(target, text) >= HEAD_BYTES_MAX) return { text, status: 431 };
  const request = { ...upgrade, headers, params };
  const tokens = (headers["connection"] ?? "").toLowerCase().split(",").map((one) => one.trim());
  const status = statusOf(() => {
    // It is an ordinary request then.
    if (!tokens.includes("upgrade") || !headers["upgrade"]) throw new UpgradeRefusal(400, "");
    if (kind !== "portForward") parseStreams(params);
    if (names[0] === "a") throw new UpgradeRefusal(404, "");
    const plan = kind === "portForward" ? planForward(request) : planCommand(request);
    // The library of WebSockets looks at the whole header.
    const isWebSocket = headers["upgrade"]?.toLowerCase() === "websocket";
    if (plan.kind !== "spdy" && (key === "x" || !isWebSocket)) throw new UpgradeRefusal(400, "");
  });
  return { text, status };
}

function statusOf(decide: () => void): number {
  try {
    decide();
    return 101;
  } catch (error) {
    if (error instanceof UpgradeRefusal) return error.status;
    throw error;
  }
}

/** Frames of WebSockets (RFC 6455, section 5.2), frames of SPDY, or neither. */
function makeFrame(random: Random): string {
  const bytes = random.word("\0\x01\x02\x03\x04\x05{}\xff", 0, 30);
  switch (random.below(4)) {
    case 0:
      return random.word("\0\x01\x80\x81\x82\x03\x88\x89\xfe\xff\x78", 1, 40);
    case 1: {
      const length = bytes.length.toString(16).padStart(6, "0");
      const type = random.below(11).toString(16).padStart(4, "0");
      return `${
        Buffer.from(`8003${type}0${random.below(4)}${length}`, "hex").toString("latin1")
      }${bytes}`;
    }
    default: {
      const opcode = random.of([0x82, 0x82, 0x82, 0x81, 0x88, 0x89, 0x8a, 0x02, 0x80, 0xc2]);
      // A mask of zeros changes nothing.
      return `${String.fromCharCode(opcode, 0x80 | bytes.length)}\0\0\0\0${bytes}`;
    }
  }
}

Deno.test(`KubeletServer ends connections of other protocols in good order, ${CASES} times`, async () => {
  await using talk = await Talk.start();
  const tally = await runCases("upgraded connections", CASES, async (random) => {
    const { text, status } = ask(random);
    const frames = random.list(0, 6, () => makeFrame(random)).join("");
    const client = await RawClient.open(talk.node.port);
    const early = random.once(4);
    client.write(...cut(random, early ? text + frames : text));
    const answer = await client.answer();
    if (answer === undefined) {
      // To an ordinary request that something follows which is none.
      const isFollowed = early && frames !== "" && status === 400;
      assert.ok(isFollowed, `no answer to ${JSON.stringify(text)}`);
      return "cut off";
    }
    assert.equal(answer.status, status, `${JSON.stringify(text)}: ${answer.text}`);
    assertHarmless(answer);
    if (status === 101 && !early) client.write(...cut(random, frames));
    if (random.once(2)) {
      client.end();
      await client.until(() => false);
    } else await client.leave();
    return `${status}`;
  });
  assertAllSaid(tally, ["101", "400"]);
  await talk.untilQuiet();
});
