/**
 * What one call costs a guest, here and under the peer. The guest times itself, in processes that
 * take turns; of each process the fastest batch counts, because whatever else the machine does can
 * only make it slower, and of the processes the median.
 *
 * @module
 */
import { BATCHES, buildCallsGuest, CALLS_CASES, DEEP, ROUND_CALLS } from "./guests/calls_guest.ts";
import { median, type Row } from "./rows.ts";
import { type Runner, runners } from "./runners.ts";

const FILE_BYTES = ROUND_CALLS * 65_536;
const ENTRIES = 100;

/** How {@linkcode benchCalls} measures. */
export interface BenchCallsOptions {
  /**
   * Processes of each host.
   *
   * @default {5}
   */
  readonly repetitions?: number;
}

/** Measures every call; figures are nanoseconds per call. One row for each host of ours. */
export async function benchCalls({ repetitions = 5 }: BenchCallsOptions = {}): Promise<Row[]> {
  const folder = await makeFolder();
  try {
    const { ours, peer } = await runners(`${folder}/calls.wasm`, `${folder}/box`);
    const all = new Map<Runner, number[][]>([...ours, peer].map((runner) => [runner, []]));
    for (let turn = 0; turn < repetitions; turn++) {
      for (const [runner, turns] of all) turns.push(await measure(runner, `${folder}/box`));
    }
    const figure = (runner: Runner, index: number): number =>
      median((all.get(runner) ?? []).map((turn) => turn[index]!));
    return ours.flatMap((runner) =>
      CALLS_CASES.map(({ name }, index) => ({
        group: `calls, ${runner.name} against ${peer.name}`,
        name,
        unit: "ns",
        ours: figure(runner, index),
        peer: figure(peer, index),
        ...(runner.name === "libc" ? { atMost: 1 } : {}),
      }))
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A folder in memory where there is one, so that no disk is measured. */
async function makeFolder(): Promise<string> {
  const dir = await Deno.stat("/dev/shm").then(() => ({ dir: "/dev/shm" }), () => ({}));
  const folder = await Deno.makeTempDir({ prefix: "bench-wasi-", ...dir });
  await Deno.writeFile(`${folder}/calls.wasm`, await buildCallsGuest());
  const box = `${folder}/box`;
  await Deno.mkdir(`${box}/${DEEP.slice(0, DEEP.lastIndexOf("/"))}`, { recursive: true });
  await Deno.mkdir(`${box}/folder`);
  await Deno.writeFile(`${box}/file`, new Uint8Array(FILE_BYTES));
  await Deno.writeTextFile(`${box}/${DEEP}`, "deep");
  for (let index = 0; index < ENTRIES; index++) {
    await Deno.writeTextFile(`${box}/folder/entry-${String(index).padStart(3, "0")}`, "");
  }
  return folder;
}

/** Runs the guest once; nanoseconds per call of each case, NaN for a call that fails. */
async function measure({ command, args }: Runner, box: string): Promise<number[]> {
  const { success, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(`Cannot measure with ${command}: ${new TextDecoder().decode(stderr)}`);
  }
  const results = new BigUint64Array((await Deno.readFile(`${box}/results`)).buffer);
  return CALLS_CASES.map((_, index) => {
    const [rounds, ...batches] = results.subarray(
      index * (1 + BATCHES),
      (index + 1) * (1 + BATCHES),
    );
    const fastest = Math.min(...batches.map(Number));
    return rounds === 0n ? NaN : fastest / (Number(rounds) * ROUND_CALLS);
  });
}
