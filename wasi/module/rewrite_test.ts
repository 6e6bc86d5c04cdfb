import assert from "node:assert/strict";
import fc from "fast-check";
import { MemoryLimitError, ModuleLimitError } from "./errors.ts";
import {
  IMPORTS_MAX,
  MEMORIES_MAX,
  NAME_BYTES_MAX,
  PAGE_BYTES,
  SECTIONS_MAX,
  TABLE_ELEMENTS_MAX,
  TABLES_MAX,
} from "./limits.ts";
import { leb128, MalformedError } from "./reader.ts";
import { rewrite, type Rewritten } from "./rewrite.ts";
import { createMemory, growToEnd, HEADER, moduleOf, section, type Shape } from "./testing.ts";

/** Instantiates with the memories that the answer asks for; those and the own ones, by index. */
function memoriesOf({ bytes, importedMemories }: Rewritten): WebAssembly.Memory[] {
  const env = Object.fromEntries(importedMemories.map((wanted) => [
    wanted.name,
    createMemory({ ...wanted, minimum: wanted.minimumPages, maximum: wanted.maximumPages }),
  ]));
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const { exports } = new WebAssembly.Instance(module, { env });
  return Object.keys(exports).map((name) => exports[name] as WebAssembly.Memory);
}

function pagesAtEnd(memories: readonly Shape[], pages: number): number[] {
  const rewritten = rewrite(moduleOf({ memories }), { memoryBytesMax: pages * PAGE_BYTES });
  return memoriesOf(rewritten).map((memory, i) => growToEnd(memory, memories[i]!.address64));
}

Deno.test("rewrite() lowers the maximum of a memory of any kind", () => {
  assert.deepEqual(pagesAtEnd([{ minimum: 1 }], 3), [3]);
  assert.deepEqual(pagesAtEnd([{ minimum: 1, maximum: 65_536 }], 3), [3]);
  assert.deepEqual(pagesAtEnd([{ minimum: 1, maximum: 2 }], 3), [2]);
  assert.deepEqual(pagesAtEnd([{ minimum: 1, maximum: 9, shared: true }], 3), [3]);
  assert.deepEqual(pagesAtEnd([{ minimum: 1, address64: true }], 3), [3]);
  assert.deepEqual(pagesAtEnd([{ minimum: 1, maximum: 2 ** 40, address64: true }], 3), [3]);
  assert.deepEqual(pagesAtEnd([{ minimum: 1, maximum: 9, import: "memory" }], 3), [3]);
});

Deno.test("rewrite() shares among several memories, imported ones too", () => {
  const shared = { minimum: 1, maximum: 100, shared: true, import: "memory" };
  assert.deepEqual(pagesAtEnd([shared, { minimum: 2 }, { minimum: 0, maximum: 1 }], 10), [4, 5, 1]);
});

