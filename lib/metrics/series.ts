/**
 * The values of one metric, by the values of its labels.
 *
 * @module
 */
import type { Labels, Sample } from "./family.ts";

/** What a metric is called, and what tells its series apart. */
export interface Described<Label extends string> {
  readonly name: string;
  /** One sentence for people. */
  readonly help: string;
  /** @default {none: there is one series, which begins at 0} */
  readonly labels?: readonly Label[];
  /** Series beyond this many are not kept. @default {@linkcode SERIES_MAX} */
  readonly seriesMax?: number;
}

/** Series of one metric: more than any label of ours should ever have, and a bound if it has. */
export const SERIES_MAX = 2_000;

/** One value for each set of label values. */
export class Series<Label extends string, Value> {
  /** Name and help. */
  readonly described: { readonly name: string; readonly help: string };
  readonly #labels: readonly Label[];
  readonly #max: number;
  readonly #make: () => Value;
  readonly #series = new Map<string, { readonly labels: Labels; readonly value: Value }>();

  constructor(described: Described<Label>, make: () => Value) {
    const { name, help, labels = [], seriesMax = SERIES_MAX } = described;
    this.described = { name, help };
    this.#labels = labels;
    this.#max = seriesMax;
    this.#make = make;
    // Something that may never happen is shown as 0, so that its first time is a change.
    if (labels.length === 0) this.at({} as Readonly<Record<Label, string>>);
  }

  /** The value of these labels, made if need be; `undefined` if there are too many already. */
  at(values: Readonly<Record<Label, string>>): Value | undefined {
    const key = JSON.stringify(this.#labels.map((label) => values[label]));
    const known = this.#series.get(key);
    if (known !== undefined) return known.value;
    if (this.#series.size >= this.#max) return undefined;
    const labels = Object.fromEntries(this.#labels.map((label) => [label, values[label]]));
    const value = this.#make();
    this.#series.set(key, { labels, value });
    return value;
  }

  /** All there are, with their labels. */
  all(): [Labels, Value][] {
    return [...this.#series.values()].map(({ labels, value }) => [labels, value]);
  }

  /** Drops the series that have all of these label values. */
  remove(values: Readonly<Partial<Record<Label, string>>>): void {
    const wanted = Object.entries(values);
    for (const [key, { labels }] of this.#series) {
      if (wanted.every(([name, value]) => labels[name] === value)) this.#series.delete(key);
    }
  }

  /** Each as one sample. */
  protected samples(valueOf: (value: Value) => number): Sample[] {
    return this.all().map(([labels, value]) => ({ labels, value: valueOf(value) }));
  }
}
