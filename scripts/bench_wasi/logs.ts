/**
 * Measures how fast a container's output reaches its log: lines of 100 bytes, beside the same guest that
 * writes them to a plain file of its root.
 *
 *     deno run -A scripts/bench_wasi/logs.ts [--lines N] [--rounds N]
 *
 * Once with a call for each line, as programs without a buffer do it, and once with 64 lines in each.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Bench, guest, percentile } from "./provider_bench.ts";

const { values } = parseArgs({
  options: {
    lines: { type: "string", default: "500000" },
    rounds: { type: "string", default: "5" },
  },
});
const LINES = Number(values.lines);
const LINE_BYTES = 100;
/** What the log should keep of the speed of a plain file. */
const RATIO_AT_LEAST = 0.5;

/** Makes `out` in the root and takes its descriptor. Lies where no line does. */
const OPEN_FILE = `(i32.store (i32.const 32) (i32.const 0x74756f))
  (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 3) (i32.const 9)
    (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 40)))
  (local.set $fd (i32.load (i32.const 40)))`;

/** Writes all lines, so many in each call, to its stdout or to a file. */
async function writer(to: "log" | "file", linesPerCall: number): Promise<Uint8Array> {
  const bytes = LINE_BYTES * linesPerCall;
  return await guest(`(local $left i32) (local $fd i32) (local $at i32)
    (memory.fill (i32.const 1024) (i32.const 46) (i32.const ${bytes}))
    (local.set $at (i32.const ${1024 + LINE_BYTES - 1}))
    (loop $fill
      (i32.store8 (local.get $at) (i32.const 10))
      (local.set $at (i32.add (local.get $at) (i32.const ${LINE_BYTES})))
      (br_if $fill (i32.lt_u (local.get $at) (i32.const ${1024 + bytes}))))
    (local.set $fd (i32.const 1))
    ${to === "file" ? OPEN_FILE : ""}
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const ${bytes}))
    (local.set $left (i32.const ${Math.ceil(LINES / linesPerCall)}))
    (loop $next
      (if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16)) (then unreachable))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $next (local.get $left)))`);
}

/** Lines in a second of one run, from its first instruction to its end. */
async function measure(bench: Bench, module: Uint8Array): Promise<number> {
  const { started, ended } = bench.start(await bench.runOf(module));
  await started;
  const fromMs = performance.now();
  const exit = await ended;
  if (exit.kind !== "exited" || exit.code !== 0) {
    throw new Error(`Cannot measure: the guest ended with ${JSON.stringify(exit)}`);
  }
  return LINES / (performance.now() - fromMs) * 1_000;
}

await using bench = await Bench.open(1);
for (const linesPerCall of [1, 64]) {
  const [log, file] = [await writer("log", linesPerCall), await writer("file", linesPerCall)];
  await measure(bench, log);
  await measure(bench, file);
  const rounds = Array.from({ length: Number(values.rounds) });
  const found: { log: number; file: number }[] = [];
  for (const _ of rounds) {
    found.push({ log: await measure(bench, log), file: await measure(bench, file) });
  }
  const median = (rates: number[]): number => percentile(rates, 0.5);
  const ratio = median(found.map((pair) => pair.log / pair.file));
  const rates = [median(found.map((pair) => pair.log)), median(found.map((pair) => pair.file))];
  console.log(
    `${linesPerCall} lines a call: log ${rates[0]?.toFixed(0)} lines/s, file ${
      rates[1]?.toFixed(0)
    } lines/s, ratio ${ratio.toFixed(2)} (at least ${RATIO_AT_LEAST})`,
  );
}
