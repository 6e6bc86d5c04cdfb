/**
 * Reads Prometheus' text format 0.0.4 strictly, for tests.
 *
 * @module
 */
import assert from "node:assert/strict";

/** What a page says of one name. */
export interface ParsedFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: { name: string; labels: Record<string, string>; value: number; at?: number }[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: (\d+))?$/;

/** All families; fails for whatever the format forbids. */
export function parseText(text: string): Map<string, ParsedFamily> {
  const families = new Map<string, ParsedFamily>();
  let [name, help] = ["", ""];
  assert.ok(text === "" || text.endsWith("\n"));
  for (const line of text.split("\n").slice(0, -1)) {
    const [, keyword, about = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === "HELP") {
      [name, help] = [about, rest];
      assert.ok(!families.has(name), `${name} comes twice`);
    } else if (keyword === "TYPE") {
      assert.equal(about, name, "TYPE follows its HELP");
      families.set(name, { type: rest, help, samples: [] });
    } else addSample(families.get(name)!, name, line);
  }
  for (const [name, family] of families) {
    if (family.type === "histogram") checkBuckets(name, family);
  }
  return families;
}

function addSample(family: ParsedFamily, name: string, line: string): void {
  const found = SAMPLE.exec(line);
  assert.ok(found !== null, line);
  const [, sampleName = "", labelText = "", valueText = "", at] = found;
  assert.ok(sampleName.startsWith(name), `${sampleName} stands below ${name}`);
  const labels: Record<string, string> = {};
  const rest = labelText.replaceAll(
    /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/g,
    (_, key, value) => {
      assert.ok(!(key in labels));
      labels[key] = value.replaceAll(
        /\\(.)/g,
        (_: string, one: string) => one === "n" ? "\n" : one,
      );
      return "";
    },
  );
  assert.equal(rest, "", `labels of ${line}`);
  const value = valueText === "+Inf"
    ? Infinity
    : valueText === "-Inf"
    ? -Infinity
    : Number(valueText);
  const same = JSON.stringify([sampleName, labels]);
  const known = family.samples.some((one) => JSON.stringify([one.name, one.labels]) === same);
  assert.ok(!known, `${line} comes twice`);
  family.samples.push({
    name: sampleName,
    labels,
    value,
    ...(at === undefined ? {} : { at: Number(at) }),
  });
}

function checkBuckets(name: string, { samples }: ParsedFamily): void {
  const series = new Map<string, number>();
  for (const { name: of, labels: { le, ...labels }, value } of samples) {
    const key = JSON.stringify(labels);
    const before = series.get(key) ?? 0;
    if (of === `${name}_bucket`) {
      assert.ok(value >= before, `${name} goes down at ${le}`);
      series.set(key, value);
    } else if (of === `${name}_count`) assert.equal(value, before, "all are in the last bucket");
  }
}
