import assert from "node:assert/strict";
import fc from "fast-check";
import { limitMemory, MemoryLimitError } from "./memory_limit.ts";
import { assemble } from "./testing.ts";

const MIB = 1024 * 1024;

/** Pages that a module with this memory can grow by under a limit, one at a time, at most 200. */
async function grownPages(memory: string, bytesMax: number): Promise<number> {
  const bytes = await assemble(`(module (import "x" "f" (func))
    ${memory} (data (i32.const 0) "still here")
    (func (export "grow") (result i32) (memory.grow (i32.const 1))))`);
  const module = new WebAssembly.Module(limitMemory(bytes, bytesMax) as Uint8Array<ArrayBuffer>);
  const { exports } = new WebAssembly.Instance(module, { x: { f: () => {} } });
  const grow = exports.grow as () => number;
  const start = new TextDecoder().decode(
    new Uint8Array((exports.memory as WebAssembly.Memory).buffer, 0, 10),
  );
  assert.equal(start, "still here");
  let pages = 0;
  while (pages < 200 && grow() !== -1) pages++;
  return pages;
}

Deno.test("limitMemory() ends growth at the limit", async () => {
  assert.equal(await grownPages('(memory (export "memory") 1)', 2 * MIB), 31);
  assert.equal(await grownPages('(memory (export "memory") 1 1000)', 2 * MIB), 31);
});

Deno.test("limitMemory() leaves a lower maximum of the module's own", async () => {
  assert.equal(await grownPages('(memory (export "memory") 1 4)', 2 * MIB), 3);
});

Deno.test("limitMemory() changes nothing under a limit that no module can reach", async () => {
  const bytes = await assemble("(module (memory 1))");
  assert.equal(limitMemory(bytes, 64 * 1024 * MIB), bytes);
});

Deno.test("limitMemory() refuses a module that starts over the limit", async () => {
  const bytes = await assemble("(module (memory 17))");
  assert.throws(() => limitMemory(bytes, MIB), (error) => {
    assert.ok(error instanceof MemoryLimitError);
    assert.equal(error.message, "Module starts with 1114112 bytes of memory: its limit is 1048576");
    return true;
  });
});

Deno.test("limitMemory() passes bytes that are no module on to the compiler", async () => {
  const whole = await assemble('(module (memory (export "memory") 1))');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(whole.length), (noise, cut) => {
      limitMemory(noise, 1 << 30);
      limitMemory(whole.subarray(0, cut), 1 << 30);
      limitMemory(Uint8Array.from([...whole.subarray(0, cut), ...noise]), 2 ** 32);
    }),
  );
});
