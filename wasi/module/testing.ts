import { leb128 } from "./reader.ts";

/** The head of every module. */
export const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** What a test module declares of a memory (in pages) or a table of functions (in elements). */
export interface Shape {
  readonly minimum: number;
  readonly maximum?: number;
  readonly shared?: boolean;
  readonly address64?: boolean;
  /** Imported as this name of `env`; all imported ones come first. */
  readonly import?: string;
}

/** Encodes a section. */
export function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb128(content.length), ...content];
}

/** A module with these memories and tables; its own are exported as `m0`, `t0` and so on. */
export function moduleOf(
  { memories = [], tables = [] }: {
    readonly memories?: readonly Shape[];
    readonly tables?: readonly Shape[];
  },
): Uint8Array {
  const imports = [
    ...tables.flatMap((it) => it.import === undefined ? [] : [imported(it, [1, 0x70])]),
    ...memories.flatMap((it) => it.import === undefined ? [] : [imported(it, [2])]),
  ];
  const own = (shapes: readonly Shape[]): Shape[] => shapes.filter((it) => it.import === undefined);
  return Uint8Array.from([
    ...HEADER,
    ...section(2, vector(imports)),
    ...section(4, vector(own(tables).map((shape) => [0x70, ...limits(shape)]))),
    ...section(5, vector(own(memories).map(limits))),
    ...section(7, vector([...exported("t", tables, 1), ...exported("m", memories, 2)])),
  ]);
}

/** The memory that a host would create for it. */
export function createMemory(
  { minimum, maximum, shared, address64 }: {
    readonly minimum: number;
    readonly maximum: number;
    readonly shared: boolean;
    readonly address64: boolean;
  },
): WebAssembly.Memory {
  const size = (pages: number): number => (address64 ? BigInt(pages) : pages) as number;
  return new WebAssembly.Memory({
    initial: size(minimum),
    maximum: size(maximum),
    shared,
    ...(address64 ? { address: "i64" } : {}),
  });
}

/** Grows a memory page by page until it refuses, and answers its pages then. */
export function growToEnd(memory: WebAssembly.Memory, address64 = false): number {
  for (;;) {
    try {
      memory.grow((address64 ? 1n : 1) as number);
    } catch (error) {
      if (error instanceof RangeError) return memory.buffer.byteLength / 65_536;
      throw error;
    }
  }
}

function limits({ minimum, maximum, shared = false, address64 = false }: Shape): number[] {
  const flags = (maximum === undefined ? 0 : 1) | (shared ? 2 : 0) | (address64 ? 4 : 0);
  return [flags, ...leb128(minimum), ...(maximum === undefined ? [] : leb128(maximum))];
}

function imported(shape: Shape, kind: readonly number[]): number[] {
  return [...name("env"), ...name(shape.import ?? ""), ...kind, ...limits(shape)];
}

function exported(prefix: string, shapes: readonly Shape[], kind: number): number[][] {
  return shapes.map((_, index) => [...name(`${prefix}${index}`), kind, ...leb128(index)]);
}

function name(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...leb128(bytes.length), ...bytes];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...leb128(items.length), ...items.flat()];
}
