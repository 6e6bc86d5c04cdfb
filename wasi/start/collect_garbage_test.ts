import assert from "node:assert/strict";

/** Says how much of the heap is used after a megabyte of garbage was made and collected. */
const PROGRAM = `
  import { collectGarbage } from ${JSON.stringify(import.meta.resolve("./collect_garbage.ts"))};
  const used = () => Deno.memoryUsage().heapUsed;
  let garbage = Array.from({ length: 100_000 }, (_, index) => ({ index }));
  const before = used();
  garbage = undefined;
  collectGarbage();
  console.log(before - used());`;

async function freedBytes(flags: readonly string[]): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", "--no-prompt", ...flags, "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await new Blob([PROGRAM]).stream().pipeTo(child.stdin);
  const { stdout } = await child.output();
  return Number(new TextDecoder().decode(stdout));
}

Deno.test("collectGarbage() frees what nobody holds, at once", async () => {
  assert.ok(await freedBytes(["--v8-flags=--expose-gc"]) > 1_000_000);
});

Deno.test("collectGarbage() does nothing in a process without the flag", async () => {
  assert.ok(await freedBytes([]) < 100_000);
});
