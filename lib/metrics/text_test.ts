import assert from "node:assert/strict";
import { parseText } from "./_parse_text.ts";
import type { Family } from "./family.ts";
import { formatMetrics } from "./text.ts";

const NASTY = 'a"b\\c\nd{},=é';
const FAMILIES: readonly Family[] = [
  {
    name: "x_total",
    type: "counter",
    help: "Help with \\ and\na line.",
    samples: [{ labels: { one: NASTY, two: "" }, value: 1.5, atMs: 1_700_000_000_123 }],
  },
  {
    name: "y",
    type: "gauge",
    help: "Values",
    samples: [1e21, 1e-7, Infinity, -Infinity, 0, -3].map((value, index) => ({
      labels: { n: String(index) },
      value,
    })),
  },
  { name: "z", type: "gauge", help: "Nothing.", samples: [] },
];

Deno.test("formatMetrics() writes what a parser reads, whatever is in a label", () => {
  const { contentType, body } = formatMetrics(FAMILIES);
  assert.equal(contentType, "text/plain; version=0.0.4; charset=utf-8");
  const read = parseText(body);
  assert.deepEqual([...read.keys()], ["x_total", "y"], "what has no sample is left out");
  assert.deepEqual(read.get("x_total"), {
    type: "counter",
    help: "Help with \\\\ and\\na line.",
    samples: [{
      name: "x_total",
      labels: { one: NASTY, two: "" },
      value: 1.5,
      at: 1_700_000_000_123,
    }],
  });
  assert.deepEqual(
    read.get("y")!.samples.map(({ value }) => value),
    [1e21, 1e-7, Infinity, -Infinity, 0, -3],
  );
});

Deno.test("formatMetrics() writes OpenMetrics to whoever prefers it", () => {
  const asks = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5";
  const { contentType, body } = formatMetrics([
    FAMILIES[0]!,
    { name: "e", type: "counter", help: "", samples: [{ labels: {}, value: 1 }] },
    {
      name: "h",
      type: "histogram",
      help: "",
      samples: [
        { labels: { le: "1" }, value: 0, suffix: "_bucket" },
        { labels: { le: "+Inf" }, value: 0, suffix: "_bucket" },
        { labels: {}, value: 0, suffix: "_sum" },
      ],
    },
  ], asks);
  assert.equal(contentType, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  assert.deepEqual(body.split("\n"), [
    "# HELP x Help with \\\\ and\\na line.",
    "# TYPE x counter",
    'x_total{one="a\\"b\\\\c\\nd{},=é",two=""} 1.5 1700000000.123',
    "# HELP e ",
    "# TYPE e counter",
    "e_total 1",
    "# HELP h ",
    "# TYPE h histogram",
    'h_bucket{le="1.0"} 0',
    'h_bucket{le="+Inf"} 0',
    "h_sum 0",
    "# EOF",
    "",
  ]);
});

Deno.test("formatMetrics() writes plain text unless OpenMetrics is wanted more", () => {
  const plain = [
    "",
    "*/*",
    "text/html",
    "application/openmetrics-text;q=0.4,text/plain",
    "application/openmetrics-text;version=2.0.0",
    "application/openmetrics-text;q=0",
  ];
  for (const accept of plain) {
    assert.match(formatMetrics([], accept).contentType, /^text\/plain/, accept);
  }
  for (
    const accept of ["application/openmetrics-text", "Application/OpenMetrics-Text, */*;q=0.1"]
  ) {
    assert.match(formatMetrics([], accept).contentType, /openmetrics/, accept);
  }
});
