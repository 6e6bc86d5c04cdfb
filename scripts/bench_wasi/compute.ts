/**
 * Measures what programs take that compute: whole processes, from their start to their end.
 *
 *     deno run -A scripts/bench_wasi/compute.ts [--longer] [NAME…]
 *
 * The peer is the wasmtime of `$WASMTIME` or of the path, else Node.js's WASI. Of wasmtime each
 * program is run once before it counts, so that the peer has its compiled code from its cache; the
 * row `cold start` is measured without that cache. Times are the least of three, because other work
 * on the machine can only add to them.
 *
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildGuests, LARGE, PROGRAMS } from "./compute_guests.ts";
import { type Row, tableOf } from "./rows.ts";
import { type Runner, runners } from "./runners.ts";

const RUNS = 3;

/** What is measured. */
export interface ComputeOptions {
  /**
   * Programs, as `c_fib`.
   *
   * @default {all that could be built}
   */
  readonly names?: readonly string[];
  /**
   * Runs of about five seconds too.
   *
   * @default {false}
   */
  readonly longer?: boolean;
}

/** Builds the guests and measures them: 50 ms, 1 s and 5 s of computing, and a large program's start. */
export async function benchCompute(options: ComputeOptions = {}): Promise<Row[]> {
  const folder = await Deno.makeTempDir({ prefix: "bench_compute_" });
  try {
    await buildGuests(folder);
    const rows: Row[] = [];
    for (const name of options.names ?? Object.keys(PROGRAMS)) {
      const file = join(folder, `${name}.wasm`);
      const sizes = PROGRAMS[name];
      if (sizes === undefined || !await exists(file)) continue;
      const [ours, peer] = await pair(file, folder);
      rows.push(await rowOf("compute, about 50 ms", { name, ours, peer, arg: sizes.short }));
      rows.push(await rowOf("compute, about 1 s", { name, ours, peer, arg: sizes.long }));
      if (options.longer !== true) continue;
      rows.push(await rowOf("compute, about 5 s", { name, ours, peer, arg: sizes.longer }));
    }
    if (await exists(join(folder, `${LARGE}.wasm`))) rows.push(await coldStart(folder));
    const order = Object.groupBy(rows, ({ group }) => group);
    return Object.values(order).flatMap((group) => group ?? []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function coldStart(folder: string): Promise<Row> {
  const [ours, peer] = await pair(join(folder, `${LARGE}.wasm`), folder);
  const uncached = peer.name === "wasmtime"
    ? { ...peer, args: peer.args.toSpliced(1, 0, "-C", "cache=n") }
    : peer;
  const name = "cold start of 14 MB";
  const row = await rowOf("start", { name, ours, peer: uncached, arg: "" });
  return { ...row, atMost: 0.5 };
}

async function pair(file: string, folder: string): Promise<readonly [Runner, Runner]> {
  const { ours, peer } = await runners(file, folder);
  return [ours[0]!, peer];
}

async function rowOf(
  group: string,
  { name, ours, peer, arg }: { name: string; ours: Runner; peer: Runner; arg: string },
): Promise<Row> {
  const [mine, theirs] = [await least(ours, arg), await least(peer, arg)];
  return { group, name, unit: "ms", ours: mine, peer: theirs };
}

/** The least milliseconds of some runs, after one that does not count. */
async function least(runner: Runner, arg: string): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    const { success, stderr } = await new Deno.Command(runner.command, {
      args: [...runner.args, ...(arg === "" ? [] : [arg])],
    }).output();
    if (!success) throw new Error(`${runner.name}: ${new TextDecoder().decode(stderr)}`);
    if (run > 0) times.push(performance.now() - start);
  }
  return Math.min(...times);
}

async function exists(file: string): Promise<boolean> {
  try {
    return (await Deno.stat(file)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { longer: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const names = positionals.length === 0 ? {} : { names: positionals };
  console.log(tableOf(await benchCompute({ longer: values.longer, ...names })));
}
