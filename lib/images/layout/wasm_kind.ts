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
  if (head.length === 0) return `it is empty; ${WASM_WANTED}`;
  const text = new TextDecoder().decode(head);
  if (head.length < WASM_HEAD_BYTES) return `it has only ${head.length} bytes; ${WASM_WANTED}`;
  const native = nativeKind(head);
  if (native !== undefined) {
    return `it is native code (${native}), perhaps a precompiled module (.cwasm), which is never ` +
      "accepted: it cannot be confined; push the .wasm file that it was made of";
  }
  if (head[0] === 0x1f && head[1] === 0x8b) return `it is compressed with gzip; ${WASM_WANTED}`;
  if (text.startsWith("(module") || text.startsWith("(compon")) {
    return "it is WebAssembly text (WAT); translate it with wat2wasm";
  }
  if (text.startsWith("\0asm")) {
    return `it is of an unknown WebAssembly version; build it for version 1`;
  }
  const bytes = [...head].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `it begins with ${bytes}; ${WASM_WANTED}`;
}

const WASM_WANTED = "what is wanted is the .wasm file as the compiler made it";

/** The format of a native program. Wasmtime's precompiled modules are ELF files on every system. */
function nativeKind(head: Uint8Array): string | undefined {
  const magic = new DataView(head.buffer, head.byteOffset).getUint32(0);
  if (magic === 0x7f_45_4c_46) return "ELF";
  if (magic >>> 16 === 0x4d_5a) return "Windows";
  return [0xfe_ed_fa_cf, 0xcf_fa_ed_fe, 0xca_fe_ba_be].includes(magic) ? "macOS" : undefined;
}
