import type { Bodies } from "./code.ts";
import type { Declaration, Declarations } from "./declarations.ts";
import { chooseTypes, codeOf, type Grower, redirect } from "./growth_code.ts";
import { findGrowing, type GrowingBody } from "./growth_sites.ts";
import { GROWTH_EXPORT } from "./growth_told.ts";
import { EXPORTS_MAX, FUNCTIONS_MAX, GLOBALS_MAX, TYPES_MAX } from "./limits.ts";
import { leb128, MalformedError, Reader } from "./reader.ts";
import { SECTION, type Section } from "./sections.ts";
import { addItems, type Additions, countOf } from "./vectors.ts";

/** The parts of a module that are needed to watch it. */
export interface WatchedModule {
  readonly sections: readonly Section[];
  readonly declarations: Declarations;
  /** `undefined` if there are none, or they cannot be read. */
  readonly bodies: Bodies | undefined;
}

/**
 * Makes visible that memory was refused to grow, which tells an allocator's abort from another trap.
 *
 * Each `memory.grow` becomes a call of a function that does it and notes in a global whether it was
 * refused: for each instance, and so for each thread. The functions, the global, its export and, if it
 * is missing, the functions' type come after what is there, so that no index changes. (An invalid index may
 * thereby become valid; the guest can only deceive itself with it.) Code moves by a byte or two for each
 * growth before it: offsets in a trap are those of the changed module, and a branch hint further down in
 * a function that grows memory is lost.
 *
 * A module stays as it is if it never grows its memory, if not every `memory.grow` can be found
 * ({@linkcode findGrowing}), if its types are not only those of functions (garbage collection), if it
 * exports that name itself, and where the additions would exceed what V8 takes.
 */
export function watchGrowth(module: Uint8Array, watched: WatchedModule): Additions {
  try {
    return plan(module, watched) ?? UNWATCHED;
  } catch (error) {
    if (error instanceof MalformedError) return UNWATCHED; // the compiler will say it better
    throw error;
  }
}

const UNWATCHED: Additions = { edits: [], sections: [] };
const NAME = new TextEncoder().encode(GROWTH_EXPORT);
const KIND_GLOBAL = 3;
/** A number of 32 bits that may be changed, 0 at first. */
const GLOBAL = Uint8Array.of(0x7f, 1, 0x41, 0, 0x0b);

/** `undefined` if the module stays as it is. */
function plan(module: Uint8Array, watched: WatchedModule): Additions | undefined {
  const { sections, declarations, bodies } = watched;
  const { memories, importedFunctions, importedGlobals } = declarations;
  if (bodies === undefined || memories.length === 0) return undefined;
  const growing = findGrowing(module, { bodies, memories: memories.length });
  if (growing === undefined || growing.length === 0) return undefined;
  const growers = growersOf(growing, memories);
  const types = chooseTypes(module, sectionOf(watched, SECTION.type), growers);
  if (types === undefined || exportsName(module, sectionOf(watched, SECTION.export))) {
    return undefined;
  }
  const first = importedFunctions + bodies.count;
  const indexes = new Map(growers.map(({ memory }, place) => [memory, first + place]));
  const redirected = growing.map((body) => redirect(bodies, body, indexes));
  if (redirected.includes(undefined)) return undefined;
  const global = importedGlobals + countOf(module, sectionOf(watched, SECTION.global));
  const functionsMax = FUNCTIONS_MAX - importedFunctions;
  const added = addItems(module, sections, [
    { id: SECTION.type, items: types.added, itemsMax: TYPES_MAX },
    {
      id: SECTION.function,
      items: growers.map((grower) => Uint8Array.from(leb128(types.indexOf(grower)))),
      itemsMax: functionsMax,
    },
    { id: SECTION.global, items: [GLOBAL], itemsMax: GLOBALS_MAX - importedGlobals },
    { id: SECTION.export, items: [exportOf(global)], itemsMax: EXPORTS_MAX },
    {
      id: SECTION.code,
      items: growers.map((grower) => codeOf(grower, global)),
      itemsMax: functionsMax,
    },
  ]);
  return added && {
    edits: [...added.edits, ...redirected.flatMap((edits) => edits ?? [])],
    sections: added.sections,
  };
}

/** One for each memory that is grown. */
function growersOf(growing: readonly GrowingBody[], memories: readonly Declaration[]): Grower[] {
  const grown = growing.flatMap(({ growths }) => growths.map(({ memory }) => memory));
  return [...new Set(grown)].map((memory) => {
    const declared = memories[memory];
    if (declared === undefined) throw new MalformedError(`there is no memory ${memory} to grow`);
    return { memory, wide: declared.address64 };
  });
}

function sectionOf({ sections }: WatchedModule, id: number): Section | undefined {
  return sections.find((section) => section.id === id);
}

function exportOf(global: number): Uint8Array {
  return Uint8Array.from([...leb128(NAME.length), ...NAME, KIND_GLOBAL, ...leb128(global)]);
}

function exportsName(module: Uint8Array, section: Section | undefined): boolean {
  if (section === undefined) return false;
  const reader = new Reader(module, section);
  for (let left = reader.u32(); left > 0; left--) {
    const name = reader.name();
    if (name.length === NAME.length && NAME.every((byte, at) => byte === name[at])) return true;
    reader.byte();
    reader.u32();
  }
  return false;
}
