import { ModuleLimitError } from "./module/errors.ts";
import { MalformedError } from "./module/reader.ts";
import { type CompileOptions, rewrite } from "./module/rewrite.ts";
import type { ImportedMemory } from "./module/memories.ts";
import { rememberMemories } from "./threads/imported_memory.ts";

/** Bytes that are no module, or one that is not let in. The message says where, and what they seem. */
export class CompileError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "CompileError";
}

/** A module that was read and held to its limits, and has not been given to the compiler. */
export interface ReadModule {
  /** As it was given. */
  readonly original: Uint8Array;
  /** As it is to be compiled; `original` itself if nothing had to be changed. */
  readonly bytes: Uint8Array;
  /** The memories that the host must create for it, with exactly these limits. */
  readonly importedMemories: readonly ImportedMemory[];
  /** It imports calls on sockets. */
  readonly sockets: boolean;
  /** It takes connections, and cannot say where: it must find itself listening. */
  readonly awaitsListeners: boolean;
  /** See {@linkcode Compiled}. */
  readonly settleMs: number;
  /** Why it cannot be read, if so. It will not be let in, and the compiler may say better what is wrong. */
  readonly defect?: Error;
}

/** A module that is ready to be linked. */
export interface Compiled {
  /** Compiled, or as far as the first call of each function needs. */
  readonly module: WebAssembly.Module;
  /** The memories that the host must create for it, with exactly these limits. */
  readonly importedMemories: readonly ImportedMemory[];
  /**
   * Milliseconds, at most some 25, to let pass before it runs, in a process that was started with
   * `guestV8Flags`: until then the compiler works on a hot loop, which is never replaced while it runs.
   */
  readonly settleMs: number;
}

/**
 * Compiles a module, held to its limits and with advice on what to optimise first.
 *
 * Throws {@linkcode CompileError} for anything else, and says what it found: a component, text, a
 * native program, a compressed or truncated file, or a module larger than any that is let in. Throws
 * `MemoryLimitError` for a module that starts with more than `memoryBytesMax`.
 */
export function compile(bytes: Uint8Array, options: CompileOptions = {}): WebAssembly.Module {
  return compileGuest(bytes, options).module;
}

/** As {@linkcode compile}, and says which memories the host must create. */
export function compileGuest(bytes: Uint8Array, options: CompileOptions = {}): Compiled {
  return compileRead(readModule(bytes, options));
}

/**
 * The first half of {@linkcode compileGuest}: reads as much of a module as its limits need. It tells
 * what the process must have before the compiler, which is larger and less known, sees the bytes.
 * Throws as {@linkcode compile} does.
 */
export function readModule(original: Uint8Array, options: CompileOptions = {}): ReadModule {
  const found = recognise(original);
  if (found !== undefined) throw new CompileError(`Cannot compile module: ${found}`);
  return { original, ...limit(original, options) };
}

/** The second half of {@linkcode compileGuest}. Throws as {@linkcode compile} does. */
export function compileRead(read: ReadModule): Compiled {
  const { original, bytes, importedMemories, settleMs, defect } = read;
  if (defect !== undefined) refuse(original, defect);
  try {
    const module = toModule(bytes);
    rememberMemories(module, importedMemories);
    return { module, importedMemories, settleMs };
  } catch (error) {
    // Its offset should be one of the file that the user has.
    if (error instanceof CompileError && original !== bytes) toModule(original);
    throw error;
  }
}

type Limited = Omit<ReadModule, "original">;

function limit(bytes: Uint8Array, options: CompileOptions): Limited {
  try {
    return rewrite(bytes, options);
  } catch (error) {
    if (error instanceof ModuleLimitError) {
      throw new CompileError(`Cannot compile module: ${error.message}`, { cause: error });
    }
    if (!(error instanceof MalformedError)) throw error;
    return {
      bytes,
      importedMemories: [],
      sockets: false,
      awaitsListeners: false,
      settleMs: 0,
      defect: error,
    };
  }
}

