/**
 * Measures how responsive an agent stays while hostile guests run: the p99 of a timer of 10 ms on its
 * main thread, which must stay under 50 ms; and how long a guest takes to be gone when it is told.
 *
 *     deno run -A scripts/bench_wasi/hostile.ts [--seconds N] [--kills N]
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Bench, guest, percentile, type Run } from "./provider_bench.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    kills: { type: "string", default: "50" },
  },
});
const [SECONDS, KILLS] = [Number(values.seconds), Number(values.kills)];
const TIMER_MS = 10;
const MIB = 1024 * 1024;
const HANDLERS = ["krustlet-process", "krustlet-worker"] as const;

/** A guest, and how many of it run at once. */
interface Hostile {
  readonly what: string;
  readonly module: Uint8Array;
  readonly count: number;
  readonly changes?: Partial<Run>;
}

const SPINS = await guest("(loop $again (br $again))");
const HOSTILE: readonly Hostile[] = [
  { what: "nobody", module: SPINS, count: 0 },
  { what: "4 endless loops without calls", module: SPINS, count: 4 },
  {
    what: "4 endless loops with calls",
    module: await guest("(loop $again (drop (call $sched_yield)) (br $again))"),
    count: 4,
  },
  {
    what: "2 memory bombs of 256 MiB",
    module: await guest(`(loop $again
      (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
      (memory.fill (i32.shl (i32.sub (memory.size) (i32.const 16)) (i32.const 16))
        (i32.const 1) (i32.const 1048576))
      (br $again))`),
    count: 2,
    changes: { limits: { memoryBytes: 256 * MIB } },
  },
  {
    what: "2 deep recursions",
    module: await guest(
      "(drop (call $deeper (i32.const 1)))",
      `(func $deeper (param i32) (result i32)
        (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (local.get 0)))`,
    ),
    count: 2,
  },
  {
    what: "2 logs without end",
    module: await guest(`(memory.fill (i32.const 16) (i32.const 120) (i32.const 1000000))
      (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 1000000))
      (loop $again
        (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (br $again))`),
    count: 2,
  },
  {
    what: "2 openers of descriptors",
    module: await guest(`(i32.store8 (i32.const 32) (i32.const 46))
      (loop $again
        (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 1)
          (i32.const 2) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 64)))
        (br $again))`),
    count: 2,
  },
  { what: "a corrupt module", module: SPINS.subarray(0, SPINS.length - 3), count: 2 },
];

for (const runtimeHandler of HANDLERS) {
  for (const hostile of HOSTILE) await measureTimer(runtimeHandler, hostile);
  await measureKills(runtimeHandler);
}

/** Runs the guests, again and again if they end, and watches the timer meanwhile. */
async function measureTimer(
  runtimeHandler: string,
  { what, module, count, changes }: Hostile,
): Promise<void> {
  await using bench = await Bench.open(2);
  const runs = await Promise.all(
    Array.from({ length: count }, () => bench.runOf(module, { runtimeHandler, ...changes })),
  );
  let over = false;
  const guests = new Map<Run, ReturnType<Bench["start"]>>();
  const attacks = runs.map(async (run) => {
    while (!over) {
      const attack = bench.start(run);
      guests.set(run, attack);
      await attack.ended;
    }
  });
  const lateMs: number[] = [];
  const endMs = performance.now() + SECONDS * 1000;
  while (performance.now() < endMs) {
    const beginMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, TIMER_MS));
    lateMs.push(performance.now() - beginMs);
  }
  over = true;
  for (const attack of guests.values()) attack.end();
  await Promise.all(attacks);
  console.log(
    `${runtimeHandler}, ${what}: timer p50 ${ms(lateMs, 0.5)}, p99 ${ms(lateMs, 0.99)}, ` +
      `longest ${ms(lateMs, 1)}`,
  );
}

/** How long an endless loop takes to be gone, from the abort to the settled run. */
async function measureKills(runtimeHandler: string): Promise<void> {
  await using bench = await Bench.open(2);
  const goneMs: number[] = [];
  const run = await bench.runOf(SPINS, { runtimeHandler });
  for (let i = 0; i < KILLS; i++) {
    const one = bench.start(run);
    await one.started;
    const beginMs = performance.now();
    one.end();
    await one.ended;
    goneMs.push(performance.now() - beginMs);
  }
  console.log(
    `${runtimeHandler}, ${KILLS} kills: gone after p50 ${ms(goneMs, 0.5)}, longest ${
      ms(goneMs, 1)
    }`,
  );
}

function ms(values: readonly number[], share: number): string {
  return `${percentile(values, share).toFixed(1)} ms`;
}
