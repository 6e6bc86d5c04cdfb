import assert from "node:assert/strict";
import { parseText } from "./_parse_text.ts";
import { Registry } from "./registry.ts";
import { formatMetrics } from "./text.ts";

async function page(registry: Registry): Promise<ReturnType<typeof parseText>> {
  return parseText(formatMetrics(await registry.families()).body);
}

Deno.test("Registry shows counters and gauges, by name", async () => {
  const registry = new Registry();
  const gauge = registry.gauge({ name: "b", help: "B" });
  const counter = registry.counter({ name: "a_total", help: "A", labels: ["kind"] });
  counter.add({ kind: "x" });
  counter.add({ kind: "x" }, 2);
  counter.add({ kind: "x" }, -5);
  counter.add({ kind: "y" });
  gauge.set({}, 7);
  gauge.add({}, -2);
  const found = await page(registry);
  assert.deepEqual([...found.keys()], ["a_total", "b"]);
  assert.deepEqual(
    found.get("a_total")!.samples.map(({ labels, value }) => [labels["kind"], value]),
    [["x", 3], ["y", 1]],
  );
  assert.deepEqual(found.get("b")!.samples.map(({ value }) => value), [5]);
});

Deno.test("Registry shows a histogram whose buckets hold those below them", async () => {
  const registry = new Registry();
  const histogram = registry.histogram({ name: "h", help: "H", bounds: [1, 2] });
  for (const value of [0.5, 1, 1.5, 99]) histogram.observe({}, value);
  const { samples } = (await page(registry)).get("h")!;
  assert.deepEqual(samples.map(({ name, labels, value }) => [name, labels["le"], value]), [
    ["h_bucket", "1", 2],
    ["h_bucket", "2", 3],
    ["h_bucket", "+Inf", 4],
    ["h_sum", undefined, 102],
    ["h_count", undefined, 4],
  ]);
});

Deno.test("Registry keeps only so many series, and lets go of those that are removed", async () => {
  const registry = new Registry();
  const counter = registry.counter({ name: "a", help: "", labels: ["pod", "kind"], seriesMax: 2 });
  for (const pod of ["p", "q", "r"]) counter.add({ pod, kind: "k" });
  assert.equal((await page(registry)).get("a")!.samples.length, 2);
  counter.remove({ pod: "p" });
  counter.add({ pod: "r", kind: "k" });
  const left = (await page(registry)).get("a")!.samples.map(({ labels }) => labels["pod"]);
  assert.deepEqual(left, ["q", "r"]);
});

Deno.test("Registry shows what never happened as 0, and the rest when a collector fails", async () => {
  const registry = new Registry();
  registry.counter({ name: "quiet", help: "" });
  registry.collect(() => Promise.reject(new Error("broken")));
  registry.collect(() => [{ name: "live", type: "gauge", help: "", samples: [] }]);
  assert.deepEqual((await registry.families()).map(({ name }) => name), ["live", "quiet"]);
  assert.equal((await page(registry)).get("quiet")!.samples[0]!.value, 0);
});

Deno.test("Registry refuses a name that is taken", () => {
  const registry = new Registry();
  registry.gauge({ name: "a", help: "" });
  assert.throws(() => registry.counter({ name: "a", help: "" }), /"a"/);
});
