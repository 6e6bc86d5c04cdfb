/**
 * Measures what an idle container costs in private memory, and how fast a warm one starts, in both
 * isolation classes; beside it, the same guest in a process of the peer: wasmtime, else Node.js's WASI.
 *
 *     deno run -A scripts/bench_wasi/memory.ts [--count N]
 *
 * Linux only. Memory is `Private_Clean` and `Private_Dirty` of all processes, divided by the containers.
 * Guests' program is measured from its sources and as it is shipped, in a bundle.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { makeHere } from "../package/here.ts";
import { Bench, guest, percentile, privateBytes, type Run, SLEEP } from "./provider_bench.ts";
import { type Row, tableOf } from "./rows.ts";
import { type Runner, runners } from "./runners.ts";

const { values } = parseArgs({ options: { count: { type: "string", default: "20" } } });
const COUNT = Number(values.count);
const CLASSES = [
  { isolation: "process", runtimeHandler: "krustlet-process", mibAtMost: 9 },
  { isolation: "worker", runtimeHandler: "krustlet-worker", mibAtMost: 6 },
] as const;
type Class = (typeof CLASSES)[number];
const START_MS_AT_MOST = 5;
const MIB = 1024 * 1024;
/** Long enough for a guest to be idle, and for its garbage to be collected. */
const REST_MS = 12_000;
/** Idle processes of the peer: they share what is not private. */
const PEERS = 4;
/**
 * Long enough for a process or Worker to be warm again, and no longer: a machine that has rested is slow
 * to wake (4 s of rest make a start of the peer six times as long), so the peer rests as well.
 */
const WARM_MS = 100;

/** Writes a line end, then sleeps for an hour. */
const SPEAK = `(i32.store8 (i32.const 64) (i32.const 10))
  (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 1))
  (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 68)))
  (i64.store (i32.const 0) (i64.const 0)) (i32.store (i32.const 64) (i32.const 0)) ${SLEEP}`;

