import { findBodies } from "./code.ts";
import { readDeclarations } from "./declarations.ts";
import { ModuleLimitError } from "./errors.ts";
import { watchGrowth } from "./growth.ts";
import { chooseHints, hintSection } from "./hints.ts";
import { MODULE_BYTES_MAX } from "./limits.ts";
import { type ImportedMemory, planMemories } from "./memories.ts";
import {
  customName,
  type Edit,
  editSection,
  readSections,
  SECTION,
  type Section,
  splice,
} from "./sections.ts";
import { planTables } from "./tables.ts";

/** What a module shall be held to. */
export interface CompileOptions {
  /**
   * Bytes that all memories of the module may have together. With a limit, the offsets in the stack of
   * a trap can be some bytes behind those of the file (see {@linkcode watchGrowth}).
   *
   * @default {what V8 gives}
   */
  readonly memoryBytesMax?: number;
}

/** A module that may be compiled. */
export interface Rewritten {
  /** The module; the given bytes themselves if nothing had to be changed. */
  readonly bytes: Uint8Array;
  /** What the host must create before it can be linked. */
  readonly importedMemories: readonly ImportedMemory[];
  /** It imports a function whose name begins with `sock_`. */
  readonly sockets: boolean;
  /** See {@linkcode Declarations.awaitsListeners}. */
  readonly awaitsListeners: boolean;
  /** Milliseconds that are well spent between compiling it and running it; mostly 0. */
  readonly settleMs: number;
}

const NOTHING = new Uint8Array(0);

/**
 * Holds a module to its limits and advises the compiler: lowers the maximums of memories and tables,
 * makes it tell when a limit of its memory was felt ({@linkcode watchGrowth}), and names the functions
 * to optimise first ({@linkcode chooseHints}). Advice of the module's own is taken out, because it comes
 * from whoever made the module and would be read by an experimental part of V8.
 *
 * @throws {MemoryLimitError} If its memories start with more than they may have.
 * @throws {ModuleLimitError} If it is or has more than the named limits allow.
 * @throws {MalformedError} If what must be limited cannot be read.
 */
export function rewrite(module: Uint8Array, options: CompileOptions = {}): Rewritten {
  if (module.length > MODULE_BYTES_MAX) {
    throw new ModuleLimitError(`it has ${module.length} bytes; the limit is ${MODULE_BYTES_MAX}`);
  }
  const sections = readSections(module);
  const declarations = readDeclarations(module, sections);
  const { memories, tables, importedFunctions, sockets, awaitsListeners } = declarations;
  const bodies = findBodies(module, sections);
  const plan = planMemories(memories, options.memoryBytesMax);
  const watch = options.memoryBytesMax === undefined
    ? undefined
    : watchGrowth(module, { sections, declarations, bodies });
  const inside = [...plan.edits, ...planTables(tables), ...watch?.edits ?? []]
    .sort((a, b) => a.start - b.start);
  const edits = sections.flatMap((section) => [
    ...watch?.sections.filter(({ start }) => start === section.start) ?? [],
    ...editOf(module, section, inside),
  ]);
  const hints = chooseHints(module, sections, { importedFunctions, bodies });
  if (hints.functions.length > 0) {
    const bytes = hintSection(hints.functions);
    edits.push({ start: module.length, end: module.length, bytes });
  }
  return {
    bytes: splice(module, edits),
    importedMemories: plan.imported,
    sockets,
    awaitsListeners,
    settleMs: hints.settleMs,
  };
}

function editOf(module: Uint8Array, section: Section, inside: readonly Edit[]): Edit[] {
  if (isAdvice(customName(module, section))) return [{ ...section, bytes: NOTHING }];
  return section.id === SECTION.custom ? [] : editSection(section, inside);
}

/** Branch hints belong to the standard, and are always read. */
function isAdvice(name: string | undefined): boolean {
  return name !== undefined && name.startsWith("metadata.code.") &&
    name !== "metadata.code.branch_hint";
}
