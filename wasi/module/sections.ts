import { ModuleLimitError } from "./errors.ts";
import { NAME_BYTES_MAX, SECTIONS_MAX } from "./limits.ts";
import { leb128, Reader } from "./reader.ts";

/** Numbers of the sections that are looked into (Wasm core specification, "Modules: Sections"). */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  code: 10,
} as const;

/** Bytes of the magic number and the version, before the first section. */
const HEADER_BYTES = 8;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Where a section is. Offsets in the file. */
export interface Section {
  readonly id: number;
  /** The byte that holds the id. */
  readonly start: number;
  /** The first byte of the content. */
  readonly at: number;
  /** The byte after the content. */
  readonly end: number;
}

/**
 * Where the sections of a module are, in the order of the file. Only their heads are read, so it
 * costs the same for a module of any size.
 *
 * @throws {MalformedError} If a section reaches past the end of the file.
 * @throws {ModuleLimitError} For more than {@linkcode SECTIONS_MAX}.
 */
export function readSections(module: Uint8Array): Section[] {
  const reader = new Reader(module, { at: HEADER_BYTES, end: module.length });
  const sections: Section[] = [];
  while (reader.at < reader.end) {
    const start = reader.at;
    const id = reader.byte();
    const length = reader.u32();
    const at = reader.at;
    reader.pass(length);
    sections.push({ id, start, at, end: reader.at });
    if (sections.length > SECTIONS_MAX) {
      throw new ModuleLimitError(`it has more than ${SECTIONS_MAX} sections, the limit`);
    }
  }
  return sections;
}

/**
 * The name of a custom section; `undefined` for another section, or a name that cannot be read or is
 * longer than {@linkcode NAME_BYTES_MAX}.
 */
export function customName(module: Uint8Array, section: Section): string | undefined {
  if (section.id !== SECTION.custom) return undefined;
  const reader = new Reader(module, section);
  try {
    const name = reader.name();
    return name.length > NAME_BYTES_MAX ? undefined : decoder.decode(name);
  } catch {
    return undefined;
  }
}

/** A piece of a file that becomes another one. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/**
 * Those of the edits that are of a section's content, after the one that gives the section its new
 * length. Empty if there are none.
 */
export function editSection({ id, start, at, end }: Section, edits: readonly Edit[]): Edit[] {
  const inside = edits.filter((edit) => edit.start >= at && edit.end <= end);
  if (inside.length === 0) return [];
  const head = Uint8Array.from([id, ...leb128(end - at + addedBy(inside))]);
  return [{ start, end: at, bytes: head }, ...inside];
}

/**
 * The file with the edits made, which come in its order and do not overlap. Without any it is the
 * file itself, not a copy.
 */
export function splice(file: Uint8Array, edits: readonly Edit[]): Uint8Array {
  if (edits.length === 0) return file;
  const result = new Uint8Array(file.length + addedBy(edits));
  let [from, to] = [0, 0];
  for (const { start, end, bytes } of edits) {
    result.set(file.subarray(from, start), to);
    to += start - from;
    result.set(bytes, to);
    to += bytes.length;
    from = end;
  }
  result.set(file.subarray(from), to);
  return result;
}

/** Bytes that a file is longer after the edits. */
function addedBy(edits: readonly Edit[]): number {
  return edits.reduce((sum, { start, end, bytes }) => sum + bytes.length - (end - start), 0);
}
