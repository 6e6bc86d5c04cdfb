import { leb128, Reader } from "./reader.ts";
import { type Edit, SECTION, type Section } from "./sections.ts";

/** What comes after the items of a section, which is made if there is none. */
export interface Addition {
  /** Which section; one of those that begin with the number of their items. */
  readonly id: number;
  readonly items: readonly Uint8Array[];
  /** Items that the section may have then. */
  readonly itemsMax: number;
}

/** Edits of a module by which sections get longer. */
export interface Additions {
  /** In the content of sections. */
  readonly edits: readonly Edit[];
  /** Whole sections, each to be put before what is at its place. */
  readonly sections: readonly Edit[];
}

/** The order of the sections that may be missing and of what follows them (start, elements, data). */
const ORDER: readonly number[] = [SECTION.global, SECTION.export, 8, 9, 12, SECTION.code];

/**
 * Adds items to sections of a module that has code, in the order of the sections. `undefined` if one
 * would have too many.
 *
 * @throws {MalformedError} If a section does not begin with a number.
 */
export function addItems(
  module: Uint8Array,
  sections: readonly Section[],
  additions: readonly Addition[],
): Additions | undefined {
  const edits: Edit[] = [];
  const made: Edit[] = [];
  for (const { id, items, itemsMax } of additions) {
    const section = sections.find((one) => one.id === id);
    if (countOf(module, section) + items.length > itemsMax) return undefined;
    if (section !== undefined) {
      edits.push(...appendItems(module, section, items));
      continue;
    }
    const after = ORDER.slice(ORDER.indexOf(id) + 1);
    const next = sections.find((one) => after.includes(one.id));
    if (next === undefined) return undefined;
    made.push({ start: next.start, end: next.start, bytes: sectionOf(id, items) });
  }
  return { edits, sections: made };
}

/** How many items a section has; 0 if there is no such section. */
export function countOf(module: Uint8Array, section: Section | undefined): number {
  return section === undefined ? 0 : new Reader(module, section).u32();
}

function appendItems(
  module: Uint8Array,
  section: Section,
  items: readonly Uint8Array[],
): Edit[] {
  if (items.length === 0) return [];
  const reader = new Reader(module, section);
  const count = Uint8Array.from(leb128(reader.u32() + items.length));
  return [
    { start: section.at, end: reader.at, bytes: count },
    { start: section.end, end: section.end, bytes: concat(items) },
  ];
}

function sectionOf(id: number, items: readonly Uint8Array[]): Uint8Array {
  const content = concat([Uint8Array.from(leb128(items.length)), ...items]);
  return Uint8Array.from([id, ...leb128(content.length), ...content]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
