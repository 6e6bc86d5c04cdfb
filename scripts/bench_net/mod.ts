/**
 * Measures servers of one page beside their native builds: requests per second and how long they take,
 * and connections that say nothing.
 *
 *     deno task bench:net [--connections N] [--seconds N] [--rounds N] [--idle N] [--only REGEX]
 *
 * Figures are medians of the rounds; in a round each server is asked once, so that what else the machine
 * does meets all of them. The load has a program of its own, which takes a core as well.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { median } from "../bench_wasi/rows.ts";
import { buildPrograms } from "./build.ts";
import { RunningServer, type Server, servers } from "./servers.ts";

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "64" },
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    idle: { type: "string", default: "5000" },
    only: { type: "string", default: "" },
  },
});
/** Until compilers have seen what is hot. */
const WARM_UP_SECONDS = "3";

/** What the load tells. */
interface Load {
  readonly requests: number;
  readonly errors: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** And what it has cost the server. */
interface Measured extends Load {
  /** CPU time per request, in µs: it says more than the rate where the machine is busy. */
  readonly cpuUs: number;
}

const programs = await buildPrograms();
const all = servers(programs)
  .filter(({ language, name }) => new RegExp(values.only).test(`${language} ${name}`));

async function ask(address: string, seconds: string): Promise<Load> {
  const { stdout, success } = await new Deno.Command(programs.load, {
    args: ["ask", address, values.connections, seconds],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot measure the server at ${address}: the load has failed`);
  return JSON.parse(new TextDecoder().decode(stdout)) as Load;
}

/** Asks each server once a round; one runs at a time. */
async function measureRequests(): Promise<Map<Server, Measured[]>> {
  const measured = new Map(all.map((server) => [server, [] as Measured[]]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [server, loads] of measured) {
      await using running = await RunningServer.start(server);
      await ask(running.address, WARM_UP_SECONDS);
      const beforeMs = await running.cpuMs();
      const load = await ask(running.address, values.seconds);
      loads.push({ ...load, cpuUs: (await running.cpuMs() - beforeMs) * 1_000 / load.requests });
    }
  }
  return measured;
}

function tellRequests(measured: Map<Server, Measured[]>): void {
  console.log(
    line(["", "requests/s", "ratio", "p50 µs", "p99 µs", "ratio", "CPU µs", "ratio", "errors"]),
  );
  for (const [server, loads] of measured) {
    const native = measured.entries().find(([{ language }]) => language === server.language)?.[1];
    const middle = (key: keyof Load | "cpuUs", of = loads): number =>
      median(of.map((load) => load[key]));
    const ratio = (key: keyof Load | "cpuUs"): string =>
      `x ${(middle(key) / middle(key, native)).toFixed(2)}`;
    console.log(line([
      `${server.language}: ${server.name}`,
      ...[middle("perSecond").toFixed(0), ratio("perSecond"), middle("p50Us").toFixed(0)],
      ...[middle("p99Us").toFixed(0), ratio("p99Us"), middle("cpuUs").toFixed(1), ratio("cpuUs")],
      String(loads.reduce((sum, { errors }) => sum + errors, 0)),
    ]));
  }
}

/** Holds connections to each server, and asks once on each in the end. */
async function measureIdle(): Promise<void> {
  console.log(line(["", "held", "KiB each", "answer", "per second"]));
  for (const server of all) {
    await using running = await RunningServer.start(server);
    await ask(running.address, "1");
    const before = await running.privateMiB();
    await using child = new Deno.Command(programs.load, {
      args: ["hold", running.address, values.idle],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const held = await nextResult(lines);
    const each = (await running.privateMiB() - before) * 1_024 / held.requests;
    await child.stdin.close();
    const answered = await nextResult(lines);
    await lines.cancel();
    console.log(line([
      `${server.language}: ${server.name}`,
      `${held.requests}/${values.idle}`,
      each.toFixed(1),
      String(answered.requests),
      answered.perSecond.toFixed(0),
    ]));
  }
}

async function nextResult(lines: ReadableStreamDefaultReader<string>): Promise<Load> {
  const { done, value } = await lines.read(); // it writes each result at once
  if (done) throw new Error("Cannot hold connections: the load has failed");
  return JSON.parse(value) as Load;
}

function line([name = "", ...columns]: readonly string[]): string {
  return `${name.padEnd(36)}${columns.map((column) => column.padStart(11)).join("")}`.trimEnd();
}

if (Number(values.seconds) > 0) tellRequests(await measureRequests());
if (Number(values.idle) > 0) {
  console.log(`\n${values.idle} idle connections`);
  await measureIdle();
}
