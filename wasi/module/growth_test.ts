import assert from "node:assert/strict";
import fc from "fast-check";
import wabt from "wabt";
import { GROWTH_EXPORT, isGrowthRefused } from "./growth_told.ts";
import { GROWTHS_MAX, PAGE_BYTES } from "./limits.ts";
import { leb128 } from "./reader.ts";
import { rewrite } from "./rewrite.ts";
import { customName, readSections } from "./sections.ts";
import { HEADER, section } from "./testing.ts";

const tools = await wabt();
const LIMITED = { memoryBytesMax: 4 * PAGE_BYTES };
/** Grows by its argument. */
const GROW = `(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))`;

function build(text: string): Uint8Array {
  const features = { exceptions: true, tail_call: true, threads: true, memory64: true };
  const parsed = tools.parseWat("test.wat", text, features);
  try {
    return parsed.toBinary({ write_debug_names: true }).buffer;
  } finally {
    parsed.destroy();
  }
}

type Call = (...args: (number | bigint)[]) => number | bigint | undefined;

/** The functions of a module that was rewritten, or as it is. */
function link(module: Uint8Array, options?: { memoryBytesMax: number }): Record<string, Call> {
  const bytes = options === undefined ? module : rewrite(module, options).bytes;
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>),
  );
  return exports as Record<string, Call>;
}

/** True if the module can tell whether its memory was refused to grow. */
function isWatched(module: Uint8Array): boolean {
  return GROWTH_EXPORT in link(module, LIMITED);
}

function refused(exports: Record<string, unknown>): boolean {
  return isGrowthRefused(exports as WebAssembly.Exports);
}

Deno.test("watchGrowth() tells whether the last growth was refused", () => {
  const exports = link(build(`(module (memory 1) ${GROW})`), LIMITED);
  assert.equal(refused(exports), false);
  assert.equal(exports.grow!(2), 1);
  assert.equal(refused(exports), false);
  assert.equal(exports.grow!(2), -1);
  assert.equal(refused(exports), true);
  assert.equal(exports.grow!(1), 3);
  assert.equal(refused(exports), false);
});

Deno.test("watchGrowth() sees 64-bit growth, which no machine can give", () => {
  const module = build(`(module (memory i64 1)
    (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0))))`);
  const exports = link(module, LIMITED);
  assert.equal(exports.grow!(3n), 1n);
  assert.equal(refused(exports), false);
  assert.equal(exports.grow!(0xffff_ffff_ffffn), -1n);
  assert.equal(refused(exports), true);
});

/** Memories of which the second has 64 bits; `g0` to `g2` grow them by their argument. */
function severalMemories(): Uint8Array {
  const [narrow, wide] = [0x7f, 0x7e];
  const types = [wide, narrow, wide].map((type) => [0x60, 1, type, 1, type]);
  // Indexes of memories may be written longer than needed.
  const indexes = [[0x80, 0x80, 0x00], [1], [0x82, 0x00]];
  const bodies = indexes.map((index) => [0, 0x20, 0, 0x40, ...index, 0x0b]);
  const vector = (items: number[][]): number[] => [...leb128(items.length), ...items.flat()];
  return Uint8Array.from([
    ...HEADER,
    ...section(1, vector(types)),
    ...section(3, vector([[1], [0], [1]])),
    ...section(5, vector([[0, 1], [4, 1], [0, 1]])),
    ...section(7, vector([0, 1, 2].map((index) => [2, 0x67, 0x30 + index, 0, index]))),
    ...section(10, vector(bodies.map((body) => [body.length, ...body]))),
  ]);
}

Deno.test("watchGrowth() watches each of several memories, with their limits", () => {
  const exports = link(severalMemories(), { memoryBytesMax: 6 * PAGE_BYTES });
  for (const [name, one] of [["g0", 1], ["g1", 1n], ["g2", 1]] as const) {
    assert.equal(exports[name]!(one), one, name);
    assert.equal(refused(exports), false, name);
    assert.ok(Number(exports[name]!(one)) === -1, name);
    assert.equal(refused(exports), true, name);
  }
});

