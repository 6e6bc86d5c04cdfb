import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { cpuNanosOf, memoryOf, parseCpuNanos, parseMemory } from "./process_usage.ts";

const linux = { ignore: Deno.build.os !== "linux" };
const NOBODY = 2 ** 30;

Deno.test("memoryOf() is what the process takes, and nothing if there is none", linux, async () => {
  const memory = await memoryOf(Deno.pid);
  assert.ok(memory !== undefined);
  assert.ok(memory.ownBytes > 2 ** 20 && memory.ownBytes < memory.residentBytes);
  assert.ok(memory.residentBytes < 2 ** 36, `${memory.residentBytes}`);
  assert.equal(await memoryOf(NOBODY), undefined);
});

Deno.test("cpuNanosOf() grows with the work of the process, and of its thread", linux, async () => {
  const before = (await cpuNanosOf(Deno.pid))!;
  const [thread] = (await readdir("/proc/self/task")).map(Number);
  // Until the machine has given it 50 ms, however busy it is.
  while (await cpuNanosOf(Deno.pid) as number - before < 50_000_000) work();
  assert.ok((await cpuNanosOf(Deno.pid, thread))! <= (await cpuNanosOf(Deno.pid))!);
  assert.equal(await cpuNanosOf(NOBODY), undefined);
  assert.equal(await cpuNanosOf(Deno.pid, NOBODY), undefined);
});

function work(): void {
  for (let n = 0, x = 1; n < 1e6; n++) x = (x * 48271) % 2147483647;
}

Deno.test("parseCpuNanos() finds its fields behind a name with anything in it", () => {
  const head = "7 (a) b) 3 (c) R 1 7 7 0 -1 4194304 100 0 0 0";
  assert.equal(parseCpuNanos(`${head} 12 30 0 0 20 0 1`), 420_000_000);
  assert.equal(parseCpuNanos(""), undefined);
});

Deno.test("parseMemory() leaves out the code that is shared", () => {
  const text =
    "VmRSS:\t  100 kB\nRssAnon:\t   40 kB\nRssFile:\t   50 kB\nRssShmem:\t   10 kB\nThreads:\t7\n";
  assert.deepEqual(parseMemory(text), {
    ownBytes: 50 * 1024,
    residentBytes: 100 * 1024,
    threads: 7,
  });
  assert.deepEqual(parseMemory("VmRSS:\t 8 kB\n"), {
    ownBytes: 8192,
    residentBytes: 8192,
    threads: 1,
  });
  assert.equal(parseMemory("Name:\tzombie\n"), undefined);
});
