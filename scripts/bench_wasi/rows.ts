/** One figure of ours beside the peer's. */
export interface Row {
  /** Rows of one group share a geometric mean. */
  readonly group: string;
  readonly name: string;
  /** Of both figures, as `ns`. */
  readonly unit: string;
  readonly ours: number;
  /** Absent where the peer has none to compare with. */
  readonly peer?: number;
  /** What was promised, as a ratio or, without a peer, as a figure. */
  readonly atMost?: number;
  /** What was promised of our own figure, whatever the peer's is. */
  readonly oursAtMost?: number;
}

/** The middle value; the mean of the two in the middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle) - 1] ?? NaN)) / 2;
}

/** The geometric mean; NaN of nothing. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Lays rows out as a table: a heading for each group, and its geometric mean below. */
export function tableOf(rows: readonly Row[]): string {
  const lines: string[] = [];
  for (const [group, members] of Map.groupBy(rows, (row) => row.group)) {
    lines.push("", group, ...members.map(lineOf));
    const ratios = members.flatMap((row) => row.peer === undefined ? [] : row.ours / row.peer)
      .filter(Number.isFinite);
    if (ratios.length > 1) {
      lines.push(line("geometric mean", ["", "", ratio(geometricMean(ratios))]));
    }
  }
  return lines.join("\n");
}

function lineOf({ name, unit, ours, peer, atMost, oursAtMost }: Row): string {
  const compared = peer === undefined ? "" : ratio(ours / peer);
  const measured = peer === undefined || oursAtMost !== undefined ? ours : ours / peer;
  const bound = oursAtMost ?? atMost;
  const verdict = bound === undefined ? "" : measured <= bound ? "ok" : `over ${bound}`;
  const figures = [figure(ours, unit), peer === undefined ? "" : figure(peer, unit), compared];
  return line(name, [...figures, verdict]);
}

function line(name: string, columns: readonly string[]): string {
  return `${name.padEnd(34)}${columns.map((column) => column.padStart(14)).join("")}`.trimEnd();
}

function figure(value: number, unit: string): string {
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

function ratio(value: number): string {
  return `x ${value.toFixed(2)}`;
}