Deno.test("rewrite() keeps the sum for generated memories, grown in a real instance", () => {
  const memory = fc.record({
    minimum: fc.nat(5),
    more: fc.option(fc.nat(40), { nil: undefined }),
    shared: fc.boolean(),
    address64: fc.boolean(),
    imported: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(memory, { minLength: 1, maxLength: 6 }), fc.nat(60), (drawn, pages) => {
      const importedFirst = drawn.toSorted((a, b) => Number(b.imported) - Number(a.imported));
      const shapes = importedFirst.map(({ minimum, more, shared, address64, imported }, i) => ({
        minimum,
        shared,
        address64,
        ...(more === undefined && !shared ? {} : { maximum: minimum + (more ?? 0) }),
        ...(imported ? { import: `memory${i}` } : {}),
      }));
      const minimum = shapes.reduce((sum, shape) => sum + shape.minimum, 0);
      if (minimum > pages) {
        assert.throws(() => pagesAtEnd(shapes, pages), MemoryLimitError);
      } else {
        const sum = pagesAtEnd(shapes, pages).reduce((sum, end) => sum + end, 0);
        const wanted = shapes.reduce((sum, { maximum = Infinity }) => sum + maximum, 0);
        assert.equal(sum, Math.min(pages, wanted));
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("rewrite() refuses a module that starts with more than its memory", () => {
  const module = moduleOf({ memories: [{ minimum: 10 }, { minimum: 7 }] });
  assert.throws(() => rewrite(module, { memoryBytesMax: 1 << 20 }), {
    name: "MemoryLimitError",
    message: "Module starts with 1114112 bytes of memory: its limit is 1048576",
  });
  const huge = moduleOf({ memories: [{ minimum: 2 ** 48, address64: true }] });
  assert.throws(() => rewrite(huge, { memoryBytesMax: 1 << 20 }), MemoryLimitError);
});

Deno.test("rewrite() describes imported memories", () => {
  const memories = [
    { minimum: 1, maximum: 7, shared: true, import: "memory" },
    { minimum: 2, address64: true, import: "other" },
  ];
  assert.deepEqual(rewrite(moduleOf({ memories })).importedMemories, [
    {
      module: "env",
      name: "memory",
      minimumPages: 1,
      maximumPages: 7,
      shared: true,
      address64: false,
    },
    {
      module: "env",
      name: "other",
      minimumPages: 2,
      maximumPages: 262_144,
      shared: false,
      address64: true,
    },
  ]);
});

Deno.test("rewrite() returns the same bytes if there is nothing to change", () => {
  const module = moduleOf({
    memories: [{ minimum: 1, maximum: 2 }],
    tables: [{ minimum: 3, maximum: 3 }],
  });
  assert.equal(rewrite(module, { memoryBytesMax: 2 * PAGE_BYTES }).bytes, module);
});

Deno.test("rewrite() bounds the elements of all tables", () => {
  const tables = [{ minimum: 10 }, { minimum: 0, maximum: 10_000_000 }, { minimum: 1, maximum: 2 }];
  const module = new WebAssembly.Module(
    rewrite(moduleOf({ tables })).bytes as Uint8Array<ArrayBuffer>,
  );
  const { exports } = new WebAssembly.Instance(module);
  const ends = Object.values(exports).map((table) => {
    assert.ok(table instanceof WebAssembly.Table);
    for (let step = 2 ** 20; step >= 1; step /= 2) {
      try {
        for (;;) table.grow(step);
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }
    return table.length;
  });
  assert.equal(ends.reduce((sum, end) => sum + end, 0), TABLE_ELEMENTS_MAX);
  assert.equal(ends[2], 2);
});

Deno.test("rewrite() refuses too many elements, tables, memories and sections", () => {
  const refuses = (module: Uint8Array, message: RegExp): void =>
    assert.throws(() => rewrite(module), (error) => {
      assert.ok(error instanceof ModuleLimitError);
      assert.match(error.message, message);
      return true;
    });
  const half = TABLE_ELEMENTS_MAX / 2;
  refuses(
    moduleOf({ tables: [{ minimum: half }, { minimum: half + 1 }] }),
    /its tables start with 1000001 elements; the limit is 1000000/,
  );
  refuses(
    moduleOf({ tables: Array(TABLES_MAX + 1).fill({ minimum: 0 }) }),
    /more than 1000 tables/,
  );
  refuses(moduleOf({ memories: Array(MEMORIES_MAX + 1).fill({ minimum: 0 }) }), /100 memories/);
  const custom = Array(SECTIONS_MAX + 1).fill(section(0, [1, 0x61])).flat();
  refuses(Uint8Array.from([...HEADER, ...custom]), /more than 1000 sections/);
});

Deno.test("rewrite() passes over a table that has a value for its elements", () => {
  const withValue = [0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b];
  const module = Uint8Array.from([
    ...HEADER,
    ...section(4, [2, ...withValue, 0x70, 0, 2]),
  ]);
  const { bytes } = rewrite(module);
  assert.notEqual(bytes, module);
  assert.ok(WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>));
});

Deno.test("rewrite() takes out a module's own advice to the compiler", () => {
  const name = [...new TextEncoder().encode("metadata.code.compilation_priority")];
  const hints = section(0, [name.length, ...name, 1, 0, 0, 2, 0, 0]);
  const { bytes } = rewrite(Uint8Array.from([...HEADER, ...hints]));
  assert.deepEqual([...bytes], HEADER);
});

Deno.test("rewrite() refuses what it cannot read, and names the offset", () => {
  const limitsOfUnknownKind = Uint8Array.from([...HEADER, ...section(5, [1, 8, 1])]);
  assert.throws(() => rewrite(limitsOfUnknownKind), {
    name: "MalformedError",
    message: /offset 12 follows limits of an unknown kind 8/,
  });
  const past = Uint8Array.from([...HEADER, 5, 9, 1]);
  assert.throws(() => rewrite(past), MalformedError);
  const left = Uint8Array.from([...HEADER, ...section(5, [1, 0, 1, 0])]);
  assert.throws(() => rewrite(left), /offset 13 is past the last entry/);
});

Deno.test("rewrite() lowers a 64-bit memory's maximum to what V8 gives, without a limit too", () => {
  const { bytes } = rewrite(
    moduleOf({ memories: [{ minimum: 1, maximum: 2 ** 40, address64: true }] }),
  );
  assert.ok(WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>));
});

Deno.test("rewrite() refuses more imports than it reads, and names that nobody has", () => {
  const imports = (count: number): Uint8Array => {
    const content = new Uint8Array(leb128(count).length + 4 * count); // "" "", function of type 0
    content.set(leb128(count));
    return Uint8Array.from([...HEADER, 2, ...leb128(content.length), ...content]);
  };
  assert.equal(rewrite(imports(IMPORTS_MAX)).bytes.length > IMPORTS_MAX, true);
  const limit = (message: RegExp): { name: string; message: RegExp } => ({
    name: "ModuleLimitError",
    message,
  });
  assert.throws(() => rewrite(imports(IMPORTS_MAX + 1)), limit(/more than 100000 imports/));
  const memory = { minimum: 1, import: "m".repeat(NAME_BYTES_MAX + 1) };
  assert.throws(() => rewrite(moduleOf({ memories: [memory] })), limit(/a name of 100001 bytes/));
});

Deno.test("rewrite() takes names as they are, byte order marks included", () => {
  const [marked] = rewrite(moduleOf({ memories: [{ minimum: 1, import: "\ufeffm" }] }))
    .importedMemories;
  assert.equal(marked?.name, "\ufeffm");
});
