import assert from "node:assert/strict";
import { parseLogQuery } from "./log_query.ts";

const parse = (query: string): unknown => parseLogQuery(new URLSearchParams(query), 100_000);

Deno.test("parseLogQuery() reads what the API server sends", () => {
  const none = { follow: false, previous: false, timestamps: false };
  const cases: [string, Record<string, unknown>][] = [
    ["", none],
    ["follow=true&previous=1&timestamps=", { follow: true, previous: true, timestamps: true }],
    ["follow=false", none],
    ["tailLines=0&limitBytes=1", { ...none, tailLines: 0, limitBytes: 1 }],
    ["tailLines=all", none],
    ["sinceSeconds=60", { ...none, sinceMs: 40_000 }],
    ["sinceTime=1970-01-01T00%3A01%3A00%2B00%3A00", { ...none, sinceMs: 60_000 }],
    ["stream=All&tailLines=1", { ...none, tailLines: 1 }],
    ["stream=Stderr", { ...none, stream: "stderr" }],
    ["unknown=x", none],
  ];
  for (const [query, expected] of cases) assert.deepEqual(parse(query), expected, query);
});

Deno.test("parseLogQuery() takes no time that is on no clock", () => {
  const times = [
    "2023-02-29T00:00:00Z",
    "2024-02-30T00:00:00+01:00",
    "2024-01-01T24:00:00Z",
    "2024-01-01T23:59:60Z",
    "2024-01-01t00:00:00z",
  ];
  for (const time of times) {
    assert.throws(() => parse(`sinceTime=${encodeURIComponent(time)}`), /allowed is a time/, time);
  }
  assert.ok(parse("sinceTime=2024-02-29T23:59:59.999999999-23:59"));
});

Deno.test("parseLogQuery() says which parameter is wrong and what is allowed", () => {
  const cases: [string, string][] = [
    ["tailLines=-1", 'Cannot use tailLines "-1": allowed is a whole number, 0 or more'],
    ["tailLines=x", 'Cannot use tailLines "x": allowed is a whole number, 0 or more'],
    ["limitBytes=0", 'Cannot use limitBytes "0": allowed is a whole number, 1 or more'],
    ["sinceSeconds=0", 'Cannot use sinceSeconds "0": allowed is a whole number, 1 or more'],
    ["sinceTime=now", 'Cannot use sinceTime "now": allowed is a time as 2006-01-02T15:04:05Z'],
    ["follow=maybe", 'Cannot use follow "maybe": allowed is true or false'],
    ["stream=x", 'Cannot use stream "x": allowed is All, Stdout or Stderr'],
    [
      "sinceSeconds=1&sinceTime=1970-01-01T00:00:00Z",
      "Cannot use sinceSeconds and sinceTime together: allowed is one of them",
    ],
    [
      "stream=Stdout&tailLines=1",
      "Cannot use tailLines and one stream together: allowed is one of them",
    ],
  ];
  for (const [query, message] of cases) {
    assert.throws(() => parse(query), { name: "RangeError", message });
  }
});
