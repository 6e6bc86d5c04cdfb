import type { Bodies } from "./code.ts";
import { type BodyFacts, readBody } from "./instructions.ts";
import { EXPORTS_MAX } from "./limits.ts";
import { leb128, MalformedError, Reader } from "./reader.ts";
import { customName, SECTION, type Section } from "./sections.ts";

/**
 * Bytes of code that may be hinted. The optimising compiler takes 1 to 2 ms per KiB, on another thread:
 * enough for a program's main loops, too little to be felt by a program that has none.
 */
const HINTED_BYTES_MAX = 8 * 1024;
/** The same for Go, where nearly every function has a loop, which is how it resumes goroutines. */
const GO_HINTED_BYTES_MAX = 4 * 1024;
/** Bytes of code that are looked at in search of loops: 1 ms. */
const SCANNED_BYTES_MAX = 256 * 1024;
/** Calls from the entry to a program's own code: `_start`, `__main_void`, `main`, and one more. */
const CALL_DEPTH_MAX = 3;
/**
 * Milliseconds to wait if a nested loop stands where a program's own code is: for the compiler's thread to
 * be scheduled, and for each KiB of hinted code, twice what it needs on an idle machine. With a load
 * of four per core one of six such programs began too early without a wait, and ran three times
 * slower to its end.
 */
const SETTLE_MS = { start: 8, perKib: 2 };
/** Functions at the start of a file, where a linker puts the program's own ones. */
const OWN_FUNCTIONS = 16;
/**
 * Simple loops are everywhere in libraries. They are only hinted near the entry, and in small functions
 * that are among the first of the file; nested ones are rare (2 of 57 functions of a C program).
 */
const SIMPLE_LOOP = { functions: 12, bytesMax: 1024 };

const HINT_SECTION = "metadata.code.compilation_priority";
/** A custom section that Go's linker writes. */
const GO_SECTION = "go:buildid";
const ENTRY = "_start";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What to optimise before it runs. */
export interface Hints {
  /** Indexes of functions, imported ones counted, in rising order. */
  readonly functions: readonly number[];
  /** Milliseconds that are well spent between compiling the module and running it. */
  readonly settleMs: number;
}

const NO_HINTS: Hints = { functions: [], settleMs: 0 };

/**
 * Chooses the functions to optimise before they run: V8 replaces baseline code only at the next call
 * (no on-stack replacement), so the loop of a `main` would stay three times slower for ever.
 *
 * They are functions with loops: those that the entry reaches in few calls, then those of
 * the file from its start, where linkers put a program's own code, before its libraries; Go's linker
 * puts the main package last. Functions that are called often need no advice: V8 finds them, and
 * inlines better when it has seen them run.
 *
 * No function is chosen in code that cannot be read, which is the compiler's concern.
 */
export function chooseHints(
  module: Uint8Array,
  sections: readonly Section[],
  { importedFunctions, bodies }: {
    readonly importedFunctions: number;
    readonly bodies: Bodies | undefined;
  },
): Hints {
  if (bodies === undefined) return NO_HINTS;
  try {
    const code = {
      bodies,
      body: (index: number) => readBody(new Reader(module, code.bodies.part(index))),
      imported: importedFunctions,
    };
    const go = sections.some((section) => customName(module, section) === GO_SECTION);
    const picker = new Picker(code, go ? GO_HINTED_BYTES_MAX : HINTED_BYTES_MAX);
    if (go) pickLast(picker, code);
    else pickFirst(picker, code, entryOf(module, sections));
    const functions = picker.picked.map((index) => index + importedFunctions);
    return { functions: functions.sort((a, b) => a - b), settleMs: go ? 0 : picker.settleMs };
  } catch (error) {
    if (error instanceof MalformedError) return NO_HINTS;
    throw error;
  }
}

