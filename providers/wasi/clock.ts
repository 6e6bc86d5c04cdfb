/** What a {@linkcode logClock} reads; the defaults are the machine's. */
export interface Clocks {
  /** Milliseconds since 1970, as the system says. */
  readonly wallMs: () => number;
  /** Milliseconds since any moment, with a fraction, never going back. */
  readonly steadyMs: () => number;
}

/** How far the two clocks may drift apart before the system's clock was set anew. */
const DRIFT_MS_MAX = 2;

/** Readings of both clocks until one is taken as it is. */
const READS_MAX = 10;

/**
 * The time as RFC 3339 with nine fractional digits, as log lines need it; microseconds are real.
 *
 * A tenth of the cost of `Temporal`, since most lines share their millisecond with the one before.
 */
export function logClock(
  clocks: Clocks = { wallMs: () => Date.now(), steadyMs: () => performance.now() },
): () => string {
  let offsetMs = readOffset(clocks);
  let lastMs = Number.NaN;
  let prefix = "";
  return () => {
    let steadyMs = clocks.steadyMs();
    if (hasDrifted(offsetMs, { steadyMs, wallMs: clocks.wallMs() })) {
      // Once more: this thread may have been put aside between the two clocks.
      steadyMs = clocks.steadyMs();
      if (hasDrifted(offsetMs, { steadyMs, wallMs: clocks.wallMs() })) {
        offsetMs = readOffset(clocks);
        steadyMs = clocks.steadyMs();
      }
    }
    const nowMs = offsetMs + steadyMs;
    const wholeMs = Math.floor(nowMs);
    if (wholeMs !== lastMs) {
      lastMs = wholeMs;
      prefix = new Date(wholeMs).toISOString().slice(0, -1);
    }
    return prefix + MICROS[Math.floor((nowMs - wholeMs) * 1000)];
  };
}

/** The last digits of each microsecond of a millisecond. */
const MICROS = Array.from({ length: 1000 }, (_, i) => `${String(i).padStart(3, "0")}000Z`);

function hasDrifted(
  offsetMs: number,
  { steadyMs, wallMs }: { readonly steadyMs: number; readonly wallMs: number },
): boolean {
  return Math.abs(offsetMs + steadyMs - wallMs) > DRIFT_MS_MAX;
}

/** What the system's clock is ahead by. Tried again if this thread was put aside between the two. */
function readOffset({ wallMs, steadyMs }: Clocks): number {
  for (let tries = 0;; tries++) {
    const before = steadyMs();
    const offset = wallMs() - before;
    if (steadyMs() - before < 1 || tries === READS_MAX) return offset;
  }
}
