/**
 * Measures what an idle container costs in private memory, and how fast a warm one starts, in both
 * isolation classes.
 *
 *     deno run -A scripts/bench_wasi/memory.ts [--count N]
 *
 * Linux only. A class's own process without a guest is told apart.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Bench, guest, percentile, privateBytes, type Run, SLEEP } from "./provider_bench.ts";

const { values } = parseArgs({ options: { count: { type: "string", default: "10" } } });
const COUNT = Number(values.count);
const HANDLERS = { process: "krustlet-process", worker: "krustlet-worker" } as const;
const MIB = 1024 * 1024;
/** Long enough for a process to be idle, and for its collector to have run. */
const REST_MS = 2_000;

for (const [isolation, runtimeHandler] of Object.entries(HANDLERS)) {
  await measureMemory(isolation, runtimeHandler);
  await measureStart(isolation, runtimeHandler);
}

async function measureMemory(isolation: string, runtimeHandler: string): Promise<void> {
  await using bench = await Bench.open(0);
  const module = await guest(SLEEP);
  const guests = [];
  const totals: number[] = [];
  for (let i = 0; i < COUNT; i++) {
    const one = bench.start(await bench.runOf(module, { runtimeHandler }));
    await one.started;
    guests.push(one);
    if (i !== 0 && i !== COUNT - 1) continue;
    await rest(REST_MS);
    totals.push(await total(bench));
  }
  const [first = 0, all = 0] = totals;
  const each = COUNT > 1 ? (all - first) / (COUNT - 1) : all;
  console.log(
    `${isolation}: ${mib(all / COUNT)} MiB private per idle container (${COUNT}), ` +
      `${mib(first)} for the first, ${mib(each)} for each more`,
  );
  for (const one of guests) one.end();
  await Promise.all(guests.map(({ ended }) => ended));
}

async function measureStart(isolation: string, runtimeHandler: string): Promise<void> {
  await using bench = await Bench.open(2);
  const module = await guest(`(i32.store8 (i32.const 64) (i32.const 10))
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 1))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) ${SLEEP}`);
  const startedMs: number[] = [];
  const firstByteMs: number[] = [];
  for (let i = 0; i <= COUNT; i++) {
    await rest(500); // something is warm again
    const run = await bench.runOf(module, { runtimeHandler });
    const beginMs = performance.now();
    const one = bench.start(run);
    const byte = firstByte(run);
    await one.started;
    const started = performance.now() - beginMs;
    const first = await byte - beginMs;
    if (i > 0) { // the very first one boots what the others find warm
      startedMs.push(started);
      firstByteMs.push(first);
    }
    one.end();
    await one.ended;
  }
  const ms = (values: readonly number[]): string => percentile(values, 0.5).toFixed(1);
  console.log(
    `${isolation}: warm start ${ms(startedMs)} ms to the first instruction, ` +
      `${ms(firstByteMs)} ms to the first byte in the log (medians of ${COUNT})`,
  );
}

/** When the log has its first byte. */
async function firstByte({ logPath }: Run): Promise<number> {
  for (;;) {
    const { size } = await Deno.stat(logPath).catch(() => ({ size: 0 }));
    if (size > 0) return performance.now();
    await rest(0);
  }
}

async function total(bench: Bench): Promise<number> {
  const each = await Promise.all((await bench.processes()).map(privateBytes));
  return each.reduce((sum, bytes) => sum + bytes, 0);
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
