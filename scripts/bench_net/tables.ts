import { median } from "../bench_wasi/rows.ts";
import type { Idle, Requests } from "./measure.ts";
import { type Server, titleOf, type Yardstick } from "./servers.ts";

/** What was measured of each server, round by round. */
export type Rounds<T> = ReadonlyMap<Server, readonly T[]>;

/**
 * Requests as a Markdown table: medians of the rounds, and medians of the ratios to each yardstick in the
 * same language and the same round.
 */
export function requestTable(rounds: Rounds<Requests>): string {
  const told = yardsticks(rounds);
  const rows = rounds.entries().map(([server, loads]) => [
    titleOf(server),
    middle(loads, "perSecond").toFixed(0),
    middle(loads, "cpuUs").toFixed(1),
    ...told.map((of) => ratio({ rounds, server, of }, "cpuUs")),
    middle(loads, "p50Us").toFixed(0),
    middle(loads, "p99Us").toFixed(0),
    ...told.map((of) => ratio({ rounds, server, of }, "p99Us")),
    String(loads.reduce((sum, { errors }) => sum + errors, 0)),
  ]);
  const to = told.map((of) => `to ${of}`);
  return markdown([
    ["server", "requests/s", "CPU µs each", ...to, "p50 µs", "p99 µs", ...to, "errors"],
    ...rows,
  ]);
}

/** Connections that say nothing as a Markdown table. */
export function idleTable(rounds: Rounds<Idle>): string {
  const told = yardsticks(rounds);
  const rows = rounds.entries().map(([server, idles]) => [
    titleOf(server),
    String(Math.min(...idles.map(({ held }) => held))),
    String(Math.min(...idles.map(({ answered }) => answered))),
    middle(idles, "kib").toFixed(1),
    ...told.map((of) => ratio({ rounds, server, of }, "kib")),
    middle(idles, "cpuUs").toFixed(0),
    ...told.map((of) => ratio({ rounds, server, of }, "cpuUs")),
  ]);
  const to = told.map((of) => `to ${of}`);
  return markdown([
    ["server", "held", "answered", "KiB each", ...to, "CPU µs of a request beside them", ...to],
    ...rows,
  ]);
}

/** Rows as a Markdown table, the first of them as its head. Columns behind the first are of numbers. */
export function markdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  const rule = head.map((_, column) => column === 0 ? "---" : "---:");
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Those that could be measured. */
function yardsticks<T>(rounds: Rounds<T>): Yardstick[] {
  const all = rounds.entries().flatMap(([{ yardstick }, measured]) =>
    yardstick === undefined || measured.length === 0 ? [] : [yardstick]
  );
  return [...new Set(all)];
}

function middle<T extends Readonly<Record<K, number>>, K extends string>(
  measured: readonly T[],
  key: K,
): number {
  return median(measured.map((one) => one[key]));
}

function ratio<T extends Readonly<Record<K, number>>, K extends string>(
  { rounds, server, of }: {
    readonly rounds: Rounds<T>;
    readonly server: Server;
    readonly of: Yardstick;
  },
  key: K,
): string {
  const [, yardstick = []] =
    rounds.entries().find(([{ language, yardstick }]) =>
      language === server.language && yardstick === of
    ) ?? [];
  if (rounds.get(server) === yardstick) return "1";
  const ratios = (rounds.get(server) ?? []).flatMap((one, round) => {
    const other = yardstick[round];
    return other === undefined ? [] : one[key] / other[key];
  });
  return ratios.length === 0 ? "" : `x ${median(ratios).toFixed(2)}`;
}
