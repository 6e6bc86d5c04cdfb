/**
 * Measures the WASI host beside wasmtime (`$WASMTIME` or on the path; else Node.js's WASI).
 *
 *     deno task bench:wasi [--calls] [--compute] [--hostile] [--logs] [--memory] [--repetitions N]
 *
 * Without a part named it does all of them. Calls and compute are told as a table with the ratio to the
 * peer in each row (under 1: we are faster) and the geometric mean of each group.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchCalls } from "./calls.ts";
import { benchCompute } from "./compute.ts";
import { type Row, tableOf } from "./rows.ts";

const { values } = parseArgs({
  options: {
    calls: { type: "boolean" },
    compute: { type: "boolean" },
    hostile: { type: "boolean" },
    logs: { type: "boolean" },
    memory: { type: "boolean" },
    repetitions: { type: "string", default: "5" },
  },
});

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  calls: async () => print(await benchCalls({ repetitions: Number(values.repetitions) })),
  compute: async () => print(await benchCompute()),
  hostile: () => runScript("hostile.ts"),
  logs: () => runScript("logs.ts"),
  memory: () => runScript("memory.ts"),
};

function print(rows: readonly Row[]): void {
  console.log(tableOf(rows));
}

/** Runs a part that is a program of its own, because it needs a process to itself. */
async function runScript(name: string): Promise<void> {
  const args = ["run", "-A", fileURLToPath(new URL(name, import.meta.url))];
  const { code } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  if (code !== 0) throw new Error(`Cannot measure with ${name}: it ended with code ${code}`);
}

const named = Object.keys(PARTS).filter((part) => Object.hasOwn(values, part));
for (const part of named.length > 0 ? named : Object.keys(PARTS)) await PARTS[part]?.();
