/**
 * Counters, gauges and histograms in memory, each with a bound on how many series it has.
 *
 * @module
 */
import type { Family, Labels } from "./family.ts";
import { type Described, Series } from "./series.ts";

/** Makes families when a page is read. */
export type Collector = () => readonly Family[] | Promise<readonly Family[]>;

/** Everything on one page of metrics. */
export class Registry {
  readonly #collectors: Collector[] = [];
  readonly #names = new Set<string>();

  /** Declares a number that only grows. Throws if the name is taken. */
  counter<Label extends string = never>(described: Described<Label>): Counter<Label> {
    return this.#declare(described, new Counter(described));
  }

  /** Declares a number that goes up and down. Throws if the name is taken. */
  gauge<Label extends string = never>(described: Described<Label>): Gauge<Label> {
    return this.#declare(described, new Gauge(described));
  }

  /** Declares how often a number is within which bounds. Throws if the name is taken. */
  histogram<Label extends string = never>(
    described: Described<Label> & { readonly bounds?: readonly number[] },
  ): Histogram<Label> {
    return this.#declare(described, new Histogram(described));
  }

  /** Adds families that are made whenever they are read. One that throws leaves out its own alone. */
  collect(collector: Collector): void {
    this.#collectors.push(collector);
  }

  /** What there is now, by name. Never rejects. */
  async families(): Promise<Family[]> {
    const found = await Promise.all(this.#collectors.map(async (collector) => {
      try {
        return await collector();
      } catch {
        return [];
      }
    }));
    return found.flat().toSorted((one, other) => one.name < other.name ? -1 : 1);
  }

  #declare<T extends { family(): Family }>({ name }: { readonly name: string }, metric: T): T {
    if (this.#names.has(name)) throw new Error(`Cannot declare metric "${name}": it is there`);
    this.#names.add(name);
    this.collect(() => [metric.family()]);
    return metric;
  }
}

/** A number that only grows, for each set of label values. */
export class Counter<Label extends string = never> extends Series<Label, { value: number }> {
  constructor(described: Described<Label>) {
    super(described, () => ({ value: 0 }));
  }

  /** Adds to it; `by` is not negative. @default {1} */
  add(labels: Readonly<Record<Label, string>>, by = 1): void {
    const series = this.at(labels);
    if (series !== undefined) series.value += Math.max(0, by);
  }

  /** As it is shown. */
  family(): Family {
    return { ...this.described, type: "counter", samples: this.samples(({ value }) => value) };
  }
}

/** A number that goes up and down, for each set of label values. */
export class Gauge<Label extends string = never> extends Series<Label, { value: number }> {
  constructor(described: Described<Label>) {
    super(described, () => ({ value: 0 }));
  }

  /** Makes it this value. */
  set(labels: Readonly<Record<Label, string>>, value: number): void {
    const series = this.at(labels);
    if (series !== undefined) series.value = value;
  }

  /** Adds to it, or takes away. */
  add(labels: Readonly<Record<Label, string>>, by: number): void {
    const series = this.at(labels);
    if (series !== undefined) series.value += by;
  }

  /** As it is shown. */
  family(): Family {
    return { ...this.described, type: "gauge", samples: this.samples(({ value }) => value) };
  }
}

/** The bounds that most histograms have, in seconds: those of Prometheus' own clients. */
export const DEFAULT_BOUNDS: readonly number[] = [
  ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.25],
  ...[0.5, 1, 2.5, 5, 10],
];

interface Tally {
  /** By bound, each without those below; the last is for what is above all bounds. */
  readonly counts: number[];
  sum: number;
}

/** How often a number was within which bounds, for each set of label values. */
export class Histogram<Label extends string = never> extends Series<Label, Tally> {
  readonly #bounds: readonly number[];

  constructor(described: Described<Label> & { readonly bounds?: readonly number[] }) {
    const { bounds = DEFAULT_BOUNDS, ...rest } = described;
    super(rest, () => ({ counts: Array<number>(bounds.length + 1).fill(0), sum: 0 }));
    this.#bounds = bounds;
  }

  /** Takes note of a number. */
  observe(labels: Readonly<Record<Label, string>>, value: number): void {
    const tally = this.at(labels);
    if (tally === undefined) return;
    const index = this.#bounds.findIndex((bound) => value <= bound);
    tally.counts[index < 0 ? this.#bounds.length : index]! += 1;
    tally.sum += value;
  }

  /** As it is shown: each bucket has all those below it. */
  family(): Family {
    const samples = this.all().flatMap(([labels, { counts, sum }]) => {
      let count = 0;
      const buckets = counts.map((more, index) => {
        count += more;
        const le = index < this.#bounds.length ? String(this.#bounds[index]) : "+Inf";
        return { suffix: "_bucket" as const, labels: { ...labels, le } as Labels, value: count };
      });
      return [
        ...buckets,
        { suffix: "_sum" as const, labels, value: sum },
        { suffix: "_count" as const, labels, value: count },
      ];
    });
    return { ...this.described, type: "histogram", samples };
  }
}
