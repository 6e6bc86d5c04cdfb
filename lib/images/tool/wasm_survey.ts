/**
 * What a Wasm file needs and offers, found without compiling it or reading it whole.
 *
 * @module
 */
import { describeHead, WASM_HEAD_BYTES, type WasmKind, wasmKind } from "../layout/wasm_kind.ts";
import { PullFailure } from "../oci/failure.ts";
import { NAMES_BYTES_MAX, SECTIONS_MAX } from "./limits.ts";
import { broken, WasmCursor } from "./wasm_cursor.ts";
import { componentExports, componentImports, moduleExports, moduleImports } from "./wasm_names.ts";

/** What a Wasm file is. */
export interface WasmSurvey {
  readonly kind: WasmKind;
  /** Of a module as `module.name`, of a component its interfaces; each once, in the file's order. */
  readonly imports: readonly string[];
  /** Of a module the names, of a component its interfaces. */
  readonly exports: readonly string[];
}

/** A file that can be read at any place. */
export interface WasmFile {
  readonly size: number;
  /** At most `length` bytes from `at` on; fewer only at the end. */
  read(at: number, length: number): Promise<Uint8Array>;
}

/** Bytes of a section's head: its number, and its length as LEB128. */
const SECTION_HEAD_BYTES = 6;
/** Numbers of the sections that have names, and how they are read. */
const READERS = {
  module: { imports: [2, moduleImports], exports: [7, moduleExports] },
  component: { imports: [10, componentImports], exports: [11, componentExports] },
} as const;

/**
 * Finds out what a Wasm file is, imports and exports.
 *
 * Throws a `PullFailure` for what is none, or is broken where it is looked at.
 */
export async function surveyWasm(file: WasmFile): Promise<WasmSurvey> {
  const head = await file.read(0, WASM_HEAD_BYTES);
  const kind = wasmKind(head);
  if (kind === undefined) {
    throw new PullFailure(`it is not a WebAssembly module: ${describeHead(head)}`);
  }
  const imports: string[] = [];
  const exports: string[] = [];
  const readers = READERS[kind];
  for await (const section of sections(file)) {
    const { id } = section;
    if (id === readers.imports[0]) imports.push(...readers.imports[1](await contentOf(section)));
    if (id === readers.exports[0]) exports.push(...readers.exports[1](await contentOf(section)));
    // A module's exports come before its code, and nothing behind them has names.
    if (kind === "module" && id >= 7 && id !== 13) break;
  }
  return { kind, imports: [...new Set(imports)], exports: [...new Set(exports)] };
}

/** Bytes in memory as a file. */
export function wasmBytes(bytes: Uint8Array): WasmFile {
  return {
    size: bytes.length,
    read: (at, length) => Promise.resolve(bytes.subarray(at, at + length)),
  };
}

/** An open file of this machine. */
export function wasmOnDisk(file: Deno.FsFile, size: number): WasmFile {
  return {
    size,
    async read(at, length): Promise<Uint8Array> {
      const bytes = new Uint8Array(Math.min(length, Math.max(0, size - at)));
      await file.seek(at, Deno.SeekMode.Start);
      let filled = 0;
      while (filled < bytes.length) {
        const n = await file.read(bytes.subarray(filled));
        if (n === null) break;
        filled += n;
      }
      return bytes.subarray(0, filled);
    },
  };
}

interface Section {
  readonly id: number;
  readonly at: number;
  readonly length: number;
  readonly file: WasmFile;
}

async function* sections(file: WasmFile): AsyncGenerator<Section> {
  let at = WASM_HEAD_BYTES;
  for (let count = 0; at < file.size; count++) {
    if (count >= SECTIONS_MAX) throw broken(`it has more than ${SECTIONS_MAX} sections`);
    const cursor = new WasmCursor(await file.read(at, SECTION_HEAD_BYTES));
    const section = { id: cursor.byte(), length: cursor.u32(), at: at + cursor.at, file };
    at = section.at + section.length;
    if (at > file.size) throw broken("it ends in the middle of a section");
    yield section;
  }
}

async function contentOf({ at, length, file }: Section): Promise<Uint8Array> {
  if (length > NAMES_BYTES_MAX) {
    throw broken(`its imports or exports have ${length} bytes; up to ${NAMES_BYTES_MAX} are read`);
  }
  const bytes = await file.read(at, length);
  if (bytes.length < length) throw broken("it ends in the middle of a section");
  return bytes;
}
