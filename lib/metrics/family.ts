/**
 * What a page of metrics is made of (Prometheus' text format 0.0.4, OpenMetrics 1.0).
 *
 * @module
 */

/** Names and values of a sample's labels. */
export type Labels = Readonly<Record<string, string>>;

/** One number. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Follows the family's name, as `_bucket`. @default {nothing} */
  readonly suffix?: "_bucket" | "_sum" | "_count";
  /** When it was measured, in ms since 1970. @default {when it is read} */
  readonly atMs?: number;
}

/** All samples of one name. */
export interface Family {
  /** Letters, digits, `_` and `:`; a counter's usually ends in `_total`. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** One sentence for people. */
  readonly help: string;
  readonly samples: readonly Sample[];
}
