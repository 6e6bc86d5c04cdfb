import assert from "node:assert/strict";
import {
  divideQuantity,
  formatQuantity,
  parseQuantity,
  quantityBytes,
  quantityMillis,
  quantityUnits,
} from "./quantity.ts";

Deno.test("parseQuantity() knows every suffix", () => {
  const units: Record<string, bigint> = {
    "1": 1n,
    "1k": 1_000n,
    "1M": 10n ** 6n,
    "1G": 10n ** 9n,
    "1T": 10n ** 12n,
    "1P": 10n ** 15n,
    "1E": 10n ** 18n,
    "1Ki": 1n << 10n,
    "1Mi": 1n << 20n,
    "1Gi": 1n << 30n,
    "1Ti": 1n << 40n,
    "1Pi": 1n << 50n,
    "1Ei": 1n << 60n,
    "123e8": 12_300_000_000n,
    "1E3": 1_000n,
    "2e+2": 200n,
    "+5": 5n,
    "-5": -5n,
    ".5Ki": 512n,
    "1.5Gi": 1_610_612_736n,
    "5.": 5n,
    "007": 7n,
    "128974848": 128_974_848n,
    "129M": 129_000_000n,
    "123Mi": 128_974_848n,
  };
  for (const [text, expected] of Object.entries(units)) {
    assert.equal(quantityUnits(parseQuantity(text)), expected, text);
  }
});

Deno.test("parseQuantity() keeps parts of a unit", () => {
  const millis: Record<string, bigint> = {
    "100m": 100n,
    "0.1": 100n,
    "1234m": 1_234n,
    "1.2345": 1_235n,
    ".000001": 1n,
    ".1m": 1n,
    "1u": 1n,
    "1000u": 1n,
    "1n": 1n,
    "-1.2345": -1_235n,
    "15e-1": 1_500n,
  };
  for (const [text, expected] of Object.entries(millis)) {
    assert.equal(quantityMillis(parseQuantity(text)), expected, text);
  }
});

Deno.test("parseQuantity() refuses what is no quantity, and names it", () => {
  for (
    const text of [
      "",
      "TK421",
      "1K",
      "1ki",
      "1mi",
      "1 Gi",
      "0x10",
      ".",
      "-",
      "e3",
      "1e",
      "1.2.3",
      "1e1.5",
      "∞",
    ]
  ) {
    assert.throws(() => parseQuantity(text), {
      name: "KubeletError",
      code: "invalid",
      message: new RegExp(`^Cannot parse quantity "${text.replaceAll(".", "\\.")}":`),
    }, text);
  }
  assert.throws(() => parseQuantity("1".repeat(100_000)), { code: "invalid" });
});

Deno.test("parseQuantity() caps what is too great and rounds up what is too fine", () => {
  assert.equal(quantityUnits(parseQuantity("1e30")), 2n ** 63n - 1n);
  assert.equal(quantityUnits(parseQuantity("1e999999999")), 2n ** 63n - 1n);
  assert.equal(quantityUnits(parseQuantity("-100Ei")), -(2n ** 63n - 1n));
  assert.equal(parseQuantity("1e-999999999").nanos, 1n);
  assert.equal(parseQuantity("0.1n").nanos, 1n);
  assert.equal(parseQuantity("-0.1n").nanos, -1n);
});

Deno.test("parseQuantity() takes the numbers of hand-written YAML", () => {
  assert.equal(quantityMillis(parseQuantity(0.5)), 500n);
  assert.equal(quantityUnits(parseQuantity(1e21)), 2n ** 63n - 1n);
});

Deno.test("quantityBytes() rounds up, and stays a safe integer", () => {
  assert.equal(quantityBytes(parseQuantity("64Mi")), 67_108_864);
  assert.equal(quantityBytes(parseQuantity("0.1")), 1);
  assert.equal(quantityBytes(parseQuantity("7Ei")), Number.MAX_SAFE_INTEGER);
});

Deno.test("divideQuantity() rounds up as a resourceFieldRef does", () => {
  const rows: [string, string, "units" | "millis", bigint][] = [
    ["1.25", "1m", "millis", 1_250n],
    ["1.25", "1", "millis", 2n],
    ["500m", "1", "millis", 1n],
    [".5G", "1M", "units", 500n],
    ["1024", "1Ki", "units", 1n],
    ["1025", "1Ki", "units", 2n],
    ["64Mi", "1", "units", 67_108_864n],
    ["0", "1", "units", 0n],
  ];
  for (const [quantity, divisor, precision, expected] of rows) {
    const result = divideQuantity(parseQuantity(quantity), parseQuantity(divisor), { precision });
    assert.equal(result, expected, `${quantity} / ${divisor}`);
  }
  const one = parseQuantity("1");
  assert.throws(() => divideQuantity(one, parseQuantity("0"), { precision: "units" }), /by zero/);
});

Deno.test("formatQuantity() prints the API server's canonical form", () => {
  const rows: Record<string, string> = {
    "0": "0",
    "0Gi": "0",
    "1024Ki": "1Mi",
    "1536Mi": "1536Mi",
    "0.5Gi": "512Mi",
    "512.5": "512500m",
    "0.5Ki": "512",
    "1.5": "1500m",
    "1000m": "1",
    "1000k": "1M",
    "100n": "100n",
    "1e3": "1e3",
    "12300e6": "12300e6",
    "123e8": "12300e6",
    "-2048Ki": "-2Mi",
    "7E": "7E",
  };
  for (const [text, expected] of Object.entries(rows)) {
    assert.equal(formatQuantity(parseQuantity(text)), expected, text);
  }
});