const folder = await Deno.makeTempDir({ prefix: "krustlet-bundle-" });
const rows: Row[] = [];
try {
  const [sleeps, speaks] = [await guest(SLEEP), await guest(SPEAK)];
  const peer = await measurePeer(sleeps, speaks);
  const { guestEntry } = await makeHere(folder);
  for (const form of [undefined, guestEntry]) {
    const name = `${form === undefined ? "from its sources" : "as shipped"}, against ${peer.name}`;
    for (const one of CLASSES) {
      const subject = { form, name, sleeps, speaks, peer };
      rows.push(...await measureMemory(one, subject), ...await measureStart(one, subject));
    }
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
console.log(tableOf(rows));
console.log(`
Under 2 MB for each: several idle guests in one isolate, suspended by JSPI while they wait (20 to 100 KiB
and their memory each). They would share a thread: a guest that computes holds up the others, and one that
must be killed takes them along. A process cannot be had for it: Deno's own, without a program, has 8.3 MiB.`);

/** What is measured, and against whom. */
interface Subject {
  /** The entry of guest processes, unless they run from the sources. */
  readonly form: URL | undefined;
  readonly name: string;
  readonly sleeps: Uint8Array;
  readonly speaks: Uint8Array;
  readonly peer: Peer;
}

async function measureMemory(
  { isolation, runtimeHandler, mibAtMost }: Class,
  { form, name, sleeps, peer }: Subject,
): Promise<Row[]> {
  await using bench = await Bench.open(0, form && { guestEntry: form });
  const totals: number[] = [];
  // What Deno keeps of a program that it has not seen before is not the containers'.
  const forerunner = bench.start(await bench.runOf(sleeps, { runtimeHandler }));
  await forerunner.started;
  const guests: (typeof forerunner)[] = [];
  for (let i = 0; i < COUNT; i++) {
    const one = bench.start(await bench.runOf(sleeps, { runtimeHandler }));
    guests.push(one);
    await one.started;
    if (i === 0) {
      forerunner.end();
      await forerunner.ended;
    }
    if (i !== 0 && i !== COUNT - 1) continue;
    await rest(REST_MS);
    totals.push(await total(bench));
  }
  for (const one of guests) one.end();
  await Promise.all(guests.map(({ ended }) => ended));
  const [first = 0, all = 0] = totals;
  const row = { group: `${isolation}, ${name}`, unit: "MiB", peer: peer.bytes / MIB };
  return [
    {
      ...row,
      name: `memory of each of ${COUNT} idle`,
      ours: all / COUNT / MIB,
      oursAtMost: mibAtMost,
    },
    { ...row, name: "of the first", ours: first / MIB },
    { ...row, name: "of each more", ours: (all - first) / Math.max(1, COUNT - 1) / MIB },
  ];
}

async function measureStart(
  { isolation, runtimeHandler }: Class,
  { form, name, speaks, peer }: Subject,
): Promise<Row[]> {
  await using bench = await Bench.open(2, form && { guestEntry: form });
  const instructionMs: number[] = [];
  const byteMs: number[] = [];
  for (let i = 0; i <= COUNT; i++) {
    await rest(WARM_MS);
    const run = await bench.runOf(speaks, { runtimeHandler });
    const byte = firstByte(bench, run);
    const beginMs = performance.now();
    const one = bench.start(run);
    await one.started;
    const instruction = performance.now() - beginMs;
    const first = await byte - beginMs;
    if (i > 0) { // the very first one boots what the others find warm
      instructionMs.push(instruction);
      byteMs.push(first);
    }
    one.end();
    await one.ended;
  }
  const row = { group: `${isolation}, ${name}`, unit: "ms" };
  const p50 = percentile(byteMs, 0.5);
  return [
    { ...row, name: "warm start to first instruction", ours: percentile(instructionMs, 0.5) },
    {
      ...row,
      name: "to the log's first byte, p50",
      ours: p50,
      peer: percentile(peer.startMs, 0.5),
      oursAtMost: START_MS_AT_MOST,
    },
    {
      ...row,
      name: "to the log's first byte, p99",
      ours: percentile(byteMs, 0.99),
      peer: percentile(peer.startMs, 0.99),
    },
  ];
}

/** What the peer takes for the same guests, each in a process of its own that nobody has warmed. */
interface Peer {
  readonly name: string;
  readonly bytes: number;
  readonly startMs: readonly number[];
}

async function measurePeer(sleeps: Uint8Array, speaks: Uint8Array): Promise<Peer> {
  const bytes: number[] = [];
  const startMs: number[] = [];
  const [sleeper, speaker] = [`${folder}/sleeps.wasm`, `${folder}/speaks.wasm`];
  await Promise.all([Deno.writeFile(sleeper, sleeps), Deno.writeFile(speaker, speaks)]);
  const { peer } = await runners(sleeper, folder);
  const idle = Array.from({ length: PEERS }, () => spawn(peer));
  await rest(REST_MS);
  for (const { pid } of idle) bytes.push(await privateBytes(pid));
  for (const process of idle) await end(process);
  const { peer: talking } = await runners(speaker, folder);
  for (let i = 0; i <= COUNT; i++) {
    await rest(WARM_MS);
    const beginMs = performance.now();
    const process = spawn(talking);
    const reader = process.stdout.getReader();
    await reader.read();
    if (i > 0) startMs.push(performance.now() - beginMs); // the first one fills its cache
    reader.releaseLock();
    await end(process);
  }
  return { name: peer.name, bytes: bytes.reduce((sum, one) => sum + one, 0) / PEERS, startMs };
}

function spawn({ command, args }: Runner): Deno.ChildProcess {
  return new Deno.Command(command, { args: [...args], stdout: "piped", stderr: "null" }).spawn();
}

async function end(process: Deno.ChildProcess): Promise<void> {
  process.kill("SIGKILL");
  await Promise.all([process.status, process.stdout.cancel()]);
}

/** When the log has its first byte. The kernel tells: whoever looks again and again is in the way. */
async function firstByte(bench: Bench, { logPath }: Run): Promise<number> {
  using watcher = Deno.watchFs(`${bench.folder}/logs`, { recursive: false });
  for await (const { paths } of watcher) {
    if (paths.includes(logPath) && (await Deno.stat(logPath)).size > 0) return performance.now();
  }
  throw new Error(`Cannot watch "${bench.folder}/logs" any more`);
}

async function total(bench: Bench): Promise<number> {
  const each = await Promise.all((await bench.processes()).map(privateBytes));
  return each.reduce((sum, bytes) => sum + bytes, 0);
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
