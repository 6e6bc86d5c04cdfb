import assert from "node:assert/strict";
import { RUN_OUTPUT_BYTES_MAX, runAndKeep } from "./run.ts";

const { signal } = new AbortController();

Deno.test("runAndKeep() keeps what comes in many small pieces in little memory", async () => {
  const pieces = 2_000_000;
  const before = Deno.memoryUsage();
  let used = 0;
  const { output } = await runAndKeep(({ stdout }) => {
    for (let at = 0; at < pieces; at++) void stdout!.write(Uint8Array.of(at));
    const { heapUsed, external } = Deno.memoryUsage();
    used = heapUsed + external - before.heapUsed - before.external;
    return Promise.resolve({ kind: "exited", code: 0 });
  }, signal);
  assert.equal(output.length, pieces);
  assert.deepEqual([output[3], output[pieces - 1]], [3, (pieces - 1) % 256]);
  assert.ok(used < 100 * 1024 * 1024, `${used} bytes`);
});

Deno.test("runAndKeep() ends a command that writes too much", async () => {
  const { output, end } = await runAndKeep(async ({ stdout, closed }) => {
    await stdout!.write(new Uint8Array(RUN_OUTPUT_BYTES_MAX));
    assert.equal(closed.aborted, false);
    await stdout!.write(new Uint8Array(1));
    assert.equal(closed.aborted, true);
    return { kind: "exited", code: 0 };
  }, signal);
  assert.equal(output.length, RUN_OUTPUT_BYTES_MAX);
  assert.equal(end.kind, "failed");
});
