/**
 * Measures servers of one page: as pods, in the WASI host alone, in other runtimes, and as native builds.
 * Requests per second, how long they take and what they cost, and connections that say nothing.
 *
 *     deno task bench:net [--connections N] [--seconds N] [--rounds N] [--idle N] [--only REGEX]
 *
 * In a round each server is started and asked once, so that what else the machine does meets all of
 * them; figures are medians of the rounds, and ratios are taken within a round. The load has a program of
 * its own, which takes a core as well. wasmtime is `$WASMTIME` or on the path; version 48 no
 * longer hands over listeners, older ones do. wazero is built from its sources.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { findWasmtime } from "../bench_wasi/wasmtime.ts";
import { buildPrograms } from "./build.ts";
import { measureIdle, measureRequests } from "./measure.ts";
import { ServerError } from "./running_server.ts";
import { type Server, servers, titleOf } from "./servers.ts";
import { idleTable, requestTable, type Rounds } from "./tables.ts";

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "64" },
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    idle: { type: "string", default: "5000" },
    only: { type: "string", default: "" },
  },
});

for (const [name, text] of Object.entries(values)) {
  const [least, allowed] = name === "idle" ? [0, "0 or more"] : [Number.MIN_VALUE, "more than 0"];
  if (name === "only" || Number(text) >= least) continue;
  console.error(`--${name} has to be ${allowed}, and is "${text}"`);
  Deno.exit(2);
}

const programs = await buildPrograms();
const wasmtime = await findWasmtime();
if (wasmtime === undefined) console.log("wasmtime: not found; $WASMTIME says where it is");
const all = servers(programs, { wasmtime })
  .filter((server) => new RegExp(values.only).test(titleOf(server)));
const asking = {
  load: programs.load,
  connections: Number(values.connections),
  seconds: Number(values.seconds),
};

/** Measures each server once a round, one at a time. One that fails says so, and is left out from then on. */
async function measureAll<T>(measure: (server: Server) => Promise<T>): Promise<Rounds<T>> {
  const measured = new Map(all.map((server) => [server, [] as T[]]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [server, results] of measured) {
      try {
        results.push(await measure(server));
      } catch (error) {
        if (!(error instanceof ServerError)) throw error;
        console.log(error.message);
        measured.delete(server);
      }
    }
  }
  return measured;
}

console.log(`\n${asking.connections} connections that ask, one request at a time\n`);
console.log(requestTable(await measureAll((server) => measureRequests(server, asking))));
const idle = Number(values.idle);
if (idle > 0) {
  console.log(`\n${idle} connections that say nothing, and then 8 beside them that ask\n`);
  const beside = { ...asking, connections: 8, idle };
  console.log(idleTable(await measureAll((server) => measureIdle(server, beside))));
}
