/** Queries: each parameter is understood as a kubelet understands it, or refused in a short sentence. */
import assert from "node:assert/strict";
import { mutateText } from "../../fuzz/mutate.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";
import { UpgradeRefusal } from "../../streaming/upgrade.ts";
import { type LogQuery, parseLogQuery } from "../log_query.ts";
import { parseStreams } from "../stream_query.ts";
import { escaped, makeLogParams, makeName, queryOf } from "./request_cases.ts";

const CASES = casesOf(10_000);
const NOW_MS = 1_700_000_000_000;
/** A value is told up to here; the words around it are ours. */
const MESSAGE_CHARS_MAX = 200;

/** What a query means, or the parameters of which one must be refused. */
interface Meaning {
  readonly query: LogQuery;
  readonly wrong: readonly string[];
}

/** RFC 3339, section 5.6: a day that is in its month, and an hour that is in its day. */
function timeOf(text: string): number | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/
    .exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    ...[number, number, number, number, number, number],
  ];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 59) return undefined;
  const [offsetHours, offsetMinutes] = [Number(parts[9] ?? 0), Number(parts[10] ?? 0)];
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, Math.floor(Number(`0.${parts[7] ?? 0}`) * 1_000 + 1e-6));
  const offsetMs = (offsetHours * 60 + offsetMinutes) * 60_000;
  return date.getTime() - (parts[8] === "-" ? -offsetMs : offsetMs);
}

/** The same as the code under test, in other words. */
function meaningOf(params: URLSearchParams): Meaning {
  const wrong: string[] = [];
  const given = (name: string): string | undefined => params.get(name) ?? undefined;
  const flag = (name: string): boolean => {
    const text = given(name)?.toLowerCase();
    if (text === undefined || text === "false" || text === "0") return false;
    if (text !== "true" && text !== "1" && text !== "") wrong.push(name);
    return true;
  };
  const number = (name: string, min: bigint): number | undefined => {
    const text = given(name);
    if (text === undefined || (name === "tailLines" && text === "all")) return undefined;
    const chars = [...text];
    const isNumber = chars.length > 0 && chars.every((char) => char >= "0" && char <= "9");
    const value = isNumber ? BigInt(text) : -1n;
    if (value < min || value >= 2n ** 53n) wrong.push(name);
    return Number(value);
  };
  const seconds = number("sinceSeconds", 1n);
  const sinceTime = given("sinceTime");
  const timeMs = sinceTime === undefined ? undefined : timeOf(sinceTime);
  if (sinceTime !== undefined && timeMs === undefined) wrong.push("sinceTime");
  if (sinceTime !== undefined && seconds !== undefined) wrong.push("sinceSeconds");
  const tailLines = number("tailLines", 0n);
  const limitBytes = number("limitBytes", 1n);
  const name = given("stream");
  const stream = name === "Stdout" ? "stdout" : name === "Stderr" ? "stderr" : undefined;
  if (name !== undefined && name !== "All" && stream === undefined) wrong.push("stream");
  if (stream !== undefined && tailLines !== undefined) wrong.push("tailLines");
  const sinceMs = seconds === undefined ? timeMs : NOW_MS - seconds * 1_000;
  const query: LogQuery = {
    ...{ follow: flag("follow"), previous: flag("previous"), timestamps: flag("timestamps") },
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(stream === undefined ? {} : { stream }),
  };
  return { query, wrong };
}

Deno.test(`parseLogQuery() understands or refuses, ${CASES} times`, async () => {
  const tally = await runCases("queries for logs", CASES, (random) => {
    const right = queryOf(random, makeLogParams(random));
    const others = [queryOf(random, makeLogParams(random))];
    const text = random.once(3) ? mutateText(random, right, others) : right;
    const { query, wrong } = meaningOf(new URLSearchParams(text));
    let read: LogQuery;
    try {
      read = parseLogQuery(new URLSearchParams(text), NOW_MS);
    } catch (error) {
      assert.ok(error instanceof RangeError, `${text}: ${Deno.inspect(error)}`);
      assert.ok(wrong.some((name) => error.message.includes(name)), `${text}: ${error.message}`);
      assert.ok(error.message.length < MESSAGE_CHARS_MAX, error.message);
      return "refused";
    }
    assert.deepEqual(wrong, [], text);
    assert.deepEqual(read, query, text);
    return "understood";
  });
  assertAllSaid(tally, ["refused", "understood"]);
});

Deno.test(`parseStreams() gives a terminal one output, and refuses none at all, ${CASES} times`, async () => {
  const NAMES = ["input", "output", "error", "tty"];
  const tally = await runCases("queries for streams", CASES, (random) => {
    const right = random.list(
      0,
      6,
      () =>
        `${random.once(5) ? "command" : random.of(NAMES)}=${
          random.once(5)
            ? escaped(random, makeName(random))
            : random.of(["1", "1", "1", "0", "true"])
        }`,
    ).join("&");
    const text = random.once(3) ? mutateText(random, right, NAMES) : right;
    const params = new URLSearchParams(text);
    const [stdin, stdout, stderr, tty] = NAMES.map((name) => params.getAll(name)[0] === "1");
    try {
      const streams = parseStreams(params);
      assert.deepEqual(streams, { stdin, stdout, tty, stderr: stderr && !tty }, text);
      assert.ok(streams.stdin || streams.stdout || streams.stderr, text);
      return "understood";
    } catch (error) {
      assert.ok(error instanceof UpgradeRefusal, `${text}: ${Deno.inspect(error)}`);
      assert.equal(error.status, 400);
      assert.ok(!stdin && !stdout && (!stderr || tty), text);
      return "refused";
    }
  });
  assertAllSaid(tally, ["refused", "understood"]);
});
