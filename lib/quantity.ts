/**
 * Kubernetes resource quantities, exactly: `250m`, `1.5Gi`, `123e8`.
 *
 * As in apimachinery's `resource.Quantity`, nothing finer than a billionth is kept, nothing is
 * greater than 2^63−1, and every rounding goes away from zero.
 *
 * @module
 */
import { KubeletError } from "./errors.ts";

/** How a quantity was written, which is how it is printed again. */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

/** An exact amount. */
export interface Quantity {
  /** Billionths of one unit. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

const NANOS_PER_UNIT = 1_000_000_000n;
const NANOS_PER_MILLI = 1_000_000n;
/** The API's largest quantity: a signed 64-bit integer. */
const NANOS_MAX = (2n ** 63n - 1n) * NANOS_PER_UNIT;
/** Longer texts are nobody's quantity, and digits cost time. */
const QUANTITY_CHARS_MAX = 128;
/** Beyond this power of ten every quantity is either capped or rounded to a billionth. */
const EXPONENT_MAX = 200;

/** Powers of ten by suffix. */
const DECIMAL_SUFFIXES: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
/** Powers of 1024 by suffix. */
const BINARY_SUFFIXES: readonly string[] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

const SYNTAX = /^([+-]?)(\d*)(?:\.(\d*))?(n|u|m|k|M|G|T|P|E|[KMGTPE]i|[eE][+-]?\d+)?$/;

/**
 * Reads a quantity. Throws a {@linkcode KubeletError} with code `invalid` that names the text.
 *
 * Numbers of hand-written YAML are accepted for what they print as.
 */
export function parseQuantity(text: string | number): Quantity {
  const source = String(text);
  const match = source.length <= QUANTITY_CHARS_MAX ? SYNTAX.exec(source) : null;
  const [, sign = "", whole = "", fraction = "", suffix = ""] = match ?? [];
  if (match === null || whole + fraction === "") {
    throw new KubeletError(
      "invalid",
      `Cannot parse quantity "${source.slice(0, QUANTITY_CHARS_MAX)}": expected a number with ` +
        `one of the suffixes n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei, or an exponent ` +
        `such as e3`,
    );
  }
  const scale = scaleOf(suffix);
  const power = scale.tens + 9 - fraction.length;
  const digits = BigInt(whole + fraction) * scale.factor;
  const size = power >= 0
    ? digits * 10n ** BigInt(power)
    : ceilDivide(digits, 10n ** BigInt(-power));
  const capped = size > NANOS_MAX ? NANOS_MAX : size;
  return { nanos: sign === "-" ? -capped : capped, format: scale.format };
}

function scaleOf(suffix: string): { tens: number; factor: bigint; format: QuantityFormat } {
  const binary = BINARY_SUFFIXES.indexOf(suffix);
  if (binary > 0) return { tens: 0, factor: 1024n ** BigInt(binary), format: "BinarySI" };
  const decimal = DECIMAL_SUFFIXES[suffix];
  if (decimal !== undefined) return { tens: decimal, factor: 1n, format: "DecimalSI" };
  const exponent = Math.max(-EXPONENT_MAX, Math.min(EXPONENT_MAX, Number(suffix.slice(1))));
  return { tens: exponent, factor: 1n, format: "DecimalExponent" };
}

/** Whole units (bytes, cores), a part of one counting as one. */
export function quantityUnits(quantity: Quantity): bigint {
  return ceilDivide(quantity.nanos, NANOS_PER_UNIT);
}

/** Thousandths of a unit (millicores), a part of one counting as one. */
export function quantityMillis(quantity: Quantity): bigint {
  return ceilDivide(quantity.nanos, NANOS_PER_MILLI);
}

/** Bytes as a number; more than 2^53−1 is given as 2^53−1. */
export function quantityBytes(quantity: Quantity): number {
  const units = quantityUnits(quantity);
  const max = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(units > max ? max : units < -max ? -max : units);
}

/**
 * How often the divisor goes into the quantity, rounded up, as a `resourceFieldRef` prints it.
 *
 * Both are first rounded up to `precision`, as a kubelet does: `millis` for cpu, `units` for all else.
 * Throws for a divisor of zero.
 */
export function divideQuantity(
  quantity: Quantity,
  divisor: Quantity,
  options: { precision: "units" | "millis" },
): bigint {
  const count = options.precision === "millis" ? quantityMillis : quantityUnits;
  if (divisor.nanos === 0n) throw new KubeletError("invalid", "Cannot divide a quantity by zero");
  return ceilDivide(count(quantity), count(divisor));
}

/** The canonical text, as the API server prints it: `1Mi` for 1024Ki, `1500m` for 1.5. */
export function formatQuantity(quantity: Quantity): string {
  const { nanos, format } = quantity;
  if (nanos === 0n) return "0";
  if (format === "BinarySI" && isBinary(nanos)) {
    const [mantissa, power] = strip(nanos / NANOS_PER_UNIT, 1024n, BINARY_SUFFIXES.length - 1);
    return `${mantissa}${BINARY_SUFFIXES[power]}`;
  }
  // From 10^-9 to 10^18 in steps of 10^3: the range that has suffixes.
  const [mantissa, thousands] = strip(nanos, 1000n, 9);
  const tens = thousands * 3 - 9;
  if (format === "DecimalExponent") return tens === 0 ? `${mantissa}` : `${mantissa}e${tens}`;
  const suffix = Object.keys(DECIMAL_SUFFIXES).find((key) => DECIMAL_SUFFIXES[key] === tens);
  return `${mantissa}${suffix}`;
}

/** Small and broken amounts print in decimal, however they were written. */
function isBinary(nanos: bigint): boolean {
  const size = nanos < 0n ? -nanos : nanos;
  return size >= 1024n * NANOS_PER_UNIT && nanos % NANOS_PER_UNIT === 0n;
}

/** Takes out the factor as often as it goes, and says how often. */
function strip(value: bigint, factor: bigint, timesMax: number): [bigint, number] {
  let [rest, times] = [value, 0];
  while (times < timesMax && rest % factor === 0n) [rest, times] = [rest / factor, times + 1];
  return [rest, times];
}

/** Divides and rounds away from zero. */
function ceilDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  if (quotient * divisor === value) return quotient;
  return quotient + ((value < 0n) === (divisor < 0n) ? 1n : -1n);
}
