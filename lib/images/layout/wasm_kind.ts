/**
 * What a file is, by its first eight bytes.
 *
 * @module
 */

/** A core module, or a component (WASI 0.2). The runtime decides what it can run. */
export type WasmKind = "module" | "component";

/** Bytes that {@linkcode wasmKind} wants to see: magic, version and layer. */
export const WASM_HEAD_BYTES = 8;

/** The kind of a Wasm binary; undefined if these are not the first bytes of one. */
export function wasmKind(head: Uint8Array): WasmKind | undefined {
  if (head.length < WASM_HEAD_BYTES) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, WASM_HEAD_BYTES);
  if (view.getUint32(0) !== 0x00_61_73_6d) return undefined;
  if (view.getUint32(4, true) === 1) return "module";
  // A component's version field is a 16-bit version and a 16-bit layer, which is 1.
  return view.getUint16(6, true) === 1 ? "component" : undefined;
}

/** Says what the file begins with instead, for a message. */
export function describeHead(head: Uint8Array): string {
  if (head.length === 0) return "it is empty";
  const text = new TextDecoder().decode(head);
  if (head.length < WASM_HEAD_BYTES) return `it has only ${head.length} bytes`;
  if (text.startsWith("\x7fELF")) return "it is a native Linux program (ELF)";
  if (text.startsWith("MZ")) return "it is a native Windows program";
  if (head[0] === 0x1f && head[1] === 0x8b) return "it is compressed with gzip";
  if (text.startsWith("(module") || text.startsWith("(compon")) {
    return "it is WebAssembly text (WAT); translate it with wat2wasm";
  }
  if (text.startsWith("\0asm")) return `it is of an unknown WebAssembly version`;
  return `it begins with ${[...head].map((b) => b.toString(16).padStart(2, "0")).join(" ")}`;
}
