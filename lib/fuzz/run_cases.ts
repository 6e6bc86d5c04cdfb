/**
 * Tries a case again and again, each time with another seed, and watches time and memory. For tests
 * only.
 *
 * @module
 */
import assert from "node:assert/strict";
import { cpuUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Random } from "./random.ts";
import { SEED, tell } from "./settings.ts";

/** Milliseconds that one case may take; real ones take microseconds, but the machine may be busy. */
const CASE_MS_MAX = 30_000;
/** Bytes by which the heap may have grown after the warm-up, everything unused collected. */
const HEAP_GROWTH_MAX = 4 * 1024 * 1024;
/** Bytes by which the process may have grown after the warm-up: garbage that waits is part of it. */
const RSS_GROWTH_MAX = 256 * 1024 * 1024;
/** Cases between two looks at the memory, each of which costs tens of milliseconds. */
const CASES_PER_LOOK = 50_000;
/** Cases before a comparison of memory says anything: code is compiled, caches are filled. */
const WARM_UP_MIN = 2_000;

/** One case: what it did, in a word, or an assertion that failed. */
export type Case = (random: Random) => string | Promise<string>;

/** How often each word was said. */
export type Tally = Readonly<Record<string, number>>;

/**
 * Runs `count` cases. A failure names the seed that shows it again; cases that take too long and
 * memory that grows without end are failures too.
 */
export async function runCases(name: string, count: number, tryCase: Case): Promise<Tally> {
  const tally: Record<string, number> = {};
  const memory = new MemoryWatch(count);
  const begunMs = performance.now();
  const begun = cpuUsage();
  let slowest = { ms: 0, seed: SEED };
  for (let index = 0; index < count; index++) {
    const seed = SEED + index;
    const fromMs = performance.now();
    const said = await named(seed, tryCase);
    tally[said] = (tally[said] ?? 0) + 1;
    const ms = performance.now() - fromMs;
    if (ms > slowest.ms) slowest = { ms, seed };
    memory.look(index);
  }
  const seconds = (performance.now() - begunMs) / 1000;
  const used = cpuUsage(begun);
  tell(
    `${name}: ${count} cases in ${seconds.toFixed(1)} s, ${Math.round(count / seconds)}/s, ` +
      `CPU ${((used.user + used.system) / 1e6).toFixed(1)} s, ` +
      `slowest ${slowest.ms.toFixed(1)} ms (seed ${slowest.seed}), ${memory.words()}; ` +
      Deno.inspect(tally, { compact: true, breakLength: Infinity }),
  );
  assert.ok(slowest.ms < CASE_MS_MAX, `${slowest.ms} ms (FUZZ_SEED=${slowest.seed} FUZZ_CASES=1)`);
  memory.check();
  return tally;
}

/** Fails if one of these words was hardly ever said: then the cases do not try what they are for. */
export function assertAllSaid(tally: Tally, words: readonly string[]): void {
  const count = Object.values(tally).reduce((sum, times) => sum + times, 0);
  if (count < SHARE_COUNT_MIN) return;
  for (const word of words) assert.ok((tally[word] ?? 0) > count / 50, Deno.inspect(tally));
}

/** Cases before shares say anything. */
const SHARE_COUNT_MIN = 50;

/** Says which case it was, whatever is thrown. */
async function named(seed: number, tryCase: Case): Promise<string> {
  try {
    return await tryCase(new Random(seed));
  } catch (error) {
    throw new assert.AssertionError({
      message: `FUZZ_SEED=${seed} FUZZ_CASES=1: ${Deno.inspect(error)}`,
    });
  }
}

/** The heap without garbage and the whole process, after the warm-up and later. */
class MemoryWatch {
  readonly #count: number;
  readonly #warmUp: number;
  #first: Deno.MemoryUsage | undefined;
  #heapGrowth = 0;
  #rssGrowth = 0;

  constructor(count: number) {
    this.#count = count;
    this.#warmUp = Math.min(CASES_PER_LOOK, Math.max(WARM_UP_MIN, count >> 1));
  }

  look(index: number): void {
    if (index < this.#warmUp) return;
    const isDue = (index - this.#warmUp) % CASES_PER_LOOK === 0 || index === this.#count - 1;
    if (!isDue) return;
    const rss = Deno.memoryUsage().rss;
    collectGarbage();
    const usage = Deno.memoryUsage();
    this.#first ??= { ...usage, rss };
    this.#heapGrowth = usage.heapUsed + usage.external - this.#first.heapUsed -
      this.#first.external;
    this.#rssGrowth = Math.max(this.#rssGrowth, rss - this.#first.rss);
  }

  words(): string {
    if (this.#first === undefined) return "too few for a look at the memory";
    return `heap ${mib(this.#first.heapUsed)} + ${mib(this.#heapGrowth)} MiB, ` +
      `process ${mib(this.#first.rss)} + ${mib(this.#rssGrowth)} MiB`;
  }

  check(): void {
    assert.ok(this.#heapGrowth < HEAP_GROWTH_MAX, `the heap grew: ${this.words()}`);
    assert.ok(this.#rssGrowth < RSS_GROWTH_MAX, `the process grew: ${this.words()}`);
  }
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}

/** V8's own function, which is not there unless it is asked for. */
const collectGarbage: () => void = (() => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
})();
