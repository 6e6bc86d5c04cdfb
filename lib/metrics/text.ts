/**
 * Writes metrics in the formats that monitors read.
 *
 * @module
 */
import type { Family, Labels, Sample } from "./family.ts";

/** A page, and how it is called. */
export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

/**
 * Writes a page: in OpenMetrics 1.0 if an `Accept` header asks for it before plain text, else in
 * Prometheus' text format 0.0.4. Families without a sample are left out.
 */
export function formatMetrics(families: readonly Family[], accept = ""): MetricsText {
  const present = families.filter(({ samples }) => samples.length > 0);
  if (prefersOpenMetrics(accept)) {
    return {
      contentType: "application/openmetrics-text; version=1.0.0; charset=utf-8",
      body: `${present.map(openMetrics).join("")}# EOF\n`,
    };
  }
  return {
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    body: present.map(plain).join(""),
  };
}

/** By the quality values of RFC 9110, section 12.4.2; at the same quality, the first one. */
function prefersOpenMetrics(accept: string): boolean {
  let best: { type: string; quality: number } | undefined;
  for (const range of accept.toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const version = parameters.find((one) => one.startsWith("version="))?.slice(8);
    const understood = type === "application/openmetrics-text"
      ? version === undefined || version === "1.0.0" || version === "0.0.1"
      : type === "text/plain" || type === "text/*" || type === "*/*";
    const quality = Number(parameters.find((one) => one.startsWith("q="))?.slice(2) ?? 1);
    if (understood && quality > (best?.quality ?? 0)) best = { type, quality };
  }
  return best?.type === "application/openmetrics-text";
}

function plain({ name, type, help, samples }: Family): string {
  const lines = samples.map((sample) => {
    const { suffix = "", labels, value, atMs } = sample;
    const at = atMs === undefined ? "" : ` ${Math.round(atMs)}`;
    return `${name}${suffix}${labelText(labels)} ${numberText(value)}${at}\n`;
  });
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

/** There, a counter's family has no `_total`, and its samples always have it. */
function openMetrics({ name, type, help, samples }: Family): string {
  const family = type === "counter" ? name.replace(/_total$/, "") : name;
  const text = escapeHelp(help).replaceAll('"', '\\"');
  const lines = samples.map((sample) => openMetricsLine(family, type, sample));
  return `# HELP ${family} ${text}\n# TYPE ${family} ${type}\n${lines.join("")}`;
}

function openMetricsLine(
  family: string,
  type: Family["type"],
  { suffix, labels, value, atMs }: Sample,
): string {
  const ending = suffix ?? (type === "counter" ? "_total" : "");
  const { le } = labels;
  // A bound must look like a float.
  const shown = le !== undefined && /^\d+$/.test(le) ? { ...labels, le: `${le}.0` } : labels;
  const at = atMs === undefined ? "" : ` ${(atMs / 1000).toFixed(3)}`;
  return `${family}${ending}${labelText(shown)} ${numberText(value)}${at}\n`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeValue(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** A number as Go's `strconv.ParseFloat` reads it. */
export function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return String(value);
}