Deno.test("watchGrowth() changes no index, whatever else a module has", () => {
  const module = build(`(module
    (type $binary (func (param i32 i32) (result i32)))
    (tag $e (param i32)) (memory (export "memory") 1) (table 3 funcref)
    (global $started (mut i32) (i32.const 0))
    (global (export "constant") i32 (i32.const 42))
    (export "add" (func $add))
    (start $start) (elem (i32.const 1) func $add $grow)
    (data $text "passive")
    (func $start (global.set $started (memory.grow (i32.const 1))))
    (func $add (type $binary) (i32.add (local.get 0) (local.get 1)))
    (func $grow (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "tail") (param i32) (result i32) (return_call $grow (local.get 0)))
    (func (export "indirect") (param i32) (result i32)
      (call_indirect (param i32) (result i32) (local.get 0) (i32.const 2)))
    (func (export "sum") (result i32)
      (call_indirect (type $binary) (i32.const 20) (i32.const 22) (i32.const 1)))
    (func (export "init") (result i32)
      (memory.init $text (i32.const 0) (i32.const 0) (i32.const 7)) (i32.load8_u (i32.const 0)))
    (func (export "started") (result i32) (global.get $started))
    (func (export "caught") (result i32)
      (try (result i32) (do (throw $e (memory.grow (i32.const 9)))) (catch $e))))`);
  const exports = link(module, LIMITED);
  assert.deepEqual(Object.keys(exports), [...Object.keys(link(module)), GROWTH_EXPORT]);
  assert.equal(exports.started!(), 1);
  assert.equal(exports.tail!(1), 2);
  assert.equal(exports.indirect!(1), 3);
  assert.equal(refused(exports), false);
  assert.equal(exports.indirect!(1), -1);
  assert.equal(refused(exports), true);
  assert.deepEqual([exports.sum!(), exports.init!(), exports.add!(1, 2)], [42, 112, 3]);
  assert.equal(exports.caught!(), -1);
});

Deno.test("watchGrowth() makes the sections that are missing, in their places", () => {
  const text = (more: string): string =>
    `(module (memory 1) ${more} (func $f (if (i32.ne (memory.grow (i32.const 9)) (i32.const -1))
      (then unreachable))))`;
  for (
    const more of [
      "(start $f)",
      "(table 1 funcref) (elem (i32.const 0) func $f) (start $f)",
      '(data $d "x") (func (data.drop $d)) (start $f)',
      "(global i32 (i32.const 1)) (start $f)",
      '(tag $e) (export "memory" (memory 0)) (start $f)',
    ]
  ) {
    assert.equal(refused(link(build(text(more)), LIMITED)), true, more);
  }
});

Deno.test("watchGrowth() gives code its new length, over every border of a number", () => {
  for (const length of [100, 126, 127, 128, 16_382, 16_383, 16_384, 200_000]) {
    // One more byte for each growth, when there are over 127 functions.
    const text = (nops: number): string =>
      `(module (memory 1) ${"(func)".repeat(130)}
      ${GROW} (func (export "more") (result i32) ${"nop ".repeat(nops)}
        (drop (memory.grow (i32.const 0))) (memory.grow (i32.const 9))) ${
        GROW.replace("grow", "g")
      })`;
    const exports = link(build(text(length - 11)), LIMITED);
    assert.equal(exports.more!(), -1, `${length}`);
    assert.deepEqual([refused(exports), exports.grow!(1), exports.g!(0)], [true, 1, 2]);
  }
});

Deno.test("watchGrowth() numbers its function beyond 16,383 others", () => {
  const imports = '(import "a" "b" (func)) (import "a" "g" (global i32))';
  const module = build(`(module ${imports} (memory 1) ${"(func)".repeat(16_382)} ${GROW})`);
  const { bytes } = rewrite(module, LIMITED);
  const compiled = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const { exports } = new WebAssembly.Instance(compiled, { a: { b: () => {}, g: 7 } });
  assert.equal((exports.grow as Call)(9), -1);
  assert.equal(isGrowthRefused(exports), true);
});

