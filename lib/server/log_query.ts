/**
 * Reads the query of a request for logs.
 *
 * @module
 */

/** What is wanted of a log; the fields of `PodLogOptions`. */
export interface LogQuery {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly sinceMs?: number;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly stream?: "stdout" | "stderr";
}

/** Throws a `RangeError` that names the parameter, its value and what is allowed. */
export function parseLogQuery(params: URLSearchParams, nowMs: number): LogQuery {
  const sinceSeconds = readInteger(params, { name: "sinceSeconds", min: 1 });
  const sinceTime = readTime(params, "sinceTime");
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    throw new RangeError("Cannot use sinceSeconds and sinceTime together: allowed is one of them");
  }
  const sinceMs = sinceSeconds === undefined ? sinceTime : nowMs - sinceSeconds * 1_000;
  // An older kubectl writes the word for "no limit".
  if (params.get("tailLines") === "all") params.delete("tailLines");
  const tailLines = readInteger(params, { name: "tailLines", min: 0 });
  const limitBytes = readInteger(params, { name: "limitBytes", min: 1 });
  const stream = readStream(params);
  if (stream !== undefined && tailLines !== undefined) {
    throw new RangeError("Cannot use tailLines and one stream together: allowed is one of them");
  }
  return {
    follow: readBoolean(params, "follow"),
    previous: readBoolean(params, "previous"),
    timestamps: readBoolean(params, "timestamps"),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(stream === undefined ? {} : { stream }),
  };
}

function readBoolean(params: URLSearchParams, name: string): boolean {
  const text = params.get(name);
  if (text === null) return false;
  if (/^(true|1|)$/i.test(text)) return true;
  if (/^(false|0)$/i.test(text)) return false;
  throw refusal({ name, text, allowed: "true or false" });
}

function readInteger(
  params: URLSearchParams,
  { name, min }: { name: string; min: number },
): number | undefined {
  const text = params.get(name);
  if (text === null) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw refusal({ name, text, allowed: `a whole number, ${min} or more` });
}

function readTime(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name);
  if (text === null) return undefined;
  const isRfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const ms = isRfc3339 && isOnClock(text.slice(0, 19)) ? Date.parse(text) : NaN;
  if (!Number.isNaN(ms)) return ms;
  throw refusal({ name, text, allowed: "a time as 2006-01-02T15:04:05Z" });
}

/** False for February 30 and for 24:00:00, which the runtime takes for the day after. */
function isOnClock(dayAndTime: string): boolean {
  const ms = Date.parse(`${dayAndTime}Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(dayAndTime);
}

function readStream(params: URLSearchParams): "stdout" | "stderr" | undefined {
  const text = params.get("stream");
  if (text === null || text === "All") return undefined;
  if (text === "Stdout") return "stdout";
  if (text === "Stderr") return "stderr";
  throw refusal({ name: "stream", text, allowed: "All, Stdout or Stderr" });
}

function refusal(given: { name: string; text: string; allowed: string }): RangeError {
  const { name, text, allowed } = given;
  return new RangeError(`Cannot use ${name} "${text.slice(0, 100)}": allowed is ${allowed}`);
}
