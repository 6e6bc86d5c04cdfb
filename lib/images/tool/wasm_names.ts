/**
 * The names in the import and export sections of modules (Wasm core specification, "Binary Format:
 * Modules") and of components (WebAssembly component model, "Binary Format Explainer").
 *
 * Everything here is pure. What cannot be read is a `PullFailure`.
 *
 * @module
 */
import { NAMES_MAX } from "./limits.ts";
import { broken, WasmCursor } from "./wasm_cursor.ts";

/** Imports of a core module, as `wasi_snapshot_preview1.fd_write`. */
export function moduleImports(section: Uint8Array): string[] {
  return vector(section, (cursor) => {
    const name = `${cursor.name()}.${cursor.name()}`;
    passCoreType(cursor);
    return name;
  });
}

/** Exports of a core module, as `_start`. */
export function moduleExports(section: Uint8Array): string[] {
  return vector(section, (cursor) => {
    const name = cursor.name();
    cursor.byte();
    cursor.u32();
    return name;
  });
}

/** Imports of a component, as `wasi:http/types@0.2.0`. */
export function componentImports(section: Uint8Array): string[] {
  return vector(section, (cursor) => {
    const name = externName(cursor);
    passExternType(cursor);
    return name;
  });
}

/** Exports of a component, as `wasi:cli/run@0.2.0`. */
export function componentExports(section: Uint8Array): string[] {
  return vector(section, (cursor) => {
    const name = externName(cursor);
    const sort = cursor.byte();
    // A core thing says in a second byte which it is.
    if (sort === 0) cursor.byte();
    cursor.u32();
    const typed = cursor.byte();
    if (typed === 1) passExternType(cursor);
    else if (typed !== 0) throw broken(`an export's type is marked by ${typed}`);
    return name;
  });
}

function vector(section: Uint8Array, read: (cursor: WasmCursor) => string): string[] {
  const cursor = new WasmCursor(section);
  const count = cursor.u32();
  if (count > NAMES_MAX) throw broken(`it has ${count} imports or exports; up to ${NAMES_MAX} do`);
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(read(cursor));
  if (cursor.at !== section.length) throw broken("there are bytes behind its imports or exports");
  return names;
}

function passCoreType(cursor: WasmCursor): void {
  const kind = cursor.byte();
  if (kind === 0) cursor.u32(); // a function of that type
  else if (kind === 1) {
    passValueType(cursor);
    passLimits(cursor);
  } else if (kind === 2) passLimits(cursor);
  else if (kind === 3) {
    passValueType(cursor);
    cursor.byte();
  } else if (kind === 4) {
    cursor.byte();
    cursor.u32();
  } else throw broken(`an import is of the unknown kind ${kind}`);
}

/** A reference to a type of the module's own has its index behind it. */
function passValueType(cursor: WasmCursor): void {
  const type = cursor.byte();
  if (type === 0x63 || type === 0x64) cursor.passNumber();
}

function passLimits(cursor: WasmCursor): void {
  const flags = cursor.byte();
  cursor.passNumber();
  if ((flags & 1) !== 0) cursor.passNumber();
  // The size of a page, where it is the module's choice.
  if ((flags & 8) !== 0) cursor.passNumber();
}

function externName(cursor: WasmCursor): string {
  const form = cursor.byte();
  if (form > 2) throw broken(`a name has the unknown form ${form}`);
  const name = cursor.name();
  return form === 2 ? `${name}@${cursor.name()}` : name;
}

function passExternType(cursor: WasmCursor): void {
  const kind = cursor.byte();
  if (kind === 0) cursor.byte(); // of all core things, it is a module
  else if (kind === 2) cursor.byte();
  else if (kind === 3) {
    // A new resource has no index.
    if (cursor.byte() === 1) return;
  } else if (kind > 5) throw broken(`an import or export is of the unknown kind ${kind}`);
  cursor.passNumber();
}