/** Each has the bytes of a `memory.grow` that is none, in what follows another instruction. */
const DECOYS = [
  "(block (unreachable))",
  "(loop unreachable)",
  "(if (i32.const 1) (then (unreachable)))",
  "(f64.store (i32.const 0) (f64.const 2)) (block (br 0))",
  "(i64.store (i32.const 0) (i64.const -4096)) (unreachable)",
  "(drop (f32.const 2)) (unreachable)",
  "(drop (f64.const 2.000007629510948))",
  "(drop (v128.const i32x4 0x400040 0x80400040 0 0))",
  "(i32.store offset=64 (i32.const 0) (unreachable))",
  `${"(block ".repeat(66)} (br_table 64 0 64 0 0 (i32.const 1)) ${")".repeat(66)}`,
  "(block (result i32) (i32.const 64) (drop) (unreachable)) (drop)",
];

Deno.test("watchGrowth() leaves alone what has only the bytes of a growth", () => {
  const decoys = DECOYS.map((code) => `(func ${code})`);
  const module = build(`(module (memory 1 4) ${decoys.join("\n")})`);
  const pairs = module.filter((byte, at) => byte === 0x40 && (module[at + 1]! & 0x7f) === 0);
  assert.ok(pairs.length >= 8, `${pairs.length} decoys`);
  assert.deepEqual(rewrite(module, LIMITED).bytes, rewrite(module).bytes);
  for (const code of DECOYS) {
    const text = `(module (memory 1)
      (func (export "f") ${code}) (func (export "h") (drop (memory.grow (i32.const 9))) ${code}))`;
    const [original, watched] = [link(build(text)), link(build(text), LIMITED)];
    assert.equal(outcomeOf(watched.f!), outcomeOf(original.f!), code);
    assert.equal(outcomeOf(watched.h!), outcomeOf(original.h!), code);
    assert.equal(refused(watched), true, code);
  }
});

function outcomeOf(call: Call): string {
  try {
    return `returned ${call()}`;
  } catch (error) {
    assert.ok(error instanceof WebAssembly.RuntimeError);
    return error.message;
  }
}

Deno.test("watchGrowth() keeps the functions' names", () => {
  const module = build(
    `(module (memory 1) (func $before) (func $grows (memory.grow (i32.const 1)) drop)
    (func $breaks (export "f") (call $grows) unreachable))`,
  );
  assert.throws(
    () => link(module, LIMITED).f!(),
    (error) => /at breaks /.test((error as Error).stack ?? ""),
  );
});

Deno.test("watchGrowth() leaves the hints to the functions that they are for", () => {
  const nested = `(loop (loop (br_if 1 (i32.eqz (memory.grow (i32.const 0))))))`;
  const module = build(`(module (memory 1) (func) (func ${nested}) (func))`);
  const hintsOf = (options?: typeof LIMITED): Uint8Array => {
    const { bytes } = rewrite(module, options);
    const hints = readSections(bytes).find((one) => customName(bytes, one)?.startsWith("metadata"));
    return bytes.slice(hints!.start);
  };
  assert.deepEqual(hintsOf(LIMITED), hintsOf());
});

Deno.test("watchGrowth() leaves a module without a limit, or without growth, as it is", () => {
  const grows = build(`(module (memory 1 2) ${GROW})`);
  assert.equal(rewrite(grows).bytes, grows);
  const never = build(`(module (memory 1 2) (func (export "size") (result i32) (memory.size)))`);
  assert.equal(rewrite(never, LIMITED).bytes, never);
});

Deno.test("watchGrowth() leaves a module as it is that has the name already", () => {
  const module = build(`(module (memory 1 2) ${GROW}
    (global (export "${GROWTH_EXPORT}") (mut i32) (i32.const 0)))`);
  assert.equal(rewrite(module, LIMITED).bytes, module);
});

/** A module whose one function, which takes and gives an i32, has this code. */
function coded(
  code: readonly number[],
  types: readonly number[] = [1, 0x60, 1, 0x7f, 1, 0x7f],
): Uint8Array {
  const body = [0, ...code, 0x0b];
  return Uint8Array.from([
    ...HEADER,
    ...section(1, types),
    ...section(3, [1, types[0]! - 1]),
    ...section(5, [1, 0, 1]),
    ...section(7, [1, 1, 0x66, 0, 0]),
    ...section(10, [1, ...leb128(body.length), ...body]),
  ]);
}