/** The custom section that tells V8, started with the flag for it, to optimise at once. */
export function hintSection(functions: readonly number[]): Uint8Array {
  const name = encoder.encode(HINT_SECTION);
  const content = [...leb128(name.length), ...name, ...leb128(functions.length)];
  // For the whole function (offset 0), 2 bytes: compile first, optimise first.
  for (const index of functions) content.push(...leb128(index), 0, 2, 0, 0);
  return Uint8Array.from([SECTION.custom, ...leb128(content.length), ...content]);
}

interface Code {
  readonly bodies: Bodies;
  /** What the code of the module's own function number `index` tells. */
  body(index: number): BodyFacts;
  readonly imported: number;
}

/** Those near the entry with any loop, nearest first; then as they stand. */
function pickFirst(picker: Picker, code: Code, entry: number | undefined): void {
  let ring = entry === undefined ? [] : [entry - code.imported];
  for (let depth = 0; depth <= CALL_DEPTH_MAX; depth++) {
    const next: number[] = [];
    for (const index of ring) {
      if (!picker.look(index, { wanted: () => true, own: true })) continue;
      for (const called of code.body(index).calls) next.push(called - code.imported);
    }
    ring = [...new Set(next)];
  }
  for (let index = 0; index < code.bodies.count && picker.mayLook; index++) {
    const simple = index < SIMPLE_LOOP.functions;
    picker.look(index, {
      wanted: (loopDepth, bytes) => loopDepth > 1 || (simple && bytes <= SIMPLE_LOOP.bytesMax),
      own: index < OWN_FUNCTIONS,
    });
  }
}

function pickLast(picker: Picker, { bodies }: Code): void {
  for (let index = bodies.count - 1; index >= 0 && picker.mayLook; index--) {
    picker.look(index, { wanted: () => true, own: true });
  }
}

/** Takes functions with loops as far as the limits go. */
class Picker {
  readonly picked: number[] = [];
  readonly #code: Code;
  readonly #seen = new Set<number>();
  #hintable: number;
  #hinted = 0;
  #urgent = false;
  #scannable = SCANNED_BYTES_MAX;

  constructor(code: Code, hintable: number) {
    this.#code = code;
    this.#hintable = hintable;
  }

  get settleMs(): number {
    return this.#urgent ? SETTLE_MS.start + Math.ceil((this.#hinted / 1024) * SETTLE_MS.perKib) : 0;
  }

  get mayLook(): boolean {
    return this.#hintable > 0 && this.#scannable > 0;
  }

  /** Answers `false` if the function is none of the module's own, was seen, or is over a limit. */
  look(
    index: number,
    { wanted, own }: {
      readonly wanted: (loopDepth: number, bytes: number) => boolean;
      /** It seems to be the program's own, not a library's. */
      readonly own: boolean;
    },
  ): boolean {
    const { bodies, imported } = this.#code;
    if (!this.mayLook || index < 0 || index >= bodies.count || this.#seen.has(index)) return false;
    this.#seen.add(index);
    const { at, end } = bodies.part(index);
    const bytes = end - at;
    // Invalid, empty functions count as well, or there could be a million.
    this.#scannable -= Math.max(bytes, 1);
    if (bytes > this.#hintable || this.#scannable < 0) return this.#scannable >= 0;
    const { loopDepth, calls } = this.#code.body(index);
    // What calls itself is called often.
    const recursive = calls.includes(index + imported);
    if (loopDepth > 0 && !recursive && wanted(loopDepth, bytes)) {
      this.#hintable -= bytes;
      this.#hinted += bytes;
      if (own && loopDepth > 1) this.#urgent = true;
      this.picked.push(index);
    }
    return true;
  }
}

/** The index of the function that a program begins with. */
function entryOf(module: Uint8Array, sections: readonly Section[]): number | undefined {
  const section = sections.find(({ id }) => id === SECTION.export);
  if (section === undefined) return undefined;
  const reader = new Reader(module, section);
  const count = reader.u32();
  for (let left = Math.min(count, EXPORTS_MAX); left > 0; left--) {
    const name = reader.name();
    const kind = reader.byte();
    const index = reader.u32();
    if (kind === 0 && name.length === ENTRY.length && decoder.decode(name) === ENTRY) return index;
  }
  return undefined;
}
