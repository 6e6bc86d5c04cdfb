import assert from "node:assert/strict";
import fc from "fast-check";
import wabt from "wabt";
import { readBodies } from "./code.ts";
import { findGrowths, readBody } from "./instructions.ts";
import { MalformedError, Reader } from "./reader.ts";
import { readSections, SECTION } from "./sections.ts";

const tools = await wabt();

/** One instruction of every form, each after which the reader must be at the next. */
const TEXT = `(module
  (memory $m 1 1 shared) (table $t 1 funcref) (table $u 1 funcref) (global $g (mut i32) (i32.const 0))
  (type $void (func)) (tag $e) (data $d "x") (elem $s func $callee)
  (func $callee) (func $tail (return_call $callee)) (func $indirect (return_call_indirect (type $void) (i32.const 0)))
  (func $body (param i32) (local i64 i64) (local f32) (local v128)
    (block (br_table 0 0 0 (local.get 0)))
    (block (result i32) (i32.const -1)) drop
    (if (local.get 0) (then nop) (else unreachable))
    (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3)))
    (drop (i64.const -9223372036854775808)) (drop (f32.const 1)) (drop (f64.const 1))
    (i64.store offset=4294967295 align=1 (i32.const 0) (i64.load32_u (i32.const 0)))
    (drop (memory.grow (memory.size)))
    (call_indirect (type $void) (i32.const 0)) (call $callee)
    (global.set $g (global.get $g))
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop $d)
    (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))
    (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
    (table.init $t $s (i32.const 0) (i32.const 0) (i32.const 0)) (elem.drop $s)
    (table.copy $t $u (i32.const 0) (i32.const 0) (i32.const 0))
    (drop (table.grow $t (ref.null func) (i32.const 0))) (drop (table.size $t))
    (table.fill $t (i32.const 0) (ref.func $callee) (i32.const 0))
    (table.set $t (i32.const 0) (table.get $t (i32.const 0)))
    (drop (i32.trunc_sat_f32_s (f32.const 1)))
    (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (v128.const i32x4 1 2 3 4) (local.get 4)))
    (drop (i8x16.extract_lane_s 1 (local.get 4)))
    (v128.store8_lane offset=300 1 (i32.const 0) (v128.load (i32.const 0)))
    (drop (v128.load32_zero (i32.const 0))) (drop (i32x4.add (local.get 4) (local.get 4)))
    (atomic.fence) (drop (i32.atomic.rmw.add offset=4 (i32.const 0) (i32.const 1)))
    (try (do (throw $e)) (catch $e) (catch_all))
    (try (do) (delegate 0))
    (loop (loop (br_if 1 (local.get 0)))) (loop))
)`;

function code(): { module: Uint8Array; part: (index: number) => { at: number; end: number } } {
  const features = { exceptions: true, tail_call: true, threads: true };
  const parsed = tools.parseWat("test.wat", TEXT, features);
  const module = parsed.toBinary({}).buffer;
  parsed.destroy();
  const bodies = readBodies(module, readSections(module).find(({ id }) => id === SECTION.code)!);
  return { module, part: (index) => bodies.part(index) };
}

Deno.test("readBody() knows every instruction's form", () => {
  const { module, part } = code();
  const reader = new Reader(module, part(3));
  assert.deepEqual(readBody(reader), { loopDepth: 2, calls: [0] });
  assert.equal(reader.at, reader.end);
  assert.deepEqual(readBody(new Reader(module, part(1))), { loopDepth: 0, calls: [0] });
  assert.deepEqual(readBody(new Reader(module, part(2))).calls, []);
});

Deno.test("findGrowths() finds growth among instructions of every form", () => {
  const { module, part } = code();
  const { at, end } = part(3);
  const [growth, ...more] = findGrowths(new Reader(module, { at, end }), end - 1)!;
  assert.deepEqual([...module.subarray(growth!.start, growth!.end)], [0x40, 0]);
  assert.deepEqual([growth!.memory, more.length], [0, 0]);
  assert.deepEqual(findGrowths(new Reader(module, { at, end }), growth!.start - 1), []);
});

Deno.test("findGrowths() gives up on instructions that it does not know", () => {
  const grow = [0x40, 0];
  const growths = (code: number[]): number | undefined => {
    const bytes = Uint8Array.from([0, ...code, ...grow, 0x0b]);
    return findGrowths(new Reader(bytes, { at: 0, end: bytes.length }), bytes.length - 1)?.length;
  };
  assert.equal(growths([]), 1);
  assert.equal(growths([0xfd, 0x93, 0x02]), 1); // the last relaxed one
  for (
    const code of [[0x27], [0xfb, 0x1c], [0xfc, 18], [0xfd, 0x94, 0x02], [0xfe, 4], [0xfe, 0x4f]]
  ) {
    assert.equal(growths(code), undefined, `${code}`);
  }
  assert.equal(growths([0x1f, 0x40, 2, 0, 5, 0, 2, 0]), 1);
  assert.equal(growths([0x1f, 0x40, 1, 4, 0]), undefined);
});

Deno.test("readBody() ends on any bytes", () => {
  const { module, part } = code();
  const body = module.subarray(part(3).at, part(3).end);
  fc.assert(
    fc.property(fc.nat(body.length - 1), fc.nat(255), fc.nat(body.length), (at, byte, end) => {
      const changed = Uint8Array.from(body.subarray(0, end));
      if (at < end) changed[at] = byte;
      try {
        readBody(new Reader(changed, { at: 0, end }));
      } catch (error) {
        assert.ok(error instanceof MalformedError);
      }
    }),
  );
});