Deno.test("watchGrowth() leaves a module as it is that it cannot read, and it works", () => {
  const grow = [0x20, 0, 0x40, 0];
  const garbageCollected = [0x41, 1, 0xfb, 0x1c, 0x1a]; // ref.i31
  assert.equal(isWatched(coded(grow)), true);
  assert.equal(isWatched(coded([...grow, 0x1a, ...garbageCollected, ...grow])), false);
  assert.equal(link(coded([...garbageCollected, ...grow]), LIMITED).f!(9), -1);
  // What comes after the last growth does not matter.
  assert.equal(isWatched(coded([...grow, ...garbageCollected])), true);
  const struct = [0x5f, 0];
  assert.equal(isWatched(coded(grow, [2, ...struct, 0x60, 1, 0x7f, 1, 0x7f])), false);
  assert.equal(isWatched(coded(grow, [2, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7f])), true);
});

Deno.test("watchGrowth() reads over exception handling of the newer kind", () => {
  const grow = [0x20, 0, 0x40, 0, 0x1a];
  // block (result i32) … try_table (catch_all 0) … end
  const tries = [0x02, 0x40, 0x1f, 0x40, 1, 2, 0, ...grow, 0x0b, 0x0b, ...grow, 0x41, 7];
  const exports = link(coded(tries), LIMITED);
  assert.equal(exports.f!(9), 7);
  assert.equal(refused(exports), true);
});

Deno.test("watchGrowth() leaves a module as it is that grows in too many places", () => {
  const grow = [0x20, 0, 0x40, 0, 0x1a];
  const places = (count: number): Uint8Array => coded([...Array(count).fill(grow).flat(), 0x41, 7]);
  assert.equal(isWatched(places(GROWTHS_MAX)), true);
  assert.equal(isWatched(places(GROWTHS_MAX + 1)), false);
});

Deno.test("a watched module behaves as the original, and tells of its last growth", () => {
  const step = fc.oneof(
    fc.nat(3).map((pages) => ({ do: "grow", pages })),
    fc.nat(3).map((pages) => ({ do: "tail", pages })),
    fc.nat(5 * PAGE_BYTES).map((pages) => ({ do: "touch", pages })),
  );
  const module = build(`(module (memory 1 4) ${GROW} (global $last (mut i32) (i32.const -2))
    (func $plus (param i32 i32) (result i32)
      (block $out (result i32)
        (if (result i32) (local.get 0)
          (then (i32.add (local.get 1) (memory.grow (i32.const 1))))
          (else (br $out (i32.sub (memory.size) (global.get $last)))))))
    (func (export "tail") (param i32) (result i32)
      (global.set $last (memory.grow (local.get 0)))
      (return_call $plus (i32.eqz (global.get $last)) (global.get $last)))
    (func (export "touch") (param i32) (result i32)
      (i32.store8 (local.get 0) (i32.add (i32.load8_u (local.get 0)) (i32.const 1)))
      (i32.load8_u (local.get 0))))`);
  fc.assert(fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
    const [original, watched] = [link(module), link(module, LIMITED)];
    for (const { do: name, pages } of steps) {
      const answer = outcomeOf(() => original[name]!(pages));
      assert.equal(outcomeOf(() => watched[name]!(pages)), answer);
      if (name === "grow") assert.equal(refused(watched), answer === "returned -1");
    }
  }));
});

Deno.test("a changed module that is valid stays so when it is watched", () => {
  const original = build(`(module (memory 1 4) ${GROW}
    ${DECOYS.map((code) => `(func ${code})`).join("\n")})`);
  const change = fc.record({ at: fc.nat(original.length - 1), byte: fc.nat(255) });
  let valid = 0;
  fc.assert(
    fc.property(change, change, fc.boolean(), (one, other, both) => {
      const bytes = Uint8Array.from(original);
      for (const { at, byte } of both ? [one, other] : [one]) bytes[at] = byte;
      if (!WebAssembly.validate(bytes)) return;
      valid++;
      const rewritten = rewrite(bytes, LIMITED).bytes;
      assert.ok(WebAssembly.validate(rewritten as Uint8Array<ArrayBuffer>));
    }),
    { numRuns: 3_000 },
  );
  assert.ok(valid > 300, `${valid} valid ones`);
});