/** The compiler's word on what we cannot read. What only it can read is not let in. */
function refuse(bytes: Uint8Array, defect: Error): never {
  toModule(bytes);
  throw new CompileError(`Cannot compile module: ${defect.message}; it cannot be limited`, {
    cause: defect,
  });
}

function toModule(bytes: Uint8Array): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    throw new CompileError(`Cannot compile module: ${explain(error.message, bytes.length)}`, {
      cause: error,
    });
  }
}

const STRANGERS: readonly { readonly magic: readonly number[]; readonly what: string }[] = [
  { magic: [0x7f, 0x45, 0x4c, 0x46], what: "a native ELF program or library" },
  { magic: [0x4d, 0x5a], what: "a native Windows program" },
  { magic: [0xcf, 0xfa, 0xed, 0xfe], what: "a native macOS program" },
  { magic: [0xca, 0xfe, 0xba, 0xbe], what: "a Java class or a native macOS program" },
  { magic: [0x1f, 0x8b], what: "gzip data: unpack it first" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], what: "zstd data: unpack it first" },
  { magic: [0x50, 0x4b, 0x03, 0x04], what: "a zip archive: unpack it first" },
  { magic: [0x42, 0x43, 0xc0, 0xde], what: "LLVM bitcode: link it to a module first" },
  { magic: [0x23, 0x21], what: "a script" },
];
const WASM_MAGIC = [0x00, 0x61, 0x73, 0x6d];
const HEADER_BYTES = 8;

/** What the bytes are, if their first ones tell that they are no module. */
function recognise(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "the file is empty";
  if (!startsWith(bytes, WASM_MAGIC)) {
    const cut = startsWith(WASM_MAGIC, [...bytes.subarray(0, 4)]);
    if (cut) return `the file ends at offset ${bytes.length}, inside of its header`;
    const stranger = STRANGERS.find(({ magic }) => startsWith(bytes, magic));
    return `offset 0 does not begin a module; this is ${stranger?.what ?? describe(bytes)}`;
  }
  if (bytes.length < HEADER_BYTES) {
    return `the file ends at offset ${bytes.length}, inside of its header`;
  }
  const version = bytes[4]! | bytes[5]! << 8;
  const layer = bytes[6]! | bytes[7]! << 8;
  if (layer === 1) {
    return "offset 4 begins a component (WASI 0.2); build a module (WASI preview 1) instead, as " +
      "with target wasm32-wasip1";
  }
  return version === 1 && layer === 0
    ? undefined
    : `offset 4 tells version ${version}, layer ${layer}; a module has version 1, layer 0`;
}

/**
 * The text format: spaces and comments, and what they stand before. There is one way only to divide a
 * text into these, or a hostile one would take time without end.
 */
const WAT = /^(?:\s|;;[^\n]*(?:\n|$)|\(;(?:[^;]|;(?!\)))*;\))*\(\s*(?:module|component)\b/;

function describe(bytes: Uint8Array): string {
  const start = new TextDecoder().decode(bytes.subarray(0, 512));
  if (WAT.test(start)) {
    return "the text format (.wat): translate it with wat2wasm first";
  }
  if (/^\s*(<!doctype|<html|<\?xml)/i.test(start)) return "a web page, as of a failed download";
  if (/^\s*[{[]/.test(start)) return "JSON, as an image's manifest";
  const first = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0"));
  return `something unknown that begins with ${first.join(" ")}`;
}

/** V8's own words, without the name of the API, and a hint where they speak of the end. */
function explain(message: string, length: number): string {
  const text = message.replace(/^WebAssembly\.Module\(\):\s*/, "")
    .replace(/\s*@\+(\d+)/, " at offset $1");
  const truncated = /out of bounds|reached end|unexpected end|extends past end|fewer than/i.test(
    text,
  );
  return truncated ? `${text}; the file seems truncated: it has ${length} bytes` : text;
}

function startsWith(bytes: ArrayLike<number>, magic: readonly number[]): boolean {
  return bytes.length >= magic.length && magic.every((byte, index) => bytes[index] === byte);
}
