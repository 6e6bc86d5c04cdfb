import assert from "node:assert/strict";
import type { Requests } from "./measure.ts";
import type { Server } from "./servers.ts";
import { idleTable, requestTable } from "./tables.ts";

function server(language: Server["language"], name: string, yardstick?: "native"): Server {
  return {
    language,
    name,
    ...(yardstick === undefined ? {} : { yardstick }),
    command: () => [name],
  };
}

function load(cpuUs: number): Requests {
  return { requests: 10, errors: 1, perSecond: 100, p50Us: 5, p99Us: cpuUs * 2, cpuUs };
}

Deno.test("requestTable() compares within a round and a language", () => {
  const table = requestTable(
    new Map([
      [server("Go", "native", "native"), [load(10), load(20), load(10)]],
      [server("Go", "pod"), [load(20), load(60), load(30)]],
      [server("Rust", "native", "native"), [load(1), load(1), load(1)]],
    ]),
  );
  assert.deepEqual(table.split("\n"), [
    "| server | requests/s | CPU µs each | to native | p50 µs | p99 µs | to native | errors |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    "| Go: native | 100 | 10.0 | 1 | 5 | 20 | 1 | 3 |",
    "| Go: pod | 100 | 30.0 | x 3.00 | 5 | 60 | x 3.00 | 3 |",
    "| Rust: native | 100 | 1.0 | 1 | 5 | 2 | 1 | 3 |",
  ]);
});

Deno.test("idleTable() tells the worst round of what is held", () => {
  const idle = { kib: 8, cpuUs: 100 };
  const table = idleTable(
    new Map([
      [server("Go", "native", "native"), [
        { ...idle, held: 50, answered: 50 },
        { ...idle, held: 40, answered: 39 },
      ]],
      [server("Go", "that could not be compared"), [{ ...idle, held: 50, answered: 50 }]],
    ]),
  );
  assert.deepEqual(table.split("\n").slice(2), [
    "| Go: native | 40 | 39 | 8.0 | 1 | 100 | 1 |",
    "| Go: that could not be compared | 50 | 50 | 8.0 | x 1.00 | 100 | x 1.00 |",
  ]);
});
